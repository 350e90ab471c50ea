"""Temporary folders in the cache, and what is left of them after a kill."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.temporary import process_folder, remove_abandoned

MAKE_AND_WAIT = """
import sys
from pathlib import Path
from benchmark.temporary import process_folder
folder = process_folder(Path(sys.argv[1]))
(folder / "recording.wav").write_bytes(b"a voice")
print(folder, flush=True)
sys.stdin.read()
"""


def start(parent: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Start a process that makes its folder, and ends when its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAKE_AND_WAIT, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_process_has_one_folder_and_removes_it_at_its_end(tmp_path: Path) -> None:
    parent = tmp_path / "temporary"
    process, folder = start(parent)
    assert (folder / "recording.wav").exists()
    assert [path.stat().st_mode & 0o777 for path in (folder, parent)] == [0o700, 0o700]
    assert process_folder(tmp_path / "other") == process_folder(tmp_path / "other")
    process.communicate("")
    assert not parent.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links and signals of POSIX")
def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    parent = tmp_path / "temporary"
    killed, left = start(parent)
    living, used = start(parent)
    killed.kill()
    killed.communicate()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (parent / "bench-1-0123456789ab").symlink_to(elsewhere)
    (parent / "somebody's").mkdir()
    # A later process has the same number, and does not own it.
    (parent / f"bench-{os.getpid()}-0123456789ab").mkdir()
    remove_abandoned(parent)
    assert not left.exists()
    assert sorted(path.name for path in parent.iterdir()) == sorted(["bench-1-0123456789ab", "somebody's", used.name])
    assert (elsewhere / "kept").exists()
    living.communicate("")


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_a_link_is_not_used_as_the_folder_of_temporary_folders(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "temporary").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="is a link"):
        process_folder(tmp_path / "temporary")
    remove_abandoned(tmp_path / "temporary")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_somebody_deleted_is_made_again(tmp_path: Path) -> None:
    first = process_folder(tmp_path / "temporary")
    first.rmdir()
    second = process_folder(tmp_path / "temporary")
    assert second.is_dir()
