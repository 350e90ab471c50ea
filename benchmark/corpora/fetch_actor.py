"""The worker that copies what is at an address into a file, or lists a folder, within limits of size, rate and time.

Of http and https it follows redirects itself: only to these two, never back to http, and never from a public host into
a private network. A name is resolved once, and the connection goes to the resolved IP address that was judged.
"""

import ipaddress
import os
import socket
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx2

from benchmark.hub.retries import Deadline, call_until

_CHUNK_BYTES = 1 << 20
_WATCHED_S = 30.0
_FEWEST_BYTES = 30_000  # in that time: 1 kB/s, less than any connection that somebody would use
_TIMEOUT = httpx2.Timeout(connect=10.0, read=15.0, write=10.0, pool=10.0)
_MOST_REDIRECTS = 10
_MOST_IPS = 4
_HTTP_PORTS = {"http": 80, "https": 443}
# A compressed answer may be a thousand times as large as what was counted.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "bench"}
_ABSENT = frozenset({404, 410})


class Problem(StrEnum):
    """What kind of failure it is.

    Attributes:
        MISSING: There is nothing at the address.
        HOST: The host cannot be reached.
        SLOW: Too little of it came; the worker may still be busy with it, and is of no further use.
        REFUSED: It is too large, or lies where a redirect may not lead.
        FILE: The copy cannot be written; the reason is an error number.
        OTHER: Anything else.
    """

    MISSING = "missing"
    HOST = "host"
    SLOW = "slow"
    REFUSED = "refused"
    FILE = "file"
    OTHER = "other"


class FetchError(Exception):
    """An address cannot be fetched; `reason` is a sentence about it without a subject, such as `cannot be read`."""

    def __init__(self, problem: Problem, reason: str) -> None:
        super().__init__(reason)
        self.problem, self.reason = problem, reason


