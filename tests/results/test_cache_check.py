"""A check finds whatever is damaged in a cache with one of everything, and changes nothing."""

from pathlib import Path

import pytest

from benchmark.results.cache_check import check_cache
from tests.support.damage import flip
from tests.support.full_caches import fill


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    fill(folder)
    return folder


def test_an_undisturbed_cache_is_whole(full: Path, tmp_path: Path) -> None:
    checked = check_cache(full)
    assert (checked.entries, checked.damaged) == (8, ())
    assert check_cache(tmp_path / "none").entries == 0


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("predictions", "org__model/*/predictions/*/part-*.parquet"),
        ("verifications", "org__model/*/verification-*.json"),
        ("converted", "org__model/*/converted/*/model.bin"),
        ("converted", "org__model/*/converted/*/manifest.json"),
        ("datasets", "corpora/*/*/*/00000000"),
        ("datasets", "corpora/*/*/*/rows.jsonl"),
        ("speech", "speech/*.json"),
        ("runs", "runs/*.json"),
        (None, "**/*.meta"),
    ],
)
def test_a_flipped_bit_is_found_in_every_kind_of_file(full: Path, kind: str | None, pattern: str) -> None:
    path = next(path for path in full.glob(pattern) if not path.name.startswith("."))
    content, names = path.read_bytes(), sorted(full.rglob("*"))
    flip(path, bit=8 * len(content) // 2)
    (damaged,) = check_cache(full).damaged
    assert damaged.kind == kind
    assert (full / damaged.path) in {path, path.parent, path.with_suffix("")}
    assert sorted(full.rglob("*")) == names
    path.write_bytes(content)
    assert check_cache(full).damaged == ()
