"""A registry file to write into."""

from collections.abc import Callable
from pathlib import Path

import pytest

type_of_writer = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> type_of_writer:
    """Write a registry file and return its path."""

    def _write(text: str) -> Path:
        path = tmp_path / "candidates.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write
