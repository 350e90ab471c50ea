"""Write files whole or not at all, and explain to a user why one cannot be written."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from benchmark.errors import BenchError, RequestError, UnavailableError

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


@contextlib.contextmanager
def open_atomically(path: Path, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> Iterator[BinaryIO]:
    """Open a file that takes the name `path` at the end of the `with` block, and only if the block succeeds.

    Until then the content is in a temporary file beside it: readers see the old content or the new one, never a part.
    An existing file is replaced, missing folders are created. An OSError in the block counts as a failure to write.

    Args:
        path: The name to take.
        remedy: The end of the message if the path cannot be written: what a user can do.

    Raises:
        RequestError: The path cannot be written: not allowed, not a folder, read-only.
        UnavailableError: The disk is full or fails.
    """
    temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # "x" obeys the umask, as the files of mkstemp do not: reports are made to be shared.
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise explain_write_failure(error, path, remedy=remedy) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_atomically(path: Path, content: bytes | str, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> Path:
    """Write a file as `open_atomically` does, and return `path`.

    Text is written as UTF-8 with its line ends as they are; lone surrogates become `?`.
    """
    with open_atomically(path, remedy=remedy) as file:
        file.write(content.encode("utf-8", errors="replace") if isinstance(content, str) else content)
    return path


def check_writable(folder: Path, *, remedy: str = CHOOSE_ANOTHER_FOLDER) -> None:
    """Create a folder and prove that files can be written there.

    Raises:
        RequestError: The folder cannot be written: not allowed, not a folder, read-only.
        UnavailableError: The disk is full or fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=".bench-", suffix=".part") as file:
            file.write(b"bench was here\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise explain_write_failure(error, folder, remedy=remedy) from error


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
