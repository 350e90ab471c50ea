"""Copies of recordings at addresses: fetched once in a run, kept in the cache as long as the run lasts.

A later run fetches them again: a recording may have changed, and somebody's voice is not kept without a reason.
"""

import hashlib
import re
import secrets
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.fetch_actor import Problem
from benchmark.results.files import CHOOSE_ANOTHER_CACHE, explain_write_failure
from benchmark.results.runs import LOST_READER
from benchmark.results.storage import create_cache
from benchmark.settings import Settings
from benchmark.temporary import process_folder
from benchmark.workers.answers import Answer, Crashed, Returned
from benchmark.workers.protection import WorkerKind
from benchmark.workers.sharing import SharedWorkers
from benchmark.workers.worker import Worker

PROTOCOLS = frozenset({"abfs", "az", "file", "gs", "hf", "http", "https", "s3"})
"""The kinds of addresses that tables may name."""
FETCHERS = 4
"""How many addresses are fetched at the same time."""

_ACTOR = "benchmark.corpora.fetch_actor:FetchActor"
_FAILURES_IN_A_ROW = 3
_OF_THE_HOST = frozenset({Problem.HOST, Problem.SLOW})
_GRACE_S = 10.0  # the worker ends a transfer itself, unless it hangs
_HOST = re.compile(r"([^:/?#]*://)(?:[^/?#]*@)?([^/?#]*)")


class UnreachableAudio(UndecodableAudio):
    """An address that cannot be read now; at another time it may be."""


