"""Small recordings to build corpora from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.clips import Corpus
from benchmark.corpora.specs import open_corpora
from benchmark.options.shared import ClipOptions
from benchmark.registry.loading import load_registry
from benchmark.registry.schema import Registry
from benchmark.settings import Settings

Record = Callable[..., Path]
Opened = Callable[..., Corpus]
NO_CORPORA = "version: 1\ncandidates: [{id: org/model}]\n"


def registry_of(folder: Path, corpora: str = "") -> Registry:
    """A registry with corpora, each an entry of a mapping in YAML."""
    path = folder / "candidates.yaml"
    path.write_text(NO_CORPORA + (f"corpora: {{{corpora}}}\n" if corpora else ""))
    return load_registry(path)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Give a function that writes a short recording below the test's folder."""

    def write(name: str, *, seconds: float = 0.5) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(len(name)).normal(0, 0.1, int(seconds * 8000))
        soundfile.write(path, samples, 8000)
        return path

    return write


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Give a function that opens one corpus as a run would, with a cache of its own."""

    def open_one(name: str, registry: str = "", **options: object) -> Corpus:
        settings = Settings(cache=tmp_path / "bench-cache", hub_timeout_s=2.0)
        clip_options = ClipOptions(**options)  # type: ignore[arg-type]  # as the tests name them
        (corpus,) = open_corpora([name], registry_of(tmp_path, registry), clip_options, settings=settings)
        return corpus

    return open_one
