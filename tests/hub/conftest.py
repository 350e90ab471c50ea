import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch

from benchmark.hub.client import Hub
from benchmark.hub.ranged import Budget, RangedFile
from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.hub.tensor_listing import ListingProblem, TensorListing
from benchmark.hub.torch_pickles import read_pickle
from benchmark.workers.messages import encode
from tests.support.hub_server import Fault, HubServer, Trouble, closed_port

T = TypeVar("T")

ID = "org/model"
CONFIG = {"model_type": "wav2vec2", "id2label": {"0": "sad", "1": "happy"}}
PREPROCESSOR = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "sampling_rate": 16000}
WEIGHTS = "model.safetensors"
_FILES = {"config.json": CONFIG, "preprocessor_config.json": PREPROCESSOR, WEIGHTS: b"w" * 5000}


class ServedHub:
    """A Hub on loopback with the repositories of one test, and clients of it that share a cache."""

    def __init__(self, server: HubServer, folder: Path) -> None:
        self.server, self.cache, self._folder = server, folder / "hf", folder
        self.client = self.client_with(timeout_s=10.0)  # long enough for a busy machine

    def client_with(self, timeout_s: float) -> Hub:
        return Hub(timeout_s=timeout_s, endpoint=self.server.url, cache=self.cache)

    def offline_client(self) -> Hub:
        return Hub(offline=True, endpoint=closed_port(), cache=self.cache)

    def publish(self, id: Any = ID, *, branch: Any = "main", **files: Any) -> str:
        """Serve a repository with these files beside the usual ones; returns the sha of its commit."""
        folder = self._folder / f"repository-{len(list(self._folder.iterdir()))}"
        return self.server.add(id, write_files(folder, {**_FILES, **files}), branch=branch)

    def break_(self, what: int | Trouble, at: str = "", *, id: str | None = ID, **options: Any) -> None:
        self.server.break_(id, Fault(what, at=at, **options))

    def facts(self, id: str = ID, revision: str | None = None) -> RepoFacts:
        return success(self.client.facts(id, revision))

    def failure(self, id: str = ID, revision: str | None = None) -> HubFailure:
        return failure(self.client.facts(id, revision))

    def tensors(self, facts: RepoFacts | None = None) -> TensorListing:
        return success(self.client.tensors(facts or self.facts(), read_in_process))

    def download(self, facts: RepoFacts) -> Path:
        return success(self.client.download(facts))

    @property
    def bytes_sent(self) -> int:
        return self.server.bytes_sent[ID]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with HubServer() as server:
        yield ServedHub(server, tmp_path)


def write_files(folder: Path, files: Mapping[str, Any]) -> Path:
    """Write bytes as they are and everything else as JSON; None leaves a file out."""
    folder.mkdir()
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder


def success(answer: T | HubFailure) -> T:
    assert not isinstance(answer, HubFailure), answer
    return answer


def failure(answer: object) -> HubFailure:
    assert isinstance(answer, HubFailure), answer
    return answer


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

    @property
    def bytes_read(self) -> int:
        return sum(stop - start for start, stop in self.spans)


def ranged(content: bytes, budget: int = 1_000_000) -> RangedFile:
    return Reads(content).file(budget)
