"""Parts are immutable and described; the newest counts, whoever writes at once, and a damaged one is missing."""

import os
from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.results import cache_entries
from benchmark.results.cache_entries import CacheKind, EntryFolder, EntryKey, EntryParts, Sidecar
from benchmark.results.cache_listing import delete_entries, list_cache
from benchmark.results.checksums import write_manifest
from benchmark.results.storage import Storage
from tests.support.damage import flip, rewrite


@pytest.fixture
def entry(tmp_path: Path) -> EntryParts:
    """Give an entry without parts."""
    key = EntryKey(candidate="org/model", versions={"torch": "2"}, details={"window_s": 30.0})
    kind, prefix = CacheKind.VERIFICATIONS, "org__model/abc/verification-1"
    return EntryParts(cache=tmp_path, kind=kind, key=key, content_schema=2, prefix=prefix, suffix=".json")


def test_a_sidecar_says_what_produced_a_part_and_what_is_in_it(entry: EntryParts, tmp_path: Path) -> None:
    entry.add(b"{}", clips=3)
    (name,) = entry.names()
    sidecar = Sidecar.read(tmp_path / f"{name}.meta")
    assert sidecar is not None
    assert (sidecar.kind, sidecar.key, sidecar.content_schema) == (entry.kind, entry.key, 2)
    assert (sidecar.size, sidecar.clips, len(sidecar.sha256 or "")) == (2, 3, 64)


def test_parts_come_in_the_order_in_which_they_were_added(entry: EntryParts) -> None:
    for number in range(12):
        entry.add(str(number).encode())
    assert [entry.read(name) for name in entry.names()] == [str(number).encode() for number in range(12)]
    assert entry.latest() == b"11"


def test_a_merged_part_takes_the_place_of_those_it_was_made_of_and_no_later_one(entry: EntryParts) -> None:
    for content in (b"a", b"b", b"c"):
        entry.add(content)
    entry.merge(entry.names()[:2], b"ab")
    assert [entry.read(name) for name in entry.names()] == [b"ab", b"c"]


def test_a_replaced_part_is_gone_with_its_sidecar(entry: EntryParts, tmp_path: Path) -> None:
    entry.replace(b"first")
    entry.replace(b"second")
    assert entry.latest() == b"second"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


def test_of_two_writers_that_take_the_same_number_none_is_lost(
    entry: EntryParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr(EntryParts, "names", lambda self: ())
        entry.add(b"a")
        entry.add(b"b")
    assert sorted(entry.read(name) or b"" for name in entry.names()) == [b"a", b"b"]
    entry.add(b"c")
    assert entry.latest() == b"c"


@pytest.mark.parametrize("harm", ["content", "sidecar"])
def test_a_damaged_part_is_missing_and_an_older_one_counts(
    entry: EntryParts, tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry.add(b"first")
    entry.add(b"second")
    newest = tmp_path / entry.names()[-1]
    (newest if harm == "content" else newest.with_name(f"{newest.name}.meta")).write_bytes(b"sec0nd")
    for _ in range(2):
        assert entry.latest() == b"first"
    (message,) = caplog.messages
    assert message.startswith(f"{newest} is damaged: its ")
    aside = [path.name for path in newest.parent.glob("*.damaged")]
    assert [name.startswith(newest.name) for name in aside] == [True, True]
    assert any(name in message for name in aside)


def test_what_is_written_by_another_version_is_absent_or_refused(entry: EntryParts, tmp_path: Path) -> None:
    entry.add(b"first")
    (sidecar,) = tmp_path.rglob("*.meta")
    rewrite(sidecar, content_schema=1)
    assert entry.latest() is None
    rewrite(sidecar, content_schema=3)
    with pytest.raises(RequestError, match="newer version"):
        entry.latest()


def test_a_part_that_is_replaced_while_it_is_read_is_read_in_its_new_form(
    entry: EntryParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry.add(b"first")
    names = EntryParts.names

    def replaced_behind(self: EntryParts) -> tuple[str, ...]:
        listed = names(self)
        monkeypatch.setattr(EntryParts, "names", names)
        entry.replace(b"second")
        return listed

    monkeypatch.setattr(EntryParts, "names", replaced_behind)
    assert entry.latest() == b"second"


def test_a_part_that_is_written_during_the_listing_is_no_old_cache(
    entry: EntryParts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry.add(b"first")
    listing = Storage.children
    monkeypatch.setattr(
        Storage,
        "children",
        lambda self, prefix: tuple(name for name in listing(self, prefix) if not name.endswith(".meta")),
    )
    assert entry.latest() == b"first"
    assert not caplog.messages


def test_a_folder_is_there_while_all_its_files_are_as_they_were_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kind, key = CacheKind.DATASETS, EntryKey(revision="abc")
    folder = EntryFolder(cache=tmp_path, kind=kind, key=key, content_schema=1, name="corpora/set/train")
    path = tmp_path / folder.name
    for harmed in ("a.flac", "manifest.json", "../train.meta"):
        assert folder.manifest() is None
        folder.describe()
        assert folder.manifest() is None
        path.mkdir(parents=True)
        (path / "a.flac").write_bytes(b"sound")
        write_manifest(path, clips=1)
        assert (folder.manifest() or {})["clips"] == 1
        assert not caplog.messages
        flip(path / harmed, bit=9)
        assert folder.manifest() is None
        assert not path.exists()
        assert "set aside as train." in caplog.text
        caplog.clear()
        cache_entries._warned.clear()


@pytest.mark.parametrize("harm", ["folder", "full folder", "empty", "link", "link to nothing", "pipe", "cut off"])
@pytest.mark.parametrize("suffix", ["", ".meta"])
def test_what_is_no_file_any_more_is_damaged(
    entry: EntryParts, tmp_path: Path, harm: str, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry.add(b"content")
    (name,) = entry.names()
    path = tmp_path / (name + suffix)
    content = path.read_bytes()
    path.unlink()
    if harm.endswith("folder"):
        path.mkdir()
        if harm.startswith("full"):
            (path / "file").touch()
    elif harm.startswith("link"):
        path.symlink_to(tmp_path / "elsewhere")
        if harm == "link":
            (tmp_path / "elsewhere").write_bytes(content)
    elif harm == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(content[: -1 if harm == "cut off" else 0])
    assert entry.latest() is None
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path / name} is damaged: it")
    entry.add(b"again")
    assert entry.latest() == b"again"
    leftovers = [item for item in list_cache(tmp_path).entries if item.kind is CacheKind.LEFTOVERS]
    assert {item.stale for item in leftovers} == {"it was damaged"}
    delete_entries(tmp_path, leftovers)
    assert {item.name.partition(".json")[2] for item in (tmp_path / name).parent.iterdir()} == {"", ".meta"}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_what_must_not_be_read_is_damaged(entry: EntryParts, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entry.add(b"content")
    (tmp_path / entry.names()[0]).chmod(0)
    assert entry.latest() is None
    assert "it cannot be read: Permission denied" in caplog.text
