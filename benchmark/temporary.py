"""Temporary folders, inside the cache as a rule: each belongs to one process, and a killed one's can be removed.

They have the name `bench-<process id>-<12 hexadecimal digits>` and the mode 0700. The owner holds a lock on its folder,
which the system releases even after SIGKILL: a process id may be that of another container or of a later process.
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
from dataclasses import dataclass
from pathlib import Path

import psutil

NAME = re.compile(r"bench-(?P<pid>[0-9]{1,10})-[0-9a-f]{12}")
"""The name of a folder that is made here."""

_TRIES = 10
_NO_DESCRIPTOR = -1
_making = threading.Lock()


@dataclass(frozen=True)
class PrivateFolder:
    """A folder that this process owns; it is removed by `remove`, or when the process ends.

    Attributes:
        descriptor: Holds the lock.
    """

    path: Path
    descriptor: int

    def remove(self) -> None:
        """Remove the folder with all in it; a second call does nothing."""
        with _making:
            if _own.pop(self.path, None) is None:
                return
        _delete(self.path)
        if self.descriptor != _NO_DESCRIPTOR:
            os.close(self.descriptor)


_own: dict[Path, PrivateFolder] = {}
_of_process: dict[Path, Path] = {}
_parents_made: dict[Path, None] = {}
_owner = 0


def private_folder(parent: Path) -> PrivateFolder:
    """Make a new temporary folder in `parent`, such as `Settings.temporary`, which is made where it is missing.

    Missing folders get the mode 0700, since the cache may be one of them.

    Raises:
        OSError: It cannot be made, or `parent` is a link.
    """
    global _owner  # noqa: PLW0603 - the process whose folders these are
    with _making:
        if _owner != os.getpid():  # a fork: those folders are its parent's
            _owner = os.getpid()
            for known in (_own, _of_process, _parents_made):
                known.clear()
            atexit.register(_remove_own, _owner)
        folder = _make(parent.absolute())
        _own[folder.path] = folder
    return folder


def process_folder(parent: Path) -> Path:
    """The one folder of this process in `parent`; made at the first call, removed when the process ends.

    Raises:
        OSError: It cannot be made, or `parent` is a link.
    """
    parent = parent.absolute()
    path = _of_process.get(parent)
    if path is None or path not in _own or not path.is_dir() or _owner != os.getpid():
        path = private_folder(parent).path  # somebody may have deleted the cache
        _of_process[parent] = path
    return path


def remove_abandoned(parent: Path) -> None:
    """Remove the folders in `parent` whose processes have ended; what cannot be removed stays. No link is followed."""
    for folder in _folders(parent):
        with contextlib.suppress(OSError), _open(folder) as descriptor:
            if _lock(descriptor, folder):
                _delete(folder)


def _delete(folder: Path) -> None:
    with contextlib.suppress(RecursionError):  # a worker may have nested folders without end
        shutil.rmtree(folder, ignore_errors=True)


def _folders(parent: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        if not parent.is_symlink():
            yield from (path for path in parent.iterdir() if NAME.fullmatch(path.name) and not path.is_symlink())


def _make(parent: Path) -> PrivateFolder:
    for _ in range(_TRIES):
        missing = [path for path in (parent, *parent.parents) if not path.exists()]
        path = parent / f"bench-{os.getpid()}-{secrets.token_hex(6)}"
        try:
            for folder in reversed(missing):
                folder.mkdir(mode=0o700, exist_ok=True)
            _parents_made.update(dict.fromkeys(missing))
            if parent.is_symlink():
                raise OSError(f"{parent} is a link")
            path.mkdir(mode=0o700)
        except FileNotFoundError:  # another process that ended found the parent empty
            continue
        if sys.platform == "win32":
            return PrivateFolder(path, _NO_DESCRIPTOR)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        _lock(descriptor, path)
        with contextlib.suppress(OSError):  # else another process removed it before it was locked
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return PrivateFolder(path, descriptor)
        os.close(descriptor)
    raise OSError(f"no temporary folder can be made in {parent}")


@contextlib.contextmanager
def _open(folder: Path) -> Iterator[int]:
    if sys.platform == "win32":
        yield _NO_DESCRIPTOR
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
    for folder in list(_own.values()):
        folder.remove()
    for parent in _parents_made:  # from the innermost on
        with contextlib.suppress(OSError):  # something else may be there
            parent.rmdir()