def is_private(ip: str) -> bool:
    """Whether an IP address is not one of the public internet: loopback, a private network, link-local, multicast.

    Examples:
        >>> [is_private(ip) for ip in ("8.8.8.8", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1%eth0")]
        [False, True, True, True, True]
    """
    address = ipaddress.ip_address(ip.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return not address.is_global or address.is_multicast


class FetchActor:
    """Fetches one address at a time."""

    def __init__(self, is_private: Callable[[str], bool] = is_private) -> None:
        self._is_private = is_private
        self._clients: dict[str, httpx2.Client] = {}

    def fetch(self, address: str, path: str, max_bytes: int, timeout_s: float) -> dict[str, str] | None:
        """Write what is at an address to a new file, which only its owner can read.

        Args:
            address: The caller has judged its protocol.
            path: The file; what was written stays there if the fetch fails.
            max_bytes: Nothing larger is fetched.
            timeout_s: Limit of the whole.

        Returns:
            None, or why it failed: the `problem` and the `reason` of a `FetchError`.
        """
        try:
            with _Transfer.to(Path(path), max_bytes, timeout_s) as transfer:
                call_until(transfer.deadline, lambda: self._copy(address, transfer))
        except FetchError as error:
            return {"problem": error.problem, "reason": error.reason}
        except TimeoutError:
            return {"problem": Problem.SLOW, "reason": f"cannot be read: {transfer.explain_time_out(timeout_s)}"}
        return None

    def find_files(self, folder: str, suffixes: Sequence[str], most: int, timeout_s: float) -> dict[str, Any]:
        """Find the files below a folder, at any depth, without those whose path has a part that begins with a dot.

        Args:
            folder: The caller has judged its protocol.
            suffixes: Ends of names in lower case; other files are left out.
            most: More are refused.
            timeout_s: Limit of the whole.

        Returns:
            The `paths` relative to the folder, sorted, or why there are none: the `problem` and the `reason`.
        """
        try:
            paths = call_until(Deadline(timeout_s), lambda: _find_with_fsspec(folder, tuple(suffixes)))
        except FetchError as error:
            return {"problem": error.problem, "reason": error.reason}
        except TimeoutError:
            return {"problem": Problem.SLOW, "reason": f"cannot be listed within {timeout_s:g} s"}
        if len(paths) > most:
            return {
                "problem": Problem.REFUSED,
                "reason": f"is not read: it has {len(paths):,} files, of {most:,} at most",
            }
        return {"paths": paths}

    def _copy(self, address: str, transfer: "_Transfer") -> None:
        if address.partition("://")[0].lower() in _HTTP_PORTS:
            self._copy_with_http(address, transfer)
        else:
            _copy_with_fsspec(address, transfer)
        transfer.finish()

    def _copy_with_http(self, address: str, transfer: "_Transfer") -> None:
        url = _parse(address)
        auth, is_public = (url.username, url.password) if url.userinfo else None, False
        for _ in range(_MOST_REDIRECTS):
            ips = self._judged_ips(url, may_be_private=not is_public)
            is_public = is_public or any(not self._is_private(ip) for ip in ips)
            with self._answer(url, ips, auth) as response:
                if not response.has_redirect_location:
                    _check(response)
                    transfer.expect(response.headers.get("Content-Length"))
                    for chunk in response.iter_raw():
                        transfer.write(chunk)
                    return
                target = _parse(response.headers["Location"], url)
            if (target.scheme, target.host, _port(target)) != (url.scheme, url.host, _port(url)):
                auth = None
            url = target
        raise FetchError(Problem.REFUSED, f"is not fetched: it is redirected more than {_MOST_REDIRECTS} times")

    def _judged_ips(self, url: httpx2.URL, *, may_be_private: bool) -> list[str]:
        """The IP addresses of a host to connect to; none where a proxy resolves the name."""
        if _uses_proxy(url) and url.host != "localhost" and not _is_ip(url.host):
            return []
        try:
            resolved = socket.getaddrinfo(url.raw_host.decode("ascii"), _port(url), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise FetchError(Problem.HOST, f"cannot be read: its host {url.host} is not known") from error
        ips = list(dict.fromkeys(str(entry[4][0]) for entry in resolved))
        if not may_be_private and any(map(self._is_private, ips)):
            raise FetchError(
                Problem.REFUSED, f"is not fetched: it is redirected into a private network, to {url.host} ({ips[0]})"
            )
        return ips

    @contextmanager
    def _answer(self, url: httpx2.URL, ips: list[str], auth: tuple[str, str] | None) -> Iterator[httpx2.Response]:
        """The answer of a host, from the first of its IP addresses that can be connected to."""
        client = self._client(url)
        url = url.copy_with(userinfo=b"", fragment=None)
        for number, ip in enumerate(ips[:_MOST_IPS] or [None], start=1):
            # The name stays in the header and, for the certificate, in the handshake.
            pinned = url if ip is None or _uses_proxy(url) else url.copy_with(host=ip.partition("%")[0])
            request = client.build_request(
                "GET", pinned, headers={**_HEADERS, "Host": url.netloc.decode("ascii")}, timeout=_TIMEOUT,
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )  # fmt: skip
            try:
                response = client.send(request, stream=True, follow_redirects=False, auth=auth)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if number < len(ips[:_MOST_IPS]):
                    continue
                raise FetchError(Problem.HOST, f"cannot be read: {_detail(error)}") from error
            except httpx2.TransportError as error:
                raise FetchError(Problem.HOST, f"cannot be read: {_detail(error)}") from error
            break
        try:
            yield response
        except httpx2.TransportError as error:
            raise FetchError(Problem.HOST, f"cannot be read: {_detail(error)}") from error
        finally:
            response.close()

    def _client(self, url: httpx2.URL) -> httpx2.Client:
        """One client for each host: connections that are kept open are those to its own name and IP addresses."""
        if url.host not in self._clients:
            for client in self._clients.values():
                client.close()
            transport = None if _uses_proxy(url) else httpx2.HTTPTransport()
            self._clients = {url.host: httpx2.Client(transport=transport)}
        return self._clients[url.host]


@dataclass(eq=False)
class _Transfer:
    """A file that is being written, and the time until which more of it must have come."""

    file: Any
    max_bytes: int
    deadline: Deadline
    overall: Deadline
    size: int = 0
    _watched_from: int = 0

    @classmethod
    @contextmanager
    def to(cls, path: Path, max_bytes: int, timeout_s: float) -> Iterator["_Transfer"]:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield cls(file, max_bytes, Deadline(min(_WATCHED_S, timeout_s)), Deadline(timeout_s))

    def expect(self, size: str | int | None) -> None:
        """Refuse what announces to be too large."""
        with suppress(ValueError, TypeError):  # no number, or none at all
            self._check_size(int(size or 0))

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._check_size(self.size)
        with _file_errors():
            self.file.write(chunk)
        if self.size - self._watched_from >= _FEWEST_BYTES:
            self._watched_from = self.size
            self.deadline.extend(min(_WATCHED_S, self.overall.remaining))

    def finish(self) -> None:
        with _file_errors():
            self.file.flush()

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            limit = f"{self.max_bytes / 1e6:g} MB, which --max-clip-mb raises"
            raise FetchError(Problem.REFUSED, f"is not fetched: it has more than {limit}")

    def explain_time_out(self, timeout_s: float) -> str:
        if not self.overall.remaining:
            return f"it has not come within {timeout_s:g} s"
        if not self.size:
            return f"no answer came within {_WATCHED_S:g} s"
        return f"less than {_FEWEST_BYTES / 1000:g} kB came within {_WATCHED_S:g} s"


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FetchError(Problem.FILE, str(error.errno or 0)) from error


def _copy_with_fsspec(address: str, transfer: _Transfer) -> None:
    with file_system(address) as (system, path), system.open(path, "rb") as file:
        transfer.expect(getattr(file, "size", None))
        while chunk := file.read(_CHUNK_BYTES):
            transfer.write(chunk)


def _find_with_fsspec(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    with file_system(folder) as (system, path):
        beginning = path.rstrip("/") + "/"
        below = (found.removeprefix(beginning) for found in system.find(path) if found.startswith(beginning))
        return sorted(
            found
            for found in below
            if found.lower().endswith(suffixes) and not any(part.startswith(".") for part in found.split("/"))
        )


@contextmanager
def file_system(address: str, *, doing: str = "read") -> Iterator[tuple[Any, str]]:
    """The file system of an address and the path in it; what goes wrong there is a FetchError.

    Args:
        address: Of a kind that the caller has judged.
        doing: What cannot be done then, for the reason of the error.
    """
    import fsspec  # noqa: PLC0415 - slow to import, and http needs none

    try:
        # Not `fsspec.open`, which takes a server that refuses the connection for one that has no such file.
        yield fsspec.core.url_to_fs(address)
    except FetchError:
        raise
    except FileNotFoundError as error:
        raise FetchError(Problem.MISSING, "") from error
    except ImportError as error:
        raise FetchError(Problem.OTHER, f"needs a library that is not installed: {_detail(error)}") from error
    except Exception as error:  # somebody else's file system, whose errors have no common base
        name = type(error).__name__
        is_of_host = isinstance(error, ConnectionError | TimeoutError) or "Connect" in name or "Timeout" in name
        raise FetchError(
            Problem.HOST if is_of_host else Problem.OTHER, f"cannot be {doing}: {_detail(error)}"
        ) from error


def _parse(address: str, base: httpx2.URL | None = None) -> httpx2.URL:
    """The URL of an address, or of where `base` is redirected to."""
    try:
        url = httpx2.URL(address) if base is None else base.join(address)
    except httpx2.InvalidURL as error:
        raise FetchError(Problem.OTHER, f"cannot be read: {_detail(error)}") from error
    if base is not None and (url.scheme not in _HTTP_PORTS or (base.scheme == "https" and url.scheme != "https")):
        raise FetchError(Problem.REFUSED, f"is not fetched: it is redirected from {base.scheme} to {url.scheme}")
    if not url.host:
        raise FetchError(Problem.OTHER, "cannot be read: it names no host")
    return url


def _check(response: httpx2.Response) -> None:
    """Raise the FetchError of an answer without a recording."""
    if response.status_code in _ABSENT:
        raise FetchError(Problem.MISSING, "")
    if not response.is_success:
        what = f"{response.status_code} {response.reason_phrase}".strip()
        raise FetchError(Problem.OTHER, f"cannot be read: the server answers {what}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise FetchError(Problem.OTHER, "cannot be read: the server compresses it, though it must not")


def _port(url: httpx2.URL) -> int:
    return url.port or _HTTP_PORTS[url.scheme]


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _uses_proxy(url: httpx2.URL) -> bool:
    return url.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(url.host)


def _detail(error: BaseException) -> str:
    return (" ".join(str(error).split())[:200] or type(error).__name__).rstrip(".")
