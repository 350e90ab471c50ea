import os
import stat
from pathlib import Path

import pytest

from benchmark.results.storage import Storage, candidate_prefix

SHA = "a" * 40


def test_a_hub_id_is_readable_in_the_store() -> None:
    assert candidate_prefix("superb/hubert-large", SHA) == f"superb__hubert-large/{SHA}"


NAMES = ("..", ".", "/", "", "../../etc/passwd", "a/../../b", "C:\\models\\x", "~/m\0x", "./мой", "x" * 5000, "\ud800")
REVISIONS = ("..", "", "../..", "refs/pr/1", "/abs")


@pytest.mark.parametrize(
    ("name", "revision"), [*((name, SHA) for name in NAMES), *(("a/b", text) for text in REVISIONS)]
)
def test_no_id_and_no_revision_leads_out_of_the_store(name: str, revision: str) -> None:
    parts = candidate_prefix(name, revision).split("/")
    assert len(parts) == 2
    assert not {"..", ".", ""} & set(parts)
    assert all(len(part) < 200 for part in parts)


def test_folders_of_one_name_in_different_places_stay_apart() -> None:
    assert candidate_prefix("./a/model", SHA) != candidate_prefix("./b/model", SHA)


def test_listing_goes_by_prefix_and_follows_no_link(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "cache")
    for name in ("runs/a.json", "runs/b.json", "runner", "other/deep/x"):
        storage.write(name, b"12")
    (tmp_path / "cache" / "linked").symlink_to(tmp_path / "cache" / "other")
    assert [stored.name for stored in storage.list()] == ["other/deep/x", "runner", "runs/a.json", "runs/b.json"]
    assert [stored.name for stored in storage.list("run")] == ["runner", "runs/a.json", "runs/b.json"]
    assert [(stored.name, stored.size) for stored in storage.list("runs/b")] == [("runs/b.json", 2)]
    assert storage.list("none/x") == ()


def test_what_is_not_there_cannot_be_read_and_is_deleted_already(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.write("a/b/c", b"")
    for name in ("a/b/d", "a/b/c/d"):
        with pytest.raises(FileNotFoundError):
            storage.read(name)
        storage.delete(name)
    storage.delete("a/b/c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_a_new_cache_is_its_owner_s_and_one_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    Storage(tmp_path / "new").write("a", b"")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    (tmp_path / "shared").mkdir(mode=0o755)
    Storage(tmp_path / "shared").write("a", b"")
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o755
