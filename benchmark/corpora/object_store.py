"""The objects of a shared store at an address such as `s3://bucket/prefix`, listed, read and written in a worker."""

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from benchmark.corpora.fetch_actor import Problem
from benchmark.corpora.remote import require_library
from benchmark.errors import RequestError, UnavailableError
from benchmark.settings import Settings
from benchmark.workers.answers import Returned
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker

STORE_PROTOCOLS = ("s3", "gs", "az", "abfs")
"""The kinds of addresses at which objects can be written, each once and whole."""

_ACTOR = "benchmark.corpora.object_store_actor:ObjectStoreActor"


class AddressObjects:
    """Objects below an address; for several threads, which take turns.

    Args:
        address: A bucket, with or without a prefix.
        settings: Of this process; `fetch_timeout_s` limits each call.

    Raises:
        RequestError: It is no address of a bucket, or a library is missing.
    """

    def __init__(self, address: str, settings: Settings) -> None:
        protocol, _, path = address.partition("://")
        bucket, *_ = path.split("/")
        # What is wrong with an address that holds a secret is said without it.
        if "?" in path or "#" in path or ":" in bucket:
            raise RequestError(
                f"The address of a {protocol} store holds more than a bucket and a prefix: write "
                f"{protocol}://BUCKET/PREFIX, and give credentials as the tools of the service read them."
            )
        if not bucket or ".." in path.split("/"):
            raise RequestError(f"{address} names no bucket: write {protocol}://BUCKET/PREFIX.")
        require_library(address)
        self._address, self._settings = address.rstrip("/"), settings
        self._worker: Worker | None = None
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """The address without a slash at its end."""
        return self._address

    def list(self, folders: Sequence[str]) -> Mapping[str, int]:
        """The names below some folders, with their sizes in bytes.

        Raises:
            RequestError: There is no such bucket.
            UnavailableError: It cannot be listed now.
        """
        return dict(self._call("list_objects", list(folders)))

    def read(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Read objects; those that are missing are left out.

        Raises:
            UnavailableError: One cannot be read now.
        """
        contents = zip(names, self._call("read_objects", list(names)), strict=True)
        return {name: content.tobytes() for name, content in contents if content is not None}

    def create(self, contents: Mapping[str, bytes]) -> Collection[str]:
        """Write objects, and return the names under which something else lies.

        Raises:
            RequestError: There is no such bucket.
            UnavailableError: One cannot be written now.
        """
        arrays = [np.frombuffer(content, np.uint8) for content in contents.values()]
        return set(self._call("create_objects", list(contents), arrays))

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; one that is missing is no error.

        Raises:
            UnavailableError: One cannot be deleted now.
        """
        self._call("delete_objects", list(names))

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            if self._worker is not None:
                self._worker.close()
                self._worker = None

    def _call(self, method: str, *arguments: object) -> Any:
        with self._lock:
            if self._worker is None:
                log = self._settings.logs / "store.log"
                self._worker = Worker(_ACTOR, log=log, kind=WorkerKind.FETCH)
            is_usable = False
            try:
                answer = self._worker.call(method, self._address, *arguments, timeout_s=self._settings.fetch_timeout_s)
                is_usable = isinstance(answer, Returned)
            finally:
                if not is_usable:
                    self._worker.close()
                    self._worker = None
        if not isinstance(answer, Returned):
            raise UnavailableError(f"The store {self._address} cannot be reached: {answer.reason}.")
        if (problem := answer.value["problem"]) is None:
            return answer.value["result"]
        if problem == Problem.MISSING:
            raise RequestError(f"There is no bucket for the store {self._address}: create it, or correct --store.")
        raise UnavailableError(f"The store {self._address} {answer.value['reason']}.")
