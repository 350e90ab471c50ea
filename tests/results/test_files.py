"""Files are written whole or not at all, and a failure is one sentence with the right exit code."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.errors import RequestError, UnavailableError
from benchmark.results.files import FileSet, check_writable, explain_write_failure, open_atomically, write_atomically


@pytest.mark.parametrize("content", ["", "línea\r\n불안\n", b"\x00\xff"])
def test_content_arrives_byte_for_byte_without_leftovers(tmp_path: Path, content: str | bytes) -> None:
    for text in ("old and longer", content):
        path = write_atomically(tmp_path / "a" / "b" / "file", text)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_lone_surrogate_does_not_stop_a_report(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "file", "a\ud800b").read_text(encoding="utf-8") == "a?b"


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    path = write_atomically(tmp_path / "file", "old")
    with pytest.raises(interruption), open_atomically(path) as file:
        file.write(b"half")
        raise interruption
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_others_may_read_what_the_umask_lets_them_read(tmp_path: Path) -> None:
    previous = os.umask(0o022)
    try:
        path = write_atomically(tmp_path / "file", "x")
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_where_a_folder_is_needed_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("I am a file")
    with pytest.raises(RequestError, match="where a folder is needed; choose another folder with --output"):
        check_writable(tmp_path / "reports")
    with pytest.raises(RequestError, match="not a folder; choose another folder with --output"):
        check_writable(tmp_path / "reports" / "deeper")
    with pytest.raises(RequestError, match="set BENCH_CACHE"):
        write_atomically(tmp_path / "reports" / "x.json", "{}", remedy="set BENCH_CACHE to another folder")
    assert (tmp_path / "reports").read_text() == "I am a file"


def test_a_folder_where_a_file_is_needed_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "leaderboard.md").mkdir()
    with pytest.raises(RequestError, match=r"leaderboard\.md: there is a folder of that name"):
        write_atomically(tmp_path / "leaderboard.md", "x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["leaderboard.md"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root can write")
def test_an_unwritable_folder_is_a_wrong_request() -> None:
    with pytest.raises(RequestError, match=r"^Cannot write /proc/self/reports: .*$"):
        check_writable(Path("/proc/self/reports"))


def test_a_writable_folder_is_created_and_left_empty(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "reports")
    assert list((tmp_path / "new" / "reports").iterdir()) == []


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


@pytest.mark.parametrize("number", [*FULL, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG])
def test_each_cause_ends_in_the_right_exit_code(number: int) -> None:
    explained = explain_write_failure(OSError(number, os.strerror(number)), Path("reports"))
    assert type(explained) is (UnavailableError if number in FULL else RequestError)
    assert "\n" not in str(explained)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's device that is always full")
def test_a_full_disk_is_the_machines_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The temporary file is opened as /dev/full, so that the kernel itself says ENOSPC.
    original = Path.open

    def full(self: Path, mode: str = "r") -> object:
        return original(Path("/dev/full"), "wb", buffering=0) if mode == "xb" else original(self, mode)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UnavailableError, match="the disk is full"):
        write_atomically(tmp_path / "file", "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["failure", "interruption", "a folder in the way of the last file"])
def test_files_take_their_names_together_or_not_at_all(tmp_path: Path, harm: str) -> None:
    old = [write_atomically(tmp_path / name, "old") for name in ("a", "b")]
    errors = {"failure": RuntimeError, "interruption": KeyboardInterrupt}
    if harm not in errors:
        (tmp_path / "c").mkdir()
    with pytest.raises(errors.get(harm, RequestError)), FileSet() as files:
        files.write(tmp_path / "a", "new")
        files.remove(tmp_path / "b")
        files.write(tmp_path / "c", "new")
        assert [path.read_text() for path in old] == ["old", "old"]
        if harm in errors:
            raise errors[harm]
    assert [path.read_text() for path in old] == ["old", "old"]
    assert {path.name for path in tmp_path.iterdir()} - {"c"} == {"a", "b"}
    with FileSet() as files:
        files.write(tmp_path / "a", "new")
        files.remove(tmp_path / "b")
    assert {path.name for path in tmp_path.iterdir()} - {"c"} == {"a"}
    assert old[0].read_text() == "new"


def test_an_interruption_while_names_are_taken_leaves_no_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        replace(self, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), FileSet() as files:
        for name in "abc":
            files.write(tmp_path / name, "new")
    assert {path.name for path in tmp_path.iterdir()} == set("abc")


def test_a_file_that_somebody_deletes_before_it_has_its_name_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="Cannot write"), FileSet() as files:
        files.write(tmp_path / "a", "new")
        next(tmp_path.glob(".a.*.part")).unlink()


WRITE_AND_WAIT = """
import sys
from pathlib import Path
from benchmark.results.files import FileSet
with FileSet() as files:
    files.write(Path(sys.argv[1], "a"), "half of a set")
    print("written", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX's")
def test_what_a_killed_writer_left_is_deleted_by_the_next_one_and_nothing_of_a_living_one(tmp_path: Path) -> None:
    strange = (".a.part", "a.0123456789ab.part", ".hidden")
    for name in strange:
        (tmp_path / name).write_text("mine")
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as dead:
            for writer in (living, dead):
                assert writer.stdout
                assert writer.stdout.readline() == b"written\n"
            dead.kill()
        assert len(list(tmp_path.glob(".a.*.part"))) == 2
        write_atomically(tmp_path / "a", "old")
        check_writable(tmp_path)
        assert len(list(tmp_path.glob(".a.*.part"))) == 1
        living.communicate(b"", timeout=30)
    assert (tmp_path / "a").read_text() == "half of a set"
    assert {path.name for path in tmp_path.iterdir()} == {"a", *strange}
