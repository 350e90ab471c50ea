"""A store that several caches share: the parts of one that the others lack.

The cache stays what all code reads and writes. `SharedStore.fetch` copies parts from the store into the cache, and
`push` copies parts that were written there into the store. A part lies under the same name in both, with its sidecar,
and is checked before it is copied in either direction. Nothing is changed in a store: a part whose content a later one
holds, which its sidecar tells (`Sidecar.replaces`), is deleted after that one has been written.
"""

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmark.errors import BenchError, UnavailableError
from benchmark.results.cache_entries import SIDECAR_SUFFIX, CacheKind, Sidecar, sequence_of
from benchmark.results.checksums import DamagedError, read_regular, require_sha256
from benchmark.results.files import write_atomically
from benchmark.results.storage import Storage

logger = logging.getLogger(__name__)
MARK = "bench-store.json"
"""An object that `SharedStore.mark` writes into every store."""
CHOOSE_ANOTHER_STORE = "choose another one with --store"

_MARK_CONTENT = b'{"schema_version":1}'
_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_NUMBER = r"\d{8,}-[01][0-9a-f]{8}"
_SHARED = {
    CacheKind.PREDICTIONS: rf"{_NAME}/{_NAME}/predictions/{_NAME}/part-{_NUMBER}\.parquet",
    CacheKind.VERIFICATIONS: rf"{_NAME}/{_NAME}/verification-{_NAME}-{_NUMBER}\.json",
    CacheKind.CONVERTED: rf"{_NAME}/{_NAME}/converted/{_NAME}-{_NUMBER}\.parity\.json",
    CacheKind.SPEECH: rf"speech/part-{_NUMBER}\.json",
    CacheKind.RUNS: r"runs/\d{8}T\d{6}\.\d{6}Z-\d{4,}\.json",
    CacheKind.SHARDS: rf"shards/{_NAME}/part-{_NUMBER}\.json",
}
"""The names of the parts that are shared, by kind; a store may be hostile, and no other name is taken from it."""
_PATTERNS = {kind: re.compile(pattern, re.ASCII) for kind, pattern in _SHARED.items()}
_MOST_AT_ONCE = 64
_MOST_BYTES_AT_ONCE = 64_000_000
_MOST_LISTINGS = 4


