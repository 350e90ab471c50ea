"""Cache entries: immutable parts, each with a sidecar that says what produced it and what its content must be.

A sidecar is written before its part and deleted after it, so that everything without one was not made by bench. Parts
are named by a sequence number and a random suffix: writers that choose the same number do not overwrite each other,
and no file is ever changed. No clock decides what is newer.

What is not as it was written is set aside under a name that ends in `.damaged`, with a warning, and counts as missing.
"""

import contextlib
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import JsonValue

from benchmark.results.checksums import DamagedError, read_manifest, require_sha256, seal, unseal
from benchmark.results.schema import Stored, StoredFile, require_known_version
from benchmark.results.storage import Storage

logger = logging.getLogger(__name__)
SIDECAR_SUFFIX = ".meta"
_MERGED, _ADDED = "0", "1"  # within a sequence number, what was merged comes before what was added meanwhile
_OLD_CACHE = "holds results of an earlier version of bench, which are not used any more"
_SEQUENCE = re.compile(r"-(\d+)(-[01][0-9a-f]{8})?\.[a-z.]+$")
_warned: set[str] = set()
Document = TypeVar("Document", bound=StoredFile)


class CacheKind(StrEnum):
    """What a part of the cache is for."""

    PREDICTIONS = "predictions"
    VERIFICATIONS = "verifications"
    TUNINGS = "tunings"
    CONVERTED = "converted"
    FEATURES = "features"
    DATASETS = "datasets"
    FETCHED = "fetched"
    SPEECH = "speech"
    RUNS = "runs"
    SHARDS = "shards"
    LOGS = "logs"
    LEFTOVERS = "leftovers"


class EntryKey(Stored):
    """What produced an entry.

    Attributes:
        candidate: The Hub id or local path; None if the entry belongs to no candidate.
        versions: Versions of the libraries that computed it; with others it would not be used.
        details: Everything else that determines the content.
    """

    candidate: str | None = None
    revision: str | None = None
    device: str | None = None
    backend: str | None = None
    dtype: str | None = None
    versions: dict[str, str] = {}
    details: dict[str, JsonValue] = {}


class Sidecar(StoredFile):
    """The description of one part or folder; it is sealed.

    Attributes:
        sequence: Of entries between which the newest counts, the largest.
        sha256: None for a folder, whose manifest has the checksums, as is `size`.
        replaces: The parts of the same folder whose content this one holds or outranks, so that they are not needed.
    """

    schema_version: int = 2
    kind: CacheKind
    key: EntryKey
    content_schema: int
    sequence: int = 0
    sha256: str | None = None
    size: int | None = None
    clips: int | None = None
    replaces: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, content: bytes, source: Path | str) -> Self | None:
        """Validate a sidecar; None if an earlier version of bench wrote it.

        Raises:
            DamagedError: It is not what was written.
            RequestError: A newer version of bench wrote it.
        """
        try:
            document = unseal(content)
        except DamagedError as error:
            raise DamagedError(f"its {SIDECAR_SUFFIX} file is not what was written (SHA-256)") from error
        return super().parse(document, source)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a cache keeps as a whole; `content_schema` is the version of the content that is written and read."""

    cache: Path
    kind: CacheKind
    key: EntryKey
    content_schema: int

    @cached_property
    def storage(self) -> Storage:
        """The files of the cache."""
        return Storage(self.cache)

    def write_sidecar(self, name: str, **fields: Any) -> None:
        """Describe a part or a folder, before it is written.

        Args:
            name: Of the part or folder.
            fields: `sequence`, `sha256`, `size`, `clips` and `replaces`, as far as they apply.

        Raises:
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        sidecar = Sidecar(kind=self.kind, key=self.key, content_schema=self.content_schema, **fields)
        self.storage.write(name + SIDECAR_SUFFIX, seal(sidecar.model_dump_json(exclude_none=True).encode()))

    def read_sidecar(self, name: str) -> Sidecar | None:
        """Read the description of a part or folder; None if an earlier version of bench wrote one of both.

        Raises:
            FileNotFoundError: There is none.
            DamagedError: It is not what was written.
            RequestError: A newer version of bench wrote it.
        """
        location = self.storage.location(name)
        sidecar = Sidecar.parse(self.storage.read(name + SIDECAR_SUFFIX), location)
        if sidecar is None:
            return None
        require_known_version(sidecar.content_schema, self.content_schema, location)
        return sidecar if sidecar.content_schema == self.content_schema else None

    def set_aside(self, name: str, problem: object) -> None:
        """Rename a damaged part or folder and its sidecar, with a warning, so that it is missing from now on."""
        aside = self.storage.set_aside(name)
        self.storage.set_aside(name + SIDECAR_SUFFIX)
        result = "left out" if aside is None else f"set aside as {aside}"
        _warn_once(self.storage.location(name), f"is damaged: {problem}. It is {result}, and made again when needed")


