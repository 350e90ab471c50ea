import itertools
import os
import random
from pathlib import Path

import pytest

from benchmark.hub.ranged import Budget, LocalSource, RangedFile, SourceError, TooMuchToReadError
from benchmark.results.status import Status
from tests.hub.conftest import BytesSource

CONTENT = random.Random(0).randbytes(50_001)  # noqa: S311 - repeatable, guards no secret


def test_any_part_is_what_it_is_in_the_whole_and_is_fetched_once() -> None:
    source = BytesSource(CONTENT)
    file = RangedFile(source, Budget(len(CONTENT)))
    randomly = random.Random(1)  # noqa: S311 - repeatable, guards no secret
    for _ in range(500):
        start = randomly.randrange(-10, len(CONTENT) + 10)
        stop = start + randomly.choice((0, 1, 100, 5000))
        assert file.read_at(start, stop) == CONTENT[max(0, start) : max(0, stop)]
    seen = sorted(source.reads)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(seen))


def test_it_reads_like_a_file() -> None:
    file = RangedFile(BytesSource(CONTENT), Budget(10**6))
    assert file.seek(-10, os.SEEK_END) == len(CONTENT) - 10
    assert (file.read(4), file.read(), file.read()) == (CONTENT[-10:-6], CONTENT[-6:], b"")
    file.seek(5)
    assert (file.seek(2, os.SEEK_CUR), file.tell(), file.read(1)) == (7, 7, CONTENT[7:8])
    with pytest.raises(OSError, match="beginning"):
        file.seek(-1)


def test_more_than_the_budget_is_never_fetched() -> None:
    source = BytesSource(CONTENT)
    file = RangedFile(source, Budget(10_000))
    with pytest.raises(TooMuchToReadError):
        file.read()
    file.read_at(0, 6000)
    with pytest.raises(TooMuchToReadError):
        file.read_at(20_000, 26_000)
    assert sum(stop - start for start, stop in source.reads) <= 10_000


def test_a_part_of_a_claimed_terabyte_takes_no_memory() -> None:
    class Terabyte(BytesSource):
        size = 10**12

    with pytest.raises(TooMuchToReadError):
        RangedFile(Terabyte(b""), Budget(10**6)).read()


def test_a_local_file_is_read_in_parts(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    source = LocalSource(tmp_path / "file")
    assert (source.size, source.read(10, 20)) == (len(CONTENT), CONTENT[10:20])


def test_a_local_file_that_cannot_be_read_says_nothing_about_the_model(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        LocalSource(tmp_path / "nothing")
    assert caught.value.failure.status is Status.UNREACHABLE
    (tmp_path / "file").write_bytes(CONTENT)
    source = LocalSource(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"short")
    with pytest.raises(SourceError, match="shorter"):
        source.read(0, 100)
