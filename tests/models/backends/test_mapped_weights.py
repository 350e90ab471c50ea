import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.models.backends.mapped_weights import MappedWeights

_SIZE = 4 << 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(np.random.default_rng(0).bytes(_SIZE))
    return path


def _resident_kb(path: Path) -> int:
    """How much of a mapped file is in this process's memory."""
    found, here = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            here = bool(rest) and rest[-1] == str(path)
        elif here and name == "Rss:":
            found += int(rest[0])
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what of a file is in memory")
def test_what_was_read_is_given_back_and_can_be_read_again(file: Path) -> None:
    weights = MappedWeights(file)
    values = weights.values()
    before = values.tobytes()
    assert _resident_kb(file) == _SIZE >> 10
    weights.let_go()
    assert _resident_kb(file) == 0
    assert values.tobytes() == before == file.read_bytes()


def test_the_file_stays_as_it_is_whatever_is_done_with_the_values(file: Path) -> None:
    before = file.read_bytes()
    MappedWeights(file).values()[:] = 0
    assert file.read_bytes() == before
