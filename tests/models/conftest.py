import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.models.backends.conversion import convert
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.inference import Checkpoint
from tests.support.tiny_models import MODEL_TYPES, write_tiny

RATE = 16_000


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of every type, by type; nobody writes into them."""
    folder = tmp_path_factory.mktemp("tiny")
    return {model_type: write_tiny(model_type, folder / model_type) for model_type in MODEL_TYPES}


@pytest.fixture(scope="session")
def references(tiny: dict[str, Path]) -> dict[str, Checkpoint]:
    """The tiny checkpoints, loaded; nobody changes them."""
    return {model_type: load_checkpoint(path) for model_type, path in tiny.items()}


@pytest.fixture(scope="session")
def converted(
    references: dict[str, Checkpoint], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], ConvertedModel]:
    """Give a function that converts a tiny checkpoint once; nobody changes what it gives."""
    folder = tmp_path_factory.mktemp("converted")
    return lambda model_type, backend: convert(references[model_type], backend, folder / f"{model_type}-{backend}")


@pytest.fixture
def copy_of(tiny: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Give a function that copies a tiny checkpoint, for a test that changes it."""
    return lambda model_type: Path(shutil.copytree(tiny[model_type], tmp_path / model_type))


@pytest.fixture(scope="session")
def noise() -> NDArray[np.float32]:
    """65 seconds that are nowhere the same."""
    samples = np.random.default_rng(0).standard_normal(65 * RATE) * np.linspace(0.02, 0.3, 65 * RATE)
    return samples.astype(np.float32)
