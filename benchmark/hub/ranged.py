"""A file of which only parts are read, and never more than a budget allows."""

import errno
import io
import os
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import httpx2
from huggingface_hub import get_session, hf_raise_for_status

from benchmark.hub.facts import NO_STATEMENT, HubFailure, storable
from benchmark.hub.failures import WrongAnswerError
from benchmark.results.status import Status

_BLOCK_BYTES = 2048


class TooMuchToReadError(Exception):
    """The budget of bytes does not reach for what somebody wants to read."""


class SourceError(Exception):
    """The bytes cannot be had, which says nothing about them.

    It is no OSError, which `zipfile` would take for a fault of the archive.

    Args:
        failure: What that means.
    """

    def __init__(self, failure: HubFailure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Budget:
    """How many bytes may still be read, from several files together.

    Args:
        left: Bytes.

    Examples:
        >>> budget = Budget(10)
        >>> budget.take(8)
        >>> budget.left
        2
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, amount: int) -> None:
        """Use some of it.

        Raises:
            TooMuchToReadError: There is not that much left.
        """
        if amount > self.left:
            raise TooMuchToReadError(f"{amount} bytes wanted, {self.left} left")
        self.left -= amount


class Source(Protocol):
    """Where the bytes of one file come from."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Read exactly the bytes from `start` to before `stop`, both within the file.

        Raises:
            SourceError: They cannot be had.
        """
        ...


class LocalSource:
    """A file on this machine.

    Args:
        path: Where it is.

    Raises:
        SourceError: It cannot be looked at.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._size = path.stat().st_size
        except OSError as error:
            raise self._failed(error) from error

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._size

    def read(self, start: int, stop: int) -> bytes:
        """Read exactly the bytes from `start` to before `stop`.

        Raises:
            SourceError: The file cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                content = file.read(stop - start)
            if len(content) != stop - start:
                raise OSError(errno.EIO, "it became shorter while it was read")
        except OSError as error:
            raise self._failed(error) from error
        return content

    def _failed(self, error: OSError) -> SourceError:
        detail = error.strerror or type(error).__name__
        reason = f"{storable(self._path.name)} cannot be read ({detail}); {NO_STATEMENT}"
        return SourceError(HubFailure(Status.UNREACHABLE, reason))


class RangedFile(io.RawIOBase):
    """A file whose bytes are fetched in small blocks, each once.

    It is also what `zipfile` takes for a file.

    Args:
        source: Where the bytes come from.
        budget: How many may be fetched.
    """

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self._blocks: dict[int, bytes] = {}
        self._position = 0

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._source.size

    def read_at(self, start: int, stop: int) -> bytes:
        """Read from `start` to before `stop`, or to the end of the file.

        Raises:
            TooMuchToReadError: The budget does not reach.
        """
        start, stop = max(0, start), min(stop, self.size)
        if start >= stop:
            return b""
        first, last = start // _BLOCK_BYTES, (stop - 1) // _BLOCK_BYTES
        if last - first > self._budget.left // _BLOCK_BYTES + len(self._blocks) + 1:
            raise TooMuchToReadError(f"{stop - start} bytes wanted, {self._budget.left} left")
        missing = [block for block in range(first, last + 1) if block not in self._blocks]
        for begin, end in _runs(missing):
            self._fetch(begin, end)
        content = b"".join(self._blocks[block] for block in range(first, last + 1))
        return content[start - first * _BLOCK_BYTES :][: stop - start]

    def _fetch(self, first: int, end: int) -> None:
        start, stop = first * _BLOCK_BYTES, min(end * _BLOCK_BYTES, self.size)
        self._budget.take(stop - start)
        content = self._source.read(start, stop)
        for block in range(first, end):
            self._blocks[block] = content[(block - first) * _BLOCK_BYTES :][:_BLOCK_BYTES]

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Where the next `read` begins."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Let the next `read` begin elsewhere.

        Raises:
            OSError: That is before the beginning.
        """
        position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence] + offset
        if position < 0:
            raise OSError(errno.EINVAL, "before the beginning of the file")
        self._position = position
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on; everything that is left where `size` is negative."""
        stop = self.size if size is None or size < 0 else self._position + size
        content = self.read_at(self._position, stop)
        self._position += len(content)
        return content


def _runs(blocks: list[int]) -> list[tuple[int, int]]:
    """Group numbers that follow each other, as (first, one after the last)."""
    runs: list[tuple[int, int]] = []
    for block in blocks:
        if runs and runs[-1][1] == block:
            runs[-1] = (runs[-1][0], block + 1)
        else:
            runs.append((block, block + 1))
    return runs


_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Part:
    """Bytes of a file, and the size of the whole."""

    content: bytes
    whole: int


def fetch_part(
    url: str, headers: dict[str, str], span: tuple[int, int], *, size: int | None, timeout_s: float
) -> Part | None:
    """Fetch a part of a file, and never more than that.

    A server that does not know of ranges sends the whole; no more of it is read than was wanted.

    Args:
        url: Where the file is; redirects are followed, without the token where they leave the Hub.
        headers: Headers to send, those that say who asks.
        span: The first byte and the one after the last.
        size: Bytes of the whole file, where known; an answer that contradicts it is not this file.
        timeout_s: For each read.

    Returns:
        The bytes, fewer only where the file ends; None where the server sends whole files only and the part is not at
        the beginning.

    Raises:
        WrongAnswerError: What the server sends is not what was asked for.
        httpx2.HTTPError: The network failed.
        HfHubHTTPError: The server refuses.
    """
    start, stop = span
    # An encoded body could be larger than it seems.
    wanted = {**headers, "Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=wanted, timeout=timeout_s) as response:
        hf_raise_for_status(response)
        whole = _whole_size(response, start)
        if whole is None:
            return None
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


def _whole_size(response: httpx2.Response, start: int) -> int | None:
    """Read from the headers how large the whole file is, and hold that the part is the one asked for."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise WrongAnswerError("the file is served in an encoding that was not asked for")
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        told = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if told is None or int(told[1]) != start:
            raise WrongAnswerError("another part of the file is served than was asked for")
        return int(told[3])
    length = response.headers.get("Content-Length", "")
    if response.status_code != HTTPStatus.OK or not length.isdecimal():
        raise WrongAnswerError(f"no file is served (HTTP {response.status_code})")
    return int(length) if start == 0 else None