@dataclass(frozen=True, kw_only=True)
class EntryParts(Entry):
    """All parts of one entry, with the beginning and the end of their names.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     entry = EntryParts(cache=Path(folder), kind=CacheKind.SPEECH, key=EntryKey(), content_schema=1,
        ...         prefix="speech/part", suffix=".json")
        ...     entry.add(b"first")
        ...     entry.replace(b"second")
        ...     [entry.read(name) for name in entry.names()], entry.latest()
        ([b'second'], b'second')
    """

    prefix: str
    suffix: str

    def names(self) -> tuple[str, ...]:
        """The names of all parts, the oldest first."""
        listed = self.storage.children(self.prefix)
        contents = [name for name in listed if name.endswith(self.suffix)]
        described = [name for name in contents if name + SIDECAR_SUFFIX in listed or self._has_sidecar(name)]
        if len(described) < len(contents):
            _warn_once(self.storage.location(""), _OLD_CACHE)
        return tuple(described)

    def read(self, name: str) -> bytes | None:
        """Read a part; None if an earlier version of bench wrote it.

        Raises:
            FileNotFoundError: It was deleted meanwhile, or has no sidecar.
            DamagedError: It is not what was written.
            RequestError: A newer version of bench wrote it.
        """
        sidecar = self.read_sidecar(name)
        content = self.storage.read(name)
        if sidecar is None:
            return None
        require_sha256(content, sidecar.sha256)
        return content

    def read_or_set_aside(self, name: str) -> bytes | None:
        """Read a part; None for a damaged one as well, which is set aside with a warning."""
        try:
            return self.read(name)
        except DamagedError as error:
            self.set_aside(name, error)
            return None

    def latest(self) -> bytes | None:
        """The content of the newest readable part; None if there is none.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        while True:
            try:
                for name in reversed(self.names()):
                    if (content := self.read_or_set_aside(name)) is not None:
                        return content
            except FileNotFoundError:  # replaced meanwhile
                continue
            return None

    def load(self, schema: type[Document]) -> Document | None:
        """The newest readable part as a document; None if there is none."""
        content = self.latest()
        return None if content is None else schema.parse(content, self.storage.location(self.prefix))

    def write(self, name: str, content: bytes, *, clips: int | None = None, replaces: Iterable[str] = ()) -> None:
        """Write a part under a new name, its sidecar first.

        Args:
            name: Of the part.
            content: Of the part.
            clips: How many clips it is about.
            replaces: Parts that are not needed any more. They are deleted by the caller, and by other caches that share
                a store with this one.

        Raises:
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        self.write_sidecar(
            name,
            sequence=sequence_of(name),
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            clips=clips,
            replaces=tuple(replaced.rpartition("/")[2] for replaced in replaces) or None,
        )
        self.storage.write(name, content)

    def add(self, content: bytes, *, clips: int | None = None, after: int = 0, replaces: Iterable[str] = ()) -> None:
        """Write a part that is newer than all others, and than the sequence number `after`."""
        sequence = max([after, *map(sequence_of, self.names())]) + 1
        self.write(self._name(sequence, _ADDED), content, clips=clips, replaces=replaces)

    def merge(self, names: Sequence[str], content: bytes, *, clips: int | None = None) -> None:
        """Replace several parts by one; what other processes add meanwhile stays newer than it."""
        name = self._name(sequence_of(names[-1]) if names else 1, _MERGED)
        self.write(name, content, clips=clips, replaces=self._readable(names))
        self.delete(names)

    def replace(self, content: bytes, *, after: int = 0) -> None:
        """Write a part and delete all older ones."""
        before = self.names()
        self.add(content, after=after, replaces=self._readable(before))
        self.delete(before)

    def save(self, document: StoredFile, *, after: int = 0) -> None:
        """Replace all parts by a document."""
        self.replace(document.model_dump_json(indent=1).encode(), after=after)

    def delete(self, names: Iterable[str]) -> None:
        """Delete parts, the oldest first, so that no older content ever outranks a newer one."""
        for name in names:
            self.storage.delete(name)
            self.storage.delete(name + SIDECAR_SUFFIX)

    def _readable(self, names: Iterable[str]) -> list[str]:
        """Those of some parts that this version of bench has written, and that were not set aside meanwhile."""
        readable = []
        for name in names:
            with contextlib.suppress(FileNotFoundError, DamagedError):
                if self.read_sidecar(name) is not None and os.path.lexists(self.storage.location(name)):
                    readable.append(name)
        return readable

    def _name(self, sequence: int, order: str) -> str:
        return f"{self.prefix}-{sequence:08d}-{order}{secrets.token_hex(4)}{self.suffix}"

    def _has_sidecar(self, name: str) -> bool:
        """Look again, as a listing may hold a part that was written during it, without its sidecar."""
        return os.path.lexists(self.storage.location(name + SIDECAR_SUFFIX))


@dataclass(frozen=True, kw_only=True)
class EntryFolder(Entry):
    """An entry that is a folder, with a manifest of what is in it."""

    name: str

    def describe(self, *, sequence: int = 0) -> None:
        """Write the sidecar, before the folder takes its name."""
        self.write_sidecar(self.name, sequence=sequence)

    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the folder, all of whose files are checked; None if there is none of this version of bench.

        A damaged folder counts as missing, and is set aside with a warning.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        try:
            manifest = read_manifest(Path(self.storage.location(self.name)))
            return None if self.read_sidecar(self.name) is None else manifest
        except FileNotFoundError:
            return None
        except DamagedError as error:
            self.set_aside(self.name, error)
            return None


def sequence_of(name: str) -> int:
    """The sequence number in the name of a part; 0 if it has none.

    Examples:
        >>> sequence_of("speech/part-00000012-1c0ffee00.json"), sequence_of("runs/20260301T090500.000000Z-0003.json")
        (12, 3)
    """
    match = _SEQUENCE.search(name)
    return int(match[1]) if match else 0


def _warn_once(location: str, problem: str) -> None:
    """Log one line per process about what is treated as missing."""
    if location not in _warned:
        _warned.add(location)
        logger.warning("%s %s.", location, problem)
