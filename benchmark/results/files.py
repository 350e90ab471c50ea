"""Write files whole or not at all, several of them together, and explain to a user why one cannot be written."""

import contextlib
import errno
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from benchmark.errors import BenchError, RequestError, UnavailableError
from benchmark.results.checksums import DamagedError, open_regular

if sys.platform != "win32":
    import fcntl

CHOOSE_ANOTHER_FOLDER = "choose another folder with --output"
CHOOSE_ANOTHER_CACHE = "choose another folder with BENCH_CACHE"

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WRONG_PLACE = {
    errno.EACCES: "it is not allowed",
    errno.EPERM: "it is not allowed",
    errno.EROFS: "it lies on a read-only file system",
    errno.ENOTDIR: "a part of that path is a file, not a folder",
    errno.EEXIST: "there is a file of that name, where a folder is needed",
    errno.EISDIR: "there is a folder of that name, where a file is needed",
    errno.ENOENT: "a folder of that path does not exist and cannot be created",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its links lead in a circle",
    errno.EINVAL: "the name is not a valid one",
}
_TEMPORARY = re.compile(r"\..{1,64}\.[0-9a-f]{12}\.part")


@dataclass(frozen=True)
class _Staged:
    """A file that is complete under a temporary name, and locked while it is open."""

    path: Path
    temporary: Path
    file: BinaryIO


class FileSet:
    """Files that take their names together, at the end of the `with` block, and only if the block succeeds.

    Until then each is a temporary file beside its name: after a failure, on a full disk, or after a kill, all old files
    are there, whole. Existing files are replaced, missing folders are created. The renames of nine files take 0.2 ms,
    since the old ones are held open, so that nothing has to be freed meanwhile; only a kill within it leaves a mixture.

    Args:
        remedy: The end of the message if a path cannot be written: what a user can do.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with FileSet() as files:
        ...         path = files.write(Path(folder, "scores.csv"), "a,b")
        ...         before = path.exists()
        ...     before, path.read_text()
        (False, 'a,b')
    """

    def __init__(self, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> None:
        self._remedy = remedy
        self._staged: list[_Staged] = []
        self._removed: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._land()
        finally:
            for staged in self._staged:
                with contextlib.suppress(OSError):
                    staged.temporary.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    staged.file.close()

    @contextlib.contextmanager
    def open(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file of the set. An OSError in the block counts as a failure to write.

        Raises:
            RequestError: The path cannot be written: not allowed, not a folder, read-only.
            UnavailableError: The disk is full or fails.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parent not in {staged.path.parent for staged in self._staged}:
                remove_leftovers(path.parent)
            staged = _stage(path)
            self._staged.append(staged)
            yield staged.file
            staged.file.flush()
            os.fsync(staged.file.fileno())
        except OSError as error:
            raise explain_write_failure(error, path, remedy=self._remedy) from error

    def write(self, path: Path, content: bytes | str) -> Path:
        """Write a file of the set, and return `path`.

        Text is written as UTF-8 with its line ends as they are; lone surrogates become `?`.
        """
        with self.open(path) as file:
            file.write(content.encode("utf-8", errors="replace") if isinstance(content, str) else content)
        return path

    def remove(self, path: Path) -> None:
        """Delete a file when the others take their names; one that is missing is no error."""
        self._removed.append(path)

    def _land(self) -> None:
        for path in (*(staged.path for staged in self._staged), *self._removed):
            if path.is_dir():  # the only reason to fail that a name can have now, found before the first is taken
                error = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                raise explain_write_failure(error, path, remedy=self._remedy)
        with contextlib.ExitStack() as held:
            if sys.platform != "win32":  # which does not replace files that are open
                for staged in self._staged:
                    with contextlib.suppress(OSError, DamagedError):
                        held.enter_context(open_regular(staged.path))
            try:
                self._take_names()
            except KeyboardInterrupt:
                self._take_names(again=True)
                raise
        for folder in dict.fromkeys(staged.path.parent for staged in self._staged):
            _sync_folder(folder)

    def _take_names(self, *, again: bool = False) -> None:
        for staged in self._staged:
            if again and not staged.temporary.exists():  # it has its name already
                continue
            try:
                if sys.platform == "win32":  # which does not rename files that are open
                    staged.file.close()
                staged.temporary.replace(staged.path)
            except OSError as error:
                raise explain_write_failure(error, staged.path, remedy=self._remedy) from error
        for path in self._removed:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise explain_write_failure(error, path, remedy=self._remedy) from error


def joined(files: FileSet | None) -> AbstractContextManager[FileSet]:
    """The set itself, which takes its names later; without one, a new set."""
    return FileSet() if files is None else contextlib.nullcontext(files)


@contextlib.contextmanager
def open_atomically(path: Path, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> Iterator[BinaryIO]:
    """Open a file as the only one of a `FileSet`."""
    with FileSet(remedy=remedy) as files, files.open(path) as file:
        yield file


def write_atomically(path: Path, content: bytes | str, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> Path:
    """Write a file as the only one of a `FileSet`, and return `path`."""
    with FileSet(remedy=remedy) as files:
        return files.write(path, content)


def check_writable(folder: Path, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> None:
    """Create a folder, and prove that files can be written there.

    Raises:
        RequestError: The folder cannot be written: not allowed, not a folder, read-only.
        UnavailableError: The disk is full or fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        staged = _stage(folder / "bench")
        try:
            with staged.file as file:
                file.write(b"bench was here\n")
                file.flush()
                os.fsync(file.fileno())
        finally:
            staged.temporary.unlink(missing_ok=True)
    except OSError as error:
        raise explain_write_failure(error, folder, remedy=remedy) from error


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files in a folder whose writers have died; those of the living are locked."""
    if sys.platform == "win32":
        return
    for path in folder.iterdir():
        if not _TEMPORARY.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError, DamagedError), open_regular(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _stage(path: Path) -> _Staged:
    """Create the temporary file of a path, and lock it."""
    while True:
        temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(6)}.part")
        # "x" obeys the umask, as the files of mkstemp do not: reports are made to be shared.
        file = temporary.open("xb")
        if _lock(file):
            return _Staged(path, temporary, file)
        file.close()


def _lock(file: BinaryIO) -> bool:
    """Mark a file as that of a living process; False if another one has taken it for a leftover meanwhile."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, on which nothing is taken for a leftover
        return True
    return os.fstat(file.fileno()).st_nlink > 0


def explain_write_failure(error: OSError, path: Path, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> BenchError:
    """A RequestError if a path cannot be written by its nature, an UnavailableError if the disk is full or fails.

    Examples:
        >>> explain_write_failure(OSError(errno.ENOSPC, ""), Path("reports/leaderboard.md"))
        UnavailableError('Cannot write reports/leaderboard.md: the disk is full; make room and run again.')
    """
    if error.errno in _NO_SPACE:
        return UnavailableError(f"Cannot write {path}: the disk is full; make room and run again.")
    cause = _WRONG_PLACE.get(error.errno or 0)
    if cause is not None:
        return RequestError(f"Cannot write {path}: {cause}; {remedy}.")
    return UnavailableError(f"Cannot write {path}: {error.strerror or type(error).__name__}.")


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut, if the system can do that for folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
