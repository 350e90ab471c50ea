from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a registry file and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "candidates.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
