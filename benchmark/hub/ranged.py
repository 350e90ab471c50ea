"""Reading parts of the files of a repository, on this machine or by HTTP range requests, within a budget of bytes."""

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from pathlib import Path

import httpx2
from huggingface_hub import get_session, hf_raise_for_status

from benchmark.hub.failures import WrongAnswerError
from benchmark.hub.json_documents import Document, read_document
from benchmark.hub.repository_facts import HubFailure, RepoFacts, RepoFile, not_in_cache, storable, unreachable
from benchmark.hub.tensor_listing import unlisted

_BLOCK_BYTES = 2048
_FIRST_READ_BYTES = 65_536
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class TooMuchToReadError(Exception):
    """A read exceeds the budget."""


class SourceError(Exception):
    """The bytes cannot be had, which says nothing about them.

    It is no OSError, which `zipfile` would take for a fault of the archive.
    """

    def __init__(self, failure: HubFailure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass
class Budget:
    """How many bytes may still be read, from several files together."""

    left: int

    def take(self, amount: int) -> None:
        """Use some of it; raises TooMuchToReadError where not enough is left."""
        if amount > self.left:
            raise TooMuchToReadError(f"{amount} bytes wanted, {self.left} left")
        self.left -= amount


class RangedFile:
    """A file whose bytes are fetched in blocks of 2 kB, each once, within a budget; `zipfile` can read it.

    Args:
        fetch: Returns exactly the bytes from the first number to before the second, both within the file.
        size: Bytes of the whole file.
        budget: How many may be fetched.
        begin: The first bytes, if known; whole blocks, or the whole file.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, budget: Budget, begin: bytes = b"") -> None:
        self.size = size
        self._fetch = fetch
        self._budget = budget
        self._blocks: dict[int, bytes] = {}
        self._keep(0, begin)
        self._position = 0

    def read_at(self, start: int, stop: int) -> bytes:
        """Read from `start` to before `stop`, or to the end; raises SourceError or TooMuchToReadError."""
        start, stop = max(0, start), min(stop, self.size)
        if start >= stop:
            return b""
        first, end = start // _BLOCK_BYTES, (stop - 1) // _BLOCK_BYTES + 1
        # Checked before anything of this length is made: a directory may claim terabytes.
        if end - first > self._budget.left // _BLOCK_BYTES + len(self._blocks) + 2:
            raise TooMuchToReadError(f"{stop - start} bytes wanted, {self._budget.left} left")
        missing = [block for block in range(first, end) if block not in self._blocks]
        for _, run in groupby(enumerate(missing), key=lambda pair: pair[1] - pair[0]):  # blocks that follow each other
            blocks = [block for _, block in run]
            begin, limit = blocks[0] * _BLOCK_BYTES, min((blocks[-1] + 1) * _BLOCK_BYTES, self.size)
            self._budget.take(limit - begin)
            self._keep(begin, self._fetch(begin, limit))
        content = b"".join(self._blocks[block] for block in range(first, end))
        return content[start - first * _BLOCK_BYTES :][: stop - start]

    def _keep(self, begin: int, content: bytes) -> None:
        for offset in range(0, len(content), _BLOCK_BYTES):
            self._blocks[(begin + offset) // _BLOCK_BYTES] = content[offset : offset + _BLOCK_BYTES]

    def tell(self) -> int:
        """Where the next `read` begins."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to where the next `read` begins; raises OSError before the beginning."""
        position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence] + offset
        if position < 0:
            raise OSError(errno.EINVAL, "before the beginning of the file")
        self._position = position
        return position

    def read(self, size: int = -1, /) -> bytes:
        """Read on; everything that is left where `size` is negative."""
        content = self.read_at(self._position, self.size if size < 0 else self._position + size)
        self._position += len(content)
        return content


def open_local(path: Path, budget: Budget) -> RangedFile:
    """Open a file on this machine; raises SourceError here and on reads where it cannot be read."""

    def fetch(start: int, stop: int) -> bytes:
        with _readable(path), path.open("rb") as file:
            file.seek(start)
            content = file.read(stop - start)
            if len(content) != stop - start:
                raise OSError(errno.EIO, "it became shorter while it was read")
        return content

    with _readable(path):
        size = path.stat().st_size
    return RangedFile(fetch, size, budget)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise SourceError(unreachable(f"{storable(path.name)} cannot be read ({detail})")) from error


@dataclass(frozen=True)
class Part:
    """Bytes of a file, and the size of the whole."""

    content: bytes
    whole: int