@dataclass(eq=False)
class _Copy:
    """The copy of one address: a path, or why there is none."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    path: Path | None = None
    failure: str | None = None


class Fetcher:
    """Fetches addresses in workers, each once; for several threads.

    After three failures of a host in a row, such as connections that it refuses, nothing is fetched from it any more:
    300 clips at a host that never answers cost as much time as three.

    Args:
        max_bytes: No larger recording is fetched.
    """

    def __init__(self, settings: Settings, *, max_bytes: int) -> None:
        self._settings, self._max_bytes = settings, max_bytes
        self._lock = threading.Lock()
        self._copies: dict[str, _Copy] = {}
        self._failures: Counter[str] = Counter()
        self._own_folder: Path | None = None
        self._workers = SharedWorkers(self._new_worker, FETCHERS)

    def path(self, address: str, *, suffix: str = "") -> Path:
        """A file with the recording at an address that a table names, or with a table.

        Only `PROTOCOLS` are opened, and no chains of file systems (`::`): of the others that fsspec knows, some run
        code (`reference://` renders templates) or open further addresses, and tables may be hostile.

        Args:
            suffix: The end of the file's name.

        Raises:
            UndecodableAudio: It cannot be had; later calls say so, too, since nothing is fetched twice.
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        _judge(address)
        with self._lock:
            copy = self._copies.setdefault(address, _Copy())
        with copy.lock:
            if copy.failure is not None:
                raise UndecodableAudio(copy.failure)
            if copy.path is None or not copy.path.is_file():  # somebody may have deleted the cache
                name = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest() + suffix
                try:
                    copy.path = self.copy(address, self._folder() / name)
                except UndecodableAudio as error:
                    copy.failure = error.reason
                    raise
            return copy.path

    def copy(self, address: str, path: Path) -> Path:
        """Fetch an address that the caller has judged into a file of the cache, whole or not at all.

        Raises:
            UnreachableAudio: The network, the host or a library failed.
            UndecodableAudio: There is nothing, or it is too large, or redirected to where bench does not follow.
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        unfinished = self._folder() / f"{secrets.token_hex(8)}.part"
        try:
            self._fetch(address, unfinished)
            return unfinished.replace(path)
        except OSError as error:
            raise explain_write_failure(error, path, remedy=CHOOSE_ANOTHER_CACHE) from error
        finally:
            unfinished.unlink(missing_ok=True)

    def find_files(self, folder: str, suffixes: Collection[str], *, most: int) -> tuple[str, ...]:
        """The files below a folder at an address: paths relative to it, sorted.

        Args:
            suffixes: Ends of names in lower case; other files are left out.
            most: More are refused.

        Raises:
            UndecodableAudio: As `copy`.
        """
        _judge(folder)
        listing = self._value(folder, self._call(folder, "find_files", sorted(suffixes), most))
        return tuple(listing["paths"])

    def close(self) -> None:
        """End the workers and delete the copies."""
        self._workers.close()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def _folder(self) -> Path:
        with self._lock:
            if self._own_folder is None or not self._own_folder.is_dir():
                parent = self._settings.fetched
                try:
                    create_cache(self._settings.cache)
                    self._own_folder = Path(tempfile.mkdtemp(dir=process_folder(parent)))
                except OSError as error:
                    raise explain_write_failure(error, parent, remedy=CHOOSE_ANOTHER_CACHE) from error
            return self._own_folder

    def _new_worker(self) -> Worker:
        log = self._settings.logs / "fetching.log"
        return Worker(_ACTOR, log=log, kind=WorkerKind.FETCH)

    def _fetch(self, address: str, path: Path) -> None:
        """Write what is at an address into a new file.

        Raises:
            UndecodableAudio: As `copy`.
            OSError: The file cannot be written.
        """
        answer = self._call(address, "fetch", str(path), self._max_bytes)
        if isinstance(answer, Crashed):  # it may have had another cause than the address
            path.unlink(missing_ok=True)
            answer = self._call(address, "fetch", str(path), self._max_bytes)
        self._value(address, answer)

    def _call(self, address: str, method: str, *arguments: object) -> Answer:
        """Let a worker read an address, unless its host has failed too often."""
        host = _host(address)
        with self._workers.worker() as worker:
            if self._failures[host] >= _FAILURES_IN_A_ROW:
                raise UnreachableAudio(
                    f"{address} is not fetched, since the last {_FAILURES_IN_A_ROW} from {host} could not be read."
                )
            timeout_s = self._settings.fetch_timeout_s
            answer = worker.call(method, address, *arguments, timeout_s, timeout_s=timeout_s + _GRACE_S)
            if not isinstance(answer, Returned) or (answer.value or {}).get("problem") == Problem.SLOW:
                worker.close()
        return answer

    def _value(self, address: str, answer: Answer) -> Any:
        """What a worker returned, if that is no failure.

        Raises:
            UndecodableAudio: As `copy`.
            OSError: The file cannot be written.
        """
        if isinstance(answer, Crashed) and answer.is_from_outside:
            raise UnreachableAudio(f"{address} cannot be read: {LOST_READER}: {answer.reason}.")
        if not isinstance(answer, Returned):
            raise UnreachableAudio(f"{address} cannot be read: {answer.reason}.")
        failure = answer.value if answer.value and "problem" in answer.value else None
        problem, host = None if failure is None else Problem(failure["problem"]), _host(address)
        with self._lock:
            self._failures[host] = self._failures[host] + 1 if problem in _OF_THE_HOST else 0
        if failure is None:
            return answer.value
        reason = failure["reason"]
        if problem is Problem.FILE:
            raise OSError(int(reason), "")
        if problem is Problem.MISSING:
            raise UndecodableAudio(f"There is nothing at {address}.")
        kind = UndecodableAudio if problem is Problem.REFUSED else UnreachableAudio
        raise kind(f"{address} {reason}.")


def _host(address: str) -> str:
    return "".join(match.groups()) if (match := _HOST.match(address)) else address


def _judge(address: str) -> None:
    protocol = address.partition("://")[0].lower()
    if "::" in address:
        refused = "chains of file systems (`::`)"
    elif protocol not in PROTOCOLS:
        refused = f"`{protocol}://`"
    else:
        return
    raise UndecodableAudio(
        f"{address} is not opened: bench opens no {refused}, only {', '.join(sorted(PROTOCOLS))} and paths; "
        "copy the recording to one of these."
    )
