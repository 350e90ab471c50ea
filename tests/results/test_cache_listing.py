"""Listing and pruning together: what is listed is what is deleted, and nothing else."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import RequestError, UnavailableError
from benchmark.results.cache_entries import CacheKind
from benchmark.results.cache_listing import (
    CacheEntry,
    bytes_by_kind,
    delete_entries,
    list_cache,
    parse_age,
    select_entries,
)
from benchmark.results.inference_record import ParityCheck
from benchmark.temporary import process_folder
from tests.support.damage import rewrite
from tests.support.full_caches import NEW, OLD, convert, fill, setup_of


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Give a cache with one of everything."""
    folder = tmp_path / "cache"
    fill(folder)
    return folder


def entries(cache: Path, **conditions: Any) -> list[CacheEntry]:
    return list(select_entries(list_cache(cache).entries, **conditions))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_everything_that_bench_keeps_is_listed_with_its_size(cache: Path) -> None:
    listing = list_cache(cache)
    assert [entry.kind.value for entry in listing.entries] == [
        *["predictions"] * 3, "verifications", "converted", "datasets", "speech", "runs", "logs", "leftovers",
    ]  # fmt: skip
    assert sum(entry.bytes for entry in listing.entries) == sum((cache / name).stat().st_size for name in files(cache))
    assert listing.unknown == ()
    converted = (cache / "org__model" / NEW / "converted").rglob("*.*")
    assert bytes_by_kind(listing.entries)[CacheKind.CONVERTED] == sum(path.stat().st_size for path in converted)


def test_temporary_folders_of_processes_are_no_entries(cache: Path) -> None:
    before = list_cache(cache)
    process_folder(cache / "temporary").joinpath("file").touch()
    assert list_cache(cache) == before
    (cache / "temporary").joinpath("left").touch()
    assert list_cache(cache) == before


def test_recordings_that_a_run_has_fetched_are_one_entry(cache: Path) -> None:
    folder = cache / "fetched/bench-123-0123456789ab/tmp"
    folder.mkdir(parents=True)
    (folder / "copy").write_bytes(b"voice")
    (folder / "other.part").write_bytes(b"voi")
    (entry,) = entries(cache, kinds=(CacheKind.FETCHED,))
    assert (entry.path, entry.bytes, entry.stale) == ("fetched/bench-123-0123456789ab", 8, None)
    assert list_cache(cache).unknown == ()
    delete_entries(cache, [entry])
    assert not (cache / "fetched").exists()


def test_predictions_say_by_what_they_were_made(cache: Path) -> None:
    predictions = {(entry.revision, entry.clips): entry for entry in entries(cache, kinds=(CacheKind.PREDICTIONS,))}
    assert predictions.keys() == {(OLD, 2), (NEW, 3), (NEW, 1)}
    entry = predictions[NEW, 3]
    assert (entry.candidate, entry.device, entry.backend, entry.dtype) == ("org/model", "cpu", "torch", "float32")


def test_stale_is_what_no_run_of_today_would_read(cache: Path) -> None:
    stale = {(entry.kind.value, entry.revision, entry.clips): entry.stale for entry in entries(cache, stale=True)}
    assert stale.keys() == {("predictions", OLD, 2), ("predictions", NEW, 1), ("leftovers", None, None)}
    assert stale["predictions", OLD, 2] == "another revision is in use"
    assert (stale["predictions", NEW, 1] or "").startswith("made with torch 1.0; now ")


def test_a_model_that_other_libraries_have_converted_is_stale(cache: Path) -> None:
    old = setup_of(NEW, {"torch": "1.0"}).model_copy(update={"backend": "openvino", "dtype": "bfloat16"})
    convert(cache, NEW, {"torch": "1.0"})
    ParityCheck(setup=old.key, model="m", clips=(), compared=0, largest_difference=0.0, allowed=1e-3).save(cache, old)
    stale = {entry.dtype: entry.stale for entry in entries(cache, kinds=(CacheKind.CONVERTED,), stale=True)}
    assert stale.keys() == {None, "bfloat16"}
    assert all((reason or "").startswith("made with torch 1.0; now ") for reason in stale.values())
    assert len(entries(cache, kinds=(CacheKind.CONVERTED,))) == 3


def test_what_cannot_be_read_or_another_version_wrote_is_stale(cache: Path) -> None:
    for part, version in zip(sorted(cache.rglob("part-*.parquet.meta")), (0, 99, None), strict=True):
        if version is None:
            part.with_suffix("").write_bytes(b"no parquet")
        else:
            rewrite(part, content_schema=version)
    next((cache / "runs").glob("2026*.json")).write_text('{"schema_version": 0}', encoding="utf-8")
    stale = {entry.stale for entry in entries(cache, kinds=(CacheKind.PREDICTIONS, CacheKind.RUNS))}
    assert stale == {
        "an earlier version of bench wrote it",
        "a newer version of bench wrote it",
        "it cannot be read",
        "this version of bench cannot read it",
    }


