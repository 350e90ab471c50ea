from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.models.backends.conversion import convert
from benchmark.models.backends.converted import ConvertedModel, FastModel
from benchmark.models.backends.protocol import Engine, Streams
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.inference import Checkpoint

RATE = 16_000


@pytest.fixture(scope="session")
def references(tiny: dict[str, Path]) -> dict[str, tuple[Path, Checkpoint]]:
    """Tiny checkpoints of every type, by type, with where they lie."""
    return {model_type: (path, load_checkpoint(path)) for model_type, path in tiny.items()}


@pytest.fixture(scope="session")
def converted(
    references: dict[str, tuple[Path, Checkpoint]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], ConvertedModel]:
    """Give a function that converts a tiny checkpoint once; nobody changes what it gives."""
    folder = tmp_path_factory.mktemp("converted")

    def get(model_type: str, backend: str) -> ConvertedModel:
        _, checkpoint = references[model_type]
        return convert(checkpoint, backend, folder / f"{model_type}-{backend}")

    return get


@pytest.fixture(scope="session")
def fast(
    references: dict[str, tuple[Path, Checkpoint]], converted: Callable[[str, str], ConvertedModel]
) -> Callable[..., FastModel]:
    """Give a function that opens a converted tiny checkpoint."""

    def get(model_type: str, backend: str, dtype: str = "float32", streams: int = 1) -> FastModel:
        folder, _ = references[model_type]
        engine = Engine(backend=backend, dtype=dtype)
        model = converted(model_type, backend)
        return model.load(engine, streams=Streams(count=streams), folder=folder, preprocessor=None)

    return get


@pytest.fixture(scope="session")
def sounds() -> dict[int, NDArray[np.float32]]:
    """Noise by its length in samples; the shortest gives a single frame."""
    random = np.random.default_rng(1)
    return {size: random.normal(0, 0.1, size).astype(np.float32) for size in (720, 1040, 16_001, 37_777)}
