"""Temporary folders inside the cache: each belongs to one process, and what a killed process left can be removed.

They have the name `<process id>-<12 hexadecimal digits>` and the mode 0700. The owner holds a lock on its folder, which
the system releases even after SIGKILL: a process id may be that of another container or of a later process.
"""

import atexit
import contextlib
import os
import re
import secrets
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

NAME = re.compile(r"(?P<pid>[0-9]{1,10})-[0-9a-f]{12}")
"""The name of a folder that `process_folder` makes."""

_TRIES = 10
_making = threading.Lock()
_own: dict[Path, tuple[Path, int]] = {}
_made: list[Path] = []
_owner = 0


def process_folder(parent: Path) -> Path:
    """The folder of this process for temporary files, made at the first call, removed when the process ends.

    Args:
        parent: The folder that it lies in, such as `Settings.temporary`; made where it is missing.

    Raises:
        OSError: It cannot be made, or `parent` is a link.
    """
    global _owner  # noqa: PLW0603 - the process whose folders these are
    parent = parent.absolute()
    with _making:
        if _owner != os.getpid():  # a fork: those folders are its parent's
            _own.clear()
            _made.clear()
            _owner = os.getpid()
            atexit.register(_remove_own, _owner)
        folder, _ = _own.get(parent, (None, -1))
        if folder is None or not folder.is_dir():  # somebody may have deleted the cache
            _own[parent] = _make(parent)
        return _own[parent][0]


def remove_abandoned(parent: Path) -> None:
    """Remove the folders in `parent` whose processes have ended; what cannot be removed stays. No link is followed."""
    for folder in _folders(parent):
        with contextlib.suppress(OSError), _open(folder) as descriptor:
            if _lock(descriptor, folder):
                shutil.rmtree(folder, ignore_errors=True)


def _folders(parent: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        if not parent.is_symlink():
            yield from (path for path in parent.iterdir() if NAME.fullmatch(path.name) and not path.is_symlink())


def _make(parent: Path) -> tuple[Path, int]:
    for _ in range(_TRIES):
        missing = [path for path in (parent, *parent.parents) if not path.exists()]
        parent.mkdir(parents=True, exist_ok=True)
        _made.extend(missing)
        if parent.is_symlink():
            raise OSError(f"{parent} is a link")
        folder = parent / f"{os.getpid()}-{secrets.token_hex(6)}"
        try:
            folder.mkdir(mode=0o700)
        except FileNotFoundError:  # another process that ended found the parent empty
            continue
        if sys.platform == "win32":
            return folder, -1
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        _lock(descriptor, folder)
        with contextlib.suppress(OSError):  # else another process removed it before it was locked
            if folder.stat().st_ino == os.fstat(descriptor).st_ino:
                return folder, descriptor
        os.close(descriptor)
    raise OSError(f"no temporary folder can be made in {parent}")


@contextlib.contextmanager
def _open(folder: Path) -> Iterator[int]:
    if sys.platform == "win32":
        yield -1
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> bool:
    """Whether nobody else owns the folder; where a file system has no locks, it counts as owned."""
    if sys.platform == "win32":
        match = NAME.fullmatch(folder.name)
        return match is not None and not psutil.pid_exists(int(match["pid"]))
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_own(owner: int) -> None:
    if os.getpid() != owner:
        return
    for folder, _ in _own.values():
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (*_own, *_made):  # from the innermost on
        with contextlib.suppress(OSError):  # something else may be there
            folder.rmdir()
