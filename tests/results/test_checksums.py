"""Any changed byte is found, whatever it is in."""

import json
from pathlib import Path

import pytest

from benchmark.results.checksums import DamagedError, read_manifest, seal, unseal, write_manifest
from tests.support.damage import flip


def test_every_flipped_bit_of_a_sealed_document_is_found_and_it_is_json() -> None:
    sealed = seal(b'{"clips": 3, "label": "sad"}')
    assert json.loads(sealed)["clips"] == 3
    for bit in range(8 * len(sealed)):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedError):
            unseal(bytes(flipped))
    for content in (b"", b"{", sealed[:-1], sealed + b"\n", b"[]"):
        with pytest.raises(DamagedError):
            unseal(content)


def test_a_folder_is_held_against_its_manifest(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("graph", "weights"):
        (folder / name).write_bytes(name.encode())
    write_manifest(folder, model="graph")
    manifest = read_manifest(folder)
    assert (manifest["model"], set(manifest["files"])) == ("graph", {"graph", "weights"})
    for name in ("graph", "weights", "manifest.json"):
        content = (folder / name).read_bytes()
        flip(folder / name, bit=3)
        with pytest.raises(DamagedError, match="not what was written"):
            read_manifest(folder)
        (folder / name).unlink()
        with pytest.raises(DamagedError, match=f"its {name} is missing"):
            read_manifest(folder)
        (folder / name).write_bytes(content)
    assert read_manifest(folder) == manifest
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        read_manifest(folder)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedError, match="it is not a folder"):
        read_manifest(folder)
