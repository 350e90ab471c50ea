"""The storage below the cache: named files in a folder, and the names under which results of a candidate lie."""

import contextlib
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UnavailableError
from benchmark.results.checksums import read_regular
from benchmark.results.files import CHOOSE_ANOTHER_CACHE, check_writable, write_atomically
from benchmark.settings import Settings
from benchmark.temporary import remove_abandoned

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 120
DAMAGED_SUFFIX = ".damaged"
"""The end of the names of what was set aside, after eight random hexadecimal digits."""


@dataclass(frozen=True)
class StoredObject:
    """A file in a listing: its size in bytes, and when it was written, in seconds since 1970."""

    name: str
    size: int
    modified: float


@dataclass(frozen=True)
class Storage:
    """Files by name in a folder, which is created with the first one.

    Names are relative to the folder and have `/` between their parts.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     storage = Storage(Path(folder))
        ...     storage.write("runs/one.json", b"{}")
        ...     [stored.name for stored in storage.list("runs/o")], storage.read("runs/one.json")
        (['runs/one.json'], b'{}')
    """

    root: Path

    def list(self, prefix: str = "") -> tuple[StoredObject, ...]:
        """List the files whose names begin with `prefix`, sorted by name; links are not followed."""
        folder, _, beginning = prefix.rpartition("/")
        return tuple(sorted(self._walk(folder, beginning), key=lambda stored: stored.name))

    def children(self, prefix: str) -> tuple[str, ...]:
        """The names that begin with `prefix` and have no further `/`, sorted, whatever they are names of."""
        folder, _, beginning = prefix.rpartition("/")
        try:
            names = [path.name for path in (self.root / folder).iterdir()]
        except OSError:
            return ()
        return tuple(sorted(f"{folder}/{name}" if folder else name for name in names if name.startswith(beginning)))

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises:
            FileNotFoundError: There is none.
            DamagedError: It is a link, a folder or a device, or cannot be read.
        """
        return read_regular(self.root / name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all.

        Raises:
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        create_cache(self.root)
        write_atomically(self.root / name, content, remedy=CHOOSE_ANOTHER_CACHE)

    def delete(self, name: str) -> None:
        """Delete a file, and the folders that are empty then; one that is gone already is no error."""
        path = self.root / name
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise UnavailableError(f"Cannot delete {path}: {error.strerror or type(error).__name__}.") from error
        with contextlib.suppress(OSError):  # the first folder that is not empty
            while (path := path.parent) != self.root:
                path.rmdir()

    def set_aside(self, name: str) -> str | None:
        """Rename what is damaged, and return the new name; None if that fails.

        A link or an empty folder holds nothing, and is deleted.
        """
        path = self.root / name
        aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{DAMAGED_SUFFIX}")
        try:
            if path.is_symlink():
                path.unlink()
            else:
                path.rename(aside)
                with contextlib.suppress(OSError):  # it is not an empty folder
                    aside.rmdir()
        except OSError:
            return None
        return aside.name

    def location(self, name: str) -> str:
        """The path of a file, for messages."""
        return str(self.root / name)

    def _walk(self, folder: str, beginning: str = "") -> Iterator[StoredObject]:
        try:
            with os.scandir(self.root / folder) as children:
                below = [child for child in children if child.name.startswith(beginning) and not child.is_symlink()]
        except OSError:
            return
        for child in below:
            name = f"{folder}/{child.name}" if folder else child.name
            if child.is_dir(follow_symlinks=False):
                yield from self._walk(name)
                continue
            with contextlib.suppress(FileNotFoundError):
                status = child.stat(follow_symlinks=False)
                yield StoredObject(name, status.st_size, status.st_mtime)


def create_cache(folder: Path) -> None:
    """Create the folder of the cache, which only its owner can read; one that is there keeps its mode."""
    with contextlib.suppress(OSError):  # the first write says it better
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def prepare_cache(settings: Settings) -> None:
    """Create the cache, prove that it can be written, and remove temporary files of commands that were killed.

    A command that will write there does so before it inspects or decodes anything.

    Raises:
        RequestError: It cannot be written.
        UnavailableError: The disk is full.
    """
    create_cache(settings.cache)
    check_writable(settings.cache, remedy=CHOOSE_ANOTHER_CACHE)
    for folder in (settings.temporary, Path(tempfile.gettempdir())):
        remove_abandoned(folder)


def candidate_prefix(id: str, revision: str) -> str:
    """The folder, within the cache, of everything about one revision of a candidate; it never leads out of the cache.

    Examples:
        >>> candidate_prefix("superb/wav2vec2-base-superb-er", "13f9bc7")
        'superb__wav2vec2-base-superb-er/13f9bc7'
        >>> candidate_prefix("../../etc", "../x")
        'etc-74ccf3c5/x-d6b96a97'
    """
    return f"{candidate_slug(id)}/{_safe(revision)}"


def candidate_slug(id: str) -> str:
    """A file name for a candidate; two local folders of one name stay apart by a hash of their path."""
    if _HUB_ID.fullmatch(id) and ".." not in id and len(id) <= _LONGEST_NAME:
        return id.replace("/", "__")
    folder_name = id.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return _safe(folder_name, distinguish=id)


def _safe(text: str, *, distinguish: str | None = None) -> str:
    """Keep what is harmless in a file name on every system; a changed text gets a hash, so that no two coincide."""
    harmless = _UNSAFE.sub("-", text).strip(".-")[:_LONGEST_NAME]
    if text and harmless == text and distinguish is None:
        return text
    digest = hashlib.sha256((distinguish or text).encode("utf-8", errors="surrogatepass")).hexdigest()[:8]
    return f"{harmless or 'unnamed'}-{digest}"
