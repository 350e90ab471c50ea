"""Checksums of what is stored: in JSON documents, and of all files of a folder. Only regular files are opened."""

import errno
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
"""The file of a folder that names all others, with their sizes and checksums."""
_SEAL = b'{"seal":"%s",'
_SEAL_BYTES = len(_SEAL % (b"0" * 64))
_FILES = "files"
_CHANGED = "its content is not what was written (SHA-256)"
# The fault of the file; others, such as too many open files, are not.
_UNREADABLE = {errno.EACCES, errno.EPERM, errno.EIO, errno.ELOOP, errno.ENXIO, errno.EISDIR}


class DamagedError(Exception):
    """Something stored is not what was written; the message is the reason, as a clause."""


def seal(document: bytes) -> bytes:
    """Put the SHA-256 of all other bytes of a JSON object into it, as its first member.

    Examples:
        >>> seal(b'{"clips":3}')[:14], unseal(seal(b'{"clips":3}'))
        (b'{"seal":"e9ed6', b'{"clips":3}')
    """
    return _SEAL % hashlib.sha256(document).hexdigest().encode() + document[1:]


def unseal(content: bytes) -> bytes:
    """The JSON object that `seal` got.

    Raises:
        DamagedError: Any byte is not what was written.
    """
    document = b"{" + content[_SEAL_BYTES:]
    if seal(document) != content:
        raise DamagedError(_CHANGED)
    return document


def require_sha256(content: bytes, sha256: str | None) -> None:
    """Raise `DamagedError` unless the content has this checksum."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedError(_CHANGED)


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; links are not followed, and pipes not waited for.

    Raises:
        FileNotFoundError: There is none.
        DamagedError: It is a link, a folder or a device, or cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except NotADirectoryError as error:
        raise FileNotFoundError(error.errno, error.strerror, error.filename) from error
    except OSError as error:
        raise _as_damage(error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DamagedError("it is not a file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """Read a file as `open_regular` opens it."""
    with open_regular(path) as file:
        try:
            return file.read()
        except OSError as error:
            raise _as_damage(error) from error


def write_manifest(folder: Path, **details: Any) -> None:
    """Write the manifest of a folder whose other files are complete.

    Args:
        details: What else the manifest says, as JSON values.
    """
    names = sorted(path.name for path in folder.iterdir())
    document = json.dumps({_FILES: _digests(folder, names), **details}).encode()
    with (folder / MANIFEST).open("wb") as file:
        file.write(seal(document))
        file.flush()
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a folder, and check all its files.

    Raises:
        FileNotFoundError: There is no folder.
        DamagedError: It is not what was written.
    """
    try:
        mode = folder.lstat().st_mode
    except NotADirectoryError as error:
        raise FileNotFoundError(error.errno, error.strerror, error.filename) from error
    if not stat.S_ISDIR(mode):
        raise DamagedError("it is not a folder")
    try:
        manifest: dict[str, Any] = json.loads(unseal(read_regular(folder / MANIFEST)))
        files = manifest[_FILES]
        damaged = [name for name, digest in _digests(folder, files).items() if digest != files[name]]
    except FileNotFoundError as error:
        raise DamagedError(f"its {Path(error.filename).name} is missing") from error
    if damaged:
        raise DamagedError(f"the content of its {damaged[0]} is not what was written (SHA-256)")
    return manifest


def _digests(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of files; threads do it, since hashing releases the interpreter's lock."""
    names = list(names)
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(partial(_digest, folder), names), strict=True))


def _digest(folder: Path, name: str) -> dict[str, Any]:
    with open_regular(folder / Path(name).name) as file:
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _as_damage(error) from error
        return {"size": file.tell(), "sha256": digest}


def _as_damage(error: OSError) -> Exception:
    """The error as a DamagedError, if it is the fault of the file."""
    return DamagedError(f"it cannot be read: {error.strerror}") if error.errno in _UNREADABLE else error
