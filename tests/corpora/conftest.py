"""Small recordings to build corpora from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def record(tmp_path: Path) -> Callable[[str], Path]:
    """Give a function that writes a short recording below the test's folder."""

    def write(name: str, *, seconds: float = 0.5) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = np.random.default_rng(len(name)).normal(0, 0.1, int(seconds * 8000))
        soundfile.write(path, samples, 8000)
        return path

    return write
