"""Stored files that are not what was written."""

import json
from pathlib import Path

from benchmark.results.checksums import seal, unseal


def rewrite(path: Path, **fields: object) -> None:
    """Change fields of a sealed document, as another version of bench would have written them."""
    path.write_bytes(seal(json.dumps(json.loads(unseal(path.read_bytes())) | fields).encode()))


def flip(path: Path, bit: int) -> None:
    """Flip one bit of a file; a hard link of it keeps its content."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.unlink()
    path.write_bytes(content)
