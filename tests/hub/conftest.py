import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pytest
import torch

from benchmark.hub.client import Hub
from benchmark.hub.ranged import Budget, RangedFile
from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.hub.tensor_listing import ListingProblem, TensorListing
from benchmark.hub.torch_pickles import read_pickle
from benchmark.workers.messages import encode
from tests.support.hub_server import HubServer

T = TypeVar("T")

ID = "org/model"
CONFIG = {"model_type": "wav2vec2", "id2label": {"0": "sad", "1": "happy"}}
PREPROCESSOR = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16000}


class Publish(Protocol):
    def __call__(self, id: Any = ..., *, branch: Any = ..., **files: Any) -> str: ...


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def publish(server: HubServer, tmp_path: Path) -> Publish:
    """Puts a repository on the server: bytes as they are, everything else as JSON; None leaves a file out."""

    def put(id: str = ID, *, branch: str = "main", **files: Any) -> str:
        folder = tmp_path / f"repository-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        contents = {"config.json": CONFIG, "preprocessor_config.json": PREPROCESSOR, "model.safetensors": b"w" * 5000}
        for name, content in {**contents, **files}.items():
            if content is not None:
                (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return server.add(id, folder, branch=branch)

    return put


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> Hub:
    return Hub(timeout_s=2.0, endpoint=server.url, cache=tmp_path / "hf")


def success(answer: T | HubFailure) -> T:
    assert not isinstance(answer, HubFailure), answer
    return answer


def failure(answer: object) -> HubFailure:
    assert isinstance(answer, HubFailure), answer
    return answer


def facts_of(hub: Hub, id: str = ID, revision: str | None = None) -> RepoFacts:
    return success(hub.facts(id, revision))


def failure_of(hub: Hub, id: str = ID, revision: str | None = None) -> HubFailure:
    return failure(hub.facts(id, revision))


def problem_of(listing: TensorListing) -> ListingProblem:
    assert listing.problem is not None
    return listing.problem


def read_in_process(content: bytes, name: str, *, pickles: int, load: bool) -> Any:
    """Does what a worker does, over the same plain data."""
    answer = read_pickle(np.frombuffer(content, np.uint8), name, pickles, load)
    return json.loads(encode(answer).header)


def torch_saved(content: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


class Runs:
    """Leaves a mark on the disk when it is unpickled."""

    def __init__(self, mark: Path, function: Any = os.system) -> None:
        self.mark, self.function = mark, function

    def __reduce__(self) -> Any:
        return self.function, (f"touch {self.mark}",)


class Reads:
    """A file in memory, and what was read of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.spans: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> bytes:
        assert 0 <= start < stop <= len(self.content)
        self.spans.append((start, stop))
        return self.content[start:stop]

    def file(self, budget: int = 1_000_000) -> RangedFile:
        return RangedFile(self, len(self.content), Budget(budget))


def ranged(content: bytes, budget: int = 1_000_000) -> RangedFile:
    return Reads(content).file(budget)
