import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.tiny_models import MODEL_TYPES, write_tiny

RATE = 16_000


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of every type, by type; nobody writes into them."""
    folder = tmp_path_factory.mktemp("tiny")
    return {model_type: write_tiny(model_type, folder / model_type) for model_type in MODEL_TYPES}


@pytest.fixture
def copy_of(tiny: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Give a function that copies a tiny checkpoint, for a test that changes it."""
    return lambda model_type: Path(shutil.copytree(tiny[model_type], tmp_path / model_type))


@pytest.fixture(scope="session")
def noise() -> NDArray[np.float32]:
    """65 seconds that are nowhere the same."""
    samples = np.random.default_rng(0).standard_normal(65 * RATE) * np.linspace(0.02, 0.3, 65 * RATE)
    return samples.astype(np.float32)
