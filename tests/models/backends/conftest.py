from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.models.backends.converted import ConvertedModel, FastModel
from benchmark.models.backends.protocol import Engine, Streams

Sounds = dict[int, NDArray[np.float32]]


@pytest.fixture(scope="session")
def fast(tiny: dict[str, Path], converted: Callable[[str, str], ConvertedModel]) -> Callable[..., FastModel]:
    """Give a function that opens a converted tiny checkpoint."""

    def get(model_type: str, backend: str = "openvino", dtype: str = "float32", streams: int = 1) -> FastModel:
        engine, model = Engine(backend=backend, dtype=dtype), converted(model_type, backend)
        return model.load(engine, streams=Streams(count=streams), folder=tiny[model_type], preprocessor=None)

    return get


@pytest.fixture(scope="session")
def sounds() -> Sounds:
    """Noise by its length in samples; the shortest gives a single frame."""
    random = np.random.default_rng(1)
    return {size: random.normal(0, 0.1, size).astype(np.float32) for size in (720, 1040, 16_001, 37_777)}
