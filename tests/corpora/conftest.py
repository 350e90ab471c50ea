"""Small recordings to build corpora from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.clips import Corpus
from benchmark.corpora.filters import Filters
from benchmark.corpora.opening import open_corpora
from benchmark.registry.schema import Registry
from benchmark.settings import Settings


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Give a function that writes a short recording below the test's folder."""

    def write(name: str, *, seconds: float = 0.5) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(len(name)).normal(0, 0.1, int(seconds * 8000))
        soundfile.write(path, samples, 8000)
        return path

    return write


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Corpus]:
    """Give a function that opens one corpus as a run would, without a registry and with a cache of its own."""

    def open_one(spec: str, filters: Filters | None = None) -> Corpus:
        settings = Settings(cache=tmp_path / "bench-cache", hub_timeout_s=2.0)
        registry = Registry(title="none", candidates=())
        (corpus,) = open_corpora([spec], registry, filters=filters, settings=settings)
        return corpus

    return open_one