class Objects(Protocol):
    """Objects by name below an address; every method raises UnavailableError or RequestError where that fails.

    Attributes:
        address: For messages.
    """

    @property
    def address(self) -> str:
        """The address, as the user wrote it."""

    def list(self, folders: Sequence[str]) -> Mapping[str, int]:
        """The names below some folders, with their sizes in bytes."""

    def read(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Read objects; those that are missing are left out."""

    def create(self, contents: Mapping[str, bytes]) -> Collection[str]:
        """Write objects whole or not at all, and return the names under which something else lies, which stays."""

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; one that is missing is no error."""


@dataclass(frozen=True)
class FolderObjects:
    """Objects that are files of a folder, which may be on a network file system."""

    root: Path

    @property
    def address(self) -> str:
        """The folder."""
        return str(self.root)

    def list(self, folders: Sequence[str]) -> Mapping[str, int]:
        """The names below some folders, with their sizes in bytes.

        Raises:
            UnavailableError: The folder is gone.
        """
        if not self.root.is_dir():
            raise UnavailableError(f"The store {self.root} is gone: is its file system still mounted?")
        storage = Storage(self.root)
        return {stored.name: stored.size for folder in folders for stored in storage.list(f"{folder}/")}

    def read(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Read files; those that are missing are left out.

        Raises:
            UnavailableError: One cannot be read.
        """
        contents = {}
        for name in names:
            try:
                contents[name] = read_regular(self.root / name)
            except FileNotFoundError:
                continue
            except (DamagedError, OSError) as error:
                raise UnavailableError(f"{self.root / name} cannot be read: {error}.") from error
        return contents

    def create(self, contents: Mapping[str, bytes]) -> Collection[str]:
        """Write files, and return the names under which something else lies.

        Raises:
            RequestError: The folder cannot be written.
            UnavailableError: The disk is full.
        """
        present = self.read(list(contents))
        for name in contents.keys() - present.keys():
            if not self.root.is_dir():
                raise UnavailableError(f"The store {self.root} is gone: is its file system still mounted?")
            write_atomically(self.root / name, contents[name], remedy=CHOOSE_ANOTHER_STORE)
        return {name for name, content in present.items() if content != contents[name]}

    def delete(self, names: Sequence[str]) -> None:
        """Delete files, and the folders that are empty then.

        Raises:
            UnavailableError: One cannot be deleted.
        """
        for name in names:
            Storage(self.root).delete(name)


@dataclass(eq=False)
class SharedStore:
    """A store and the cache that takes part in it; for several threads.

    Args:
        objects: What the store holds.
        cache: The folder of the cache.
        warn: Receives a sentence about what is damaged.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from benchmark.results.cache_entries import EntryKey, EntryParts
        >>> def shares(cache):
        ...     return EntryParts(cache=cache, kind=CacheKind.SPEECH, key=EntryKey(), content_schema=1,
        ...         prefix="speech/part", suffix=".json")
        >>> with TemporaryDirectory() as folder:
        ...     store, first, second = (Path(folder, name) for name in ("store", "first", "second"))
        ...     store.mkdir()
        ...     shares(first).add(b"{}")
        ...     for cache in (first, second):
        ...         shared = SharedStore(FolderObjects(store), cache, print)
        ...         shared.fetch(["speech"], {CacheKind.SPEECH})
        ...         shared.push()
        ...     shares(second).latest()
        b'{}'
    """

    objects: Objects
    cache: Path
    warn: Callable[[str], None]
    _scopes: list[tuple[tuple[str, ...], frozenset[CacheKind]]] = field(default_factory=list)
    _present: set[str] = field(default_factory=set)
    _unusable: set[str] = field(default_factory=set)
    _replaced_by: dict[str, frozenset[str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def mark(self) -> None:
        """Prove that the store can be written, by an object that tells what the others are.

        Raises:
            RequestError: The store is not there, or is not allowed to be written.
            UnavailableError: It cannot be reached.
        """
        self.objects.create({MARK: _MARK_CONTENT})

    def fetch(self, folders: Iterable[str], kinds: Collection[CacheKind]) -> None:
        """Copy the parts below some folders that the cache lacks; `push` then copies what is written there.

        A damaged part is reported, and not copied. What a later part holds as well is not copied, and deleted from the
        cache.

        Raises:
            RequestError: A newer version of bench wrote a part, or the cache cannot be written.
            UnavailableError: The store cannot be read, or the disk is full.
        """
        scope = (tuple(folders), frozenset(kinds))
        with self._lock:
            self._scopes.append(scope)
            for _ in range(_MOST_LISTINGS):  # again, where a part was replaced by another between listing and reading
                if not self._fetch(*scope):
                    return

    def newest(self, folder: str) -> int:
        """The largest sequence number of the parts of a folder; 0 without any.

        Raises:
            UnavailableError: The store cannot be read.
        """
        return max(map(sequence_of, self.objects.list([folder])), default=0)

    def push(self, *names: str) -> None:
        """Copy what was written below the folders that were fetched, or some parts, into the store.

        What is there already is not copied again, so that a push that failed can be repeated.

        Raises:
            RequestError: The store cannot be written.
            UnavailableError: It cannot be reached.
        """
        with self._lock:
            if names:
                self._push(names)
            else:
                self._push(sorted({name for scope in self._scopes for name in self._local(*scope)}))

    def _fetch(self, folders: Sequence[str], kinds: Collection[CacheKind]) -> bool:
        """Copy what the cache lacks; returns whether a part was gone when it was read."""
        sizes = self.objects.list(folders)
        found = {name for name in sizes if _kind_of(name) in kinds and name + SIDECAR_SUFFIX in sizes}
        self._present |= found
        local = self._local(folders, kinds)
        wanted = sorted(found - set(local) - self._unusable)
        described = self._read_sidecars(wanted)
        replaced = self._replaced(local).union(*(_replaces(name, own) for name, (own, _) in described.items()))
        chosen = {name: sizes[name] for name in described if name not in replaced}
        is_gone = len(described) < len([name for name in wanted if name not in self._unusable])
        for batch in _batches(chosen):
            contents = self.objects.read(batch)
            is_gone = is_gone or len(contents) < len(batch)
            for name, content in contents.items():
                sidecar, raw = described[name]
                try:
                    require_sha256(content, sidecar.sha256)
                except DamagedError as error:
                    self._refuse(name, error)
                    continue
                storage = Storage(self.cache)
                storage.write(name + SIDECAR_SUFFIX, raw)
                storage.write(name, content)
                for older in _replaces(name, sidecar).intersection(local):
                    storage.delete(older)
                    storage.delete(older + SIDECAR_SUFFIX)
        return is_gone

    def _read_sidecars(self, names: Sequence[str]) -> dict[str, tuple[Sidecar, bytes]]:
        """The sidecars of parts in the store, as far as they are intact and of this version of bench."""
        described = {}
        for batch in _batches(dict.fromkeys(names, 0)):
            contents = self.objects.read([name + SIDECAR_SUFFIX for name in batch])
            for name in batch:
                if (raw := contents.get(name + SIDECAR_SUFFIX)) is None:
                    continue
                try:
                    sidecar = Sidecar.parse(raw, f"{self.objects.address}/{name}")
                    if sidecar is not None and sidecar.kind is not _kind_of(name):
                        raise DamagedError(f"its {SIDECAR_SUFFIX} file describes something else")
                except DamagedError as error:
                    self._refuse(name, error)
                    continue
                if sidecar is None:
                    self._unusable.add(name)
                else:
                    described[name] = (sidecar, raw)
        return described

    def _refuse(self, name: str, problem: object) -> None:
        self._unusable.add(name)
        self.warn(f"{self.objects.address}/{name} is damaged: {problem}. It is not used; delete it there.")

    def _push(self, names: Sequence[str]) -> None:
        replaced = self._replaced(names)
        storage = Storage(self.cache)
        new = {name: 0 for name in names if name not in self._present and name not in replaced}
        for name in new:
            with contextlib.suppress(OSError):  # merged meanwhile
                new[name] = (self.cache / name).stat().st_size
        for batch in _batches(new):
            sidecars, contents = {}, {}
            for name in batch:
                # A part that was merged meanwhile is in a later one; a damaged one is set aside by whoever reads it.
                with contextlib.suppress(FileNotFoundError, DamagedError):
                    raw, content = storage.read(name + SIDECAR_SUFFIX), storage.read(name)
                    if (sidecar := Sidecar.parse(raw, storage.location(name))) is not None:
                        require_sha256(content, sidecar.sha256)
                        sidecars[name], contents[name] = raw, content
            others = self.objects.create({name + SIDECAR_SUFFIX: raw for name, raw in sidecars.items()})
            own = {name: content for name, content in contents.items() if name + SIDECAR_SUFFIX not in others}
            others = {*others, *self.objects.create(own)}
            self._present |= contents.keys()
            for name in others:
                self.warn(f"{self.objects.address}/{name} holds something else than the cache does; both stay.")
        self._delete_replaced(names)

    def _delete_replaced(self, names: Sequence[str]) -> None:
        """Delete what later parts of the cache hold, once these are in the store."""
        obsolete = sorted(self._replaced([name for name in names if name in self._present]) & self._present)
        self._present.difference_update(obsolete)
        try:
            if obsolete:  # the part first: a sidecar alone is no part
                self.objects.delete(obsolete)
                self.objects.delete([name + SIDECAR_SUFFIX for name in obsolete])
        except BenchError as error:  # a store may forbid it, and nobody needs it
            logger.info("%s", error)

    def _local(self, folders: Iterable[str], kinds: Collection[CacheKind]) -> list[str]:
        """The parts of the cache below some folders."""
        storage = Storage(self.cache)
        names = {stored.name for folder in folders for stored in storage.list(f"{folder}/")}
        return sorted(name for name in names if _kind_of(name) in kinds and name + SIDECAR_SUFFIX in names)

    def _replaced(self, names: Iterable[str]) -> set[str]:
        """What some parts of the cache hold of others."""
        storage, replaced = Storage(self.cache), set[str]()
        for name in names:
            if name not in self._replaced_by:
                sidecar = None
                with contextlib.suppress(FileNotFoundError, DamagedError):
                    sidecar = Sidecar.parse(storage.read(name + SIDECAR_SUFFIX), storage.location(name))
                self._replaced_by[name] = frozenset() if sidecar is None else _replaces(name, sidecar)
            replaced |= self._replaced_by[name]
        return replaced


def _kind_of(name: str) -> CacheKind | None:
    """The kind of a part by its name; None for what is not shared.

    Examples:
        >>> _kind_of("speech/part-00000012-1c0ffee00.json"), _kind_of("../speech/part-00000012-1c0ffee00.json")
        (<CacheKind.SPEECH: 'speech'>, None)
    """
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(name)), None)


def _replaces(name: str, sidecar: Sidecar) -> frozenset[str]:
    folder = name.rpartition("/")[0]
    return frozenset(f"{folder}/{replaced}" for replaced in sidecar.replaces or ()) - {name}


def _batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Divide names so that no part is much larger than a few of them need to be, by their sizes in bytes."""
    batch: list[str] = []
    size = 0
    for name, own in sizes.items():
        if batch and (len(batch) == _MOST_AT_ONCE or size + own > _MOST_BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += own
    if batch:
        yield batch