@pytest.mark.parametrize(
    ("conditions", "kinds"),
    [
        ({"kinds": (CacheKind.CONVERTED, CacheKind.SPEECH)}, {"converted", "speech"}),
        ({"candidates": ("org/model",)}, {"predictions", "verifications", "converted", "logs"}),
        ({"candidates": ("org/*",), "kinds": (CacheKind.LOGS,)}, {"logs"}),
        ({"candidates": ("nobody",)}, set()),
        ({"older_than": timedelta(days=30), "candidates": ("org/model",)}, {"predictions"}),
        ({"older_than": timedelta(days=30_000)}, set()),
    ],
)
def test_conditions_narrow_each_other_down(cache: Path, conditions: dict[str, Any], kinds: set[str]) -> None:
    assert {entry.kind.value for entry in entries(cache, **conditions)} == kinds


def test_only_what_was_selected_is_deleted_and_no_empty_folder_stays(cache: Path) -> None:
    before = files(cache)
    chosen = entries(cache, stale=True)
    assert delete_entries(cache, chosen) == tuple(chosen)
    gone = before - files(cache)
    assert gone == {name for name in before if any(name.startswith(entry.path) for entry in chosen)}
    assert len(gone) == 5  # two parts with their sidecars and a leftover
    assert not (cache / "org__model" / OLD).exists()


def test_all_leaves_what_bench_did_not_make(cache: Path) -> None:
    strange = ("notes.txt", "mine/photo.jpg", "runs/my.json", "org__model/x/predictions/thesis/part.txt")
    for name in strange:
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_text("mine", encoding="utf-8")
    listing = list_cache(cache)
    assert listing.unknown == ("mine", "notes.txt")
    assert listing.unknown_bytes == 8
    delete_entries(cache, listing.entries)
    assert files(cache) == set(strange)


def test_links_lead_nowhere(cache: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(cache, outside)
    kept = files(outside)
    (cache / "org__linked").symlink_to(outside / "org__model")
    (cache / "org__model" / ("c" * 40)).symlink_to(outside / "org__model" / NEW)
    setup = next((cache / "org__model" / NEW / "predictions").iterdir())
    (setup.parent / "0123456789abcdef").symlink_to(next((outside / "org__model" / NEW / "predictions").iterdir()))
    (cache / "logs" / "linked.log").symlink_to(outside / "logs" / "org__model.log")
    listing = list_cache(cache)
    assert not [entry.path for entry in listing.entries if "linked" in entry.path or "ccc" in entry.path]
    delete_entries(cache, listing.entries)
    assert files(outside) == kept


def test_what_becomes_a_link_before_it_is_deleted_stays(cache: Path, tmp_path: Path) -> None:
    chosen = entries(cache, kinds=(CacheKind.PREDICTIONS,))
    outside = tmp_path / "outside"
    (cache / "org__model").rename(outside)
    (cache / "org__model").symlink_to(outside)
    kept = files(outside)
    assert delete_entries(cache, chosen) == ()
    assert files(outside) == kept


@pytest.mark.parametrize("path", ["../outside.txt", "..", ".", "logs/../../outside.txt"])
def test_a_path_that_leads_out_of_the_cache_is_not_followed(cache: Path, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine", encoding="utf-8")
    entry = entries(cache)[0].model_copy(update={"path": path})
    assert delete_entries(cache, [entry]) == ()
    assert outside.exists()
    assert cache.exists()


def test_a_cache_behind_a_link_is_the_cache(cache: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(cache)
    listing = list_cache(link)
    assert len(listing.entries) == 10
    shutil.rmtree(cache / "logs")  # what is gone already is no failure
    assert len(delete_entries(link, listing.entries)) == 10
    assert files(cache) == set()


def test_what_cannot_be_deleted_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(UnavailableError, match=r"Cannot delete .*: Permission denied"):
        delete_entries(cache, entries(cache, kinds=(CacheKind.PREDICTIONS,)))


def test_a_sidecar_whose_part_was_never_written_is_a_leftover(cache: Path) -> None:
    for part in cache.rglob("part-*.parquet"):
        part.unlink()
    assert entries(cache, kinds=(CacheKind.PREDICTIONS,)) == []
    assert {entry.path.split("/")[0] for entry in entries(cache, kinds=(CacheKind.LEFTOVERS,))} == {
        "org__model",
        "runs",
    }


def test_a_missing_cache_holds_nothing(tmp_path: Path) -> None:
    assert list_cache(tmp_path / "none").entries == ()


@pytest.mark.parametrize("text", ["", "d", "30", "-3d", "3 years", "99999999999d", "1.5d"])
def test_what_is_no_age_is_said_with_the_fix(text: str) -> None:
    with pytest.raises(RequestError, match="such as 30d"):
        parse_age(text)
