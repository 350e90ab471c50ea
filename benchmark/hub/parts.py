"""Parts of a file on the Hub, by HTTP range requests through the library's own session."""

import re
from dataclasses import dataclass
from http import HTTPStatus

import httpx2
from huggingface_hub import get_session, hf_raise_for_status

from benchmark.hub.failures import WrongAnswerError

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