def fetch_part(url: str, headers: dict[str, str], span: tuple[int, int], *, size: int | None, timeout_s: float) -> Part:
    """Fetch a part of a file of the Hub, and never more than that.

    `HfFileSystem` does not check `Content-Range`, so that a server without range requests would send the whole file.

    Args:
        url: Where the file is; redirects are followed, without the token where they leave the Hub.
        headers: Headers to send.
        span: The first byte and the one after the last.
        size: Bytes of the whole file, where known; another size in the answer is an error.
        timeout_s: For each read.

    Returns:
        The bytes, fewer only where the file ends.

    Raises:
        ListingProblem: The server sends whole files only, and the part is not at the beginning.
        WrongAnswerError: The server sends something else.
        httpx2.HTTPError: The network failed, or the server refuses.
    """
    start, stop = span
    # An encoded body could be larger than it seems.
    request_headers = {**headers, "Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=request_headers, timeout=timeout_s) as response:
        hf_raise_for_status(response)
        whole = _whole_size(response, start)
        if size is not None and whole != size:
            raise WrongAnswerError(f"a file of {size} bytes is listed, and one of {whole} served")
        expected = max(0, min(stop, whole) - start)
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if len(content) >= expected:
                break
    if len(content) < expected:
        raise WrongAnswerError(f"{len(content)} of {expected} bytes were served")
    return Part(bytes(content[:expected]), whole)


def _whole_size(response: httpx2.Response, start: int) -> int:
    """Read from the headers how large the whole file is, and check that the part is the one requested."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongAnswerError("the file is served in an encoding that was not asked for")
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        served = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if served is None or int(served[1]) != start:
            raise WrongAnswerError("another part of the file is served than was asked for")
        return int(served[3])
    length = response.headers.get("Content-Length", "")
    if response.status_code != HTTPStatus.OK or not length.isdecimal():
        raise WrongAnswerError(f"no file is served (HTTP {response.status_code})")
    if start > 0:
        raise unlisted("the server sends no parts of files")
    return int(length)


@dataclass(frozen=True)
class RepositoryFiles:
    """Access to the files of one repository; all methods raise SourceError where a file cannot be had.

    Attributes:
        folder: A local folder, or the folder of the revision in the library's cache.
        facts: The repository on the Hub; None for a local folder.
        fetch_file: Fetches a file into the cache; returns the folder, or why it cannot.
        fetch_part: Fetches a part of a file, given its name, first and last byte, and size; None offline.
    """

    folder: Path
    facts: RepoFacts | None = None
    fetch_file: Callable[[RepoFile], Path | HubFailure] | None = None
    fetch_part: Callable[[str, tuple[int, int], int | None], Part | HubFailure] | None = None

    def open(self, file: RepoFile, budget: Budget, local_budget: Budget) -> RangedFile:
        """Open a file to read parts of it."""
        if self.facts is None or is_cached(self.folder, file):
            return open_local(self.folder / file.name, local_budget)
        size, begin = file.size, b""
        if size is None:
            first = self._part(file, (0, _FIRST_READ_BYTES), None)
            budget.take(len(first.content))
            size, begin = first.whole, first.content
        return RangedFile(lambda start, stop: self._part(file, (start, stop), size).content, size, budget, begin)

    def document(self, file: RepoFile) -> Document:
        """Read a JSON file."""
        folder = self.folder if self.fetch_file is None else self.fetch_file(file)
        if isinstance(folder, HubFailure):
            raise SourceError(folder)
        return read_document(folder / file.name)

    def present(self, names: Iterable[str]) -> dict[str, RepoFile]:
        """Those of the files that exist, with their sizes, by name."""
        requested = set(names)
        if self.facts is not None and not self.facts.partial:
            return {file.name: file for file in self.facts.files if file.name in requested}
        paths = {name: self.folder / name for name in requested}
        present = {name: RepoFile(name, path.stat().st_size) for name, path in paths.items() if path.is_file()}
        if self.facts is not None and len(present) < len(requested):
            raise SourceError(not_in_cache(f"all of the weights of {self.facts.id}"))
        return present

    def _part(self, file: RepoFile, span: tuple[int, int], size: int | None) -> Part:
        if self.fetch_part is None:
            raise SourceError(not_in_cache(f"{file.name} of {self.facts.id if self.facts else self.folder}"))
        part = self.fetch_part(file.name, span, size)
        if isinstance(part, HubFailure):
            raise SourceError(part)
        return part


def is_cached(snapshot: Path, file: RepoFile) -> bool:
    """Whether a file is in the folder of a revision with its full size."""
    try:
        size = (snapshot / file.name).stat().st_size
    except (OSError, ValueError):
        return False
    return file.size is None or size == file.size
