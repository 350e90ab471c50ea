"""Cache entries: immutable parts, each with a sidecar that says what produced it and what its content must be.

A sidecar is written before its part and deleted after it, so that everything without one was not made by bench. Parts
are named by a sequence number and a random suffix: writers that choose the same number do not overwrite each other,
and no file is ever changed.
"""

import hashlib
import logging
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue

from benchmark.results.schema import Stored, StoredFile, require_known_version
from benchmark.results.storage import Storage

logger = logging.getLogger(__name__)
SIDECAR_SUFFIX = ".meta"
_MERGED, _ADDED = "0", "1"  # within a sequence number, what was merged comes before what was added meanwhile
_OLD_CACHE = "holds results of an earlier version of bench, which are not used any more"
_warned: set[str] = set()
Document = TypeVar("Document", bound=StoredFile)


class CacheKind(StrEnum):
    """What a part of the cache is for."""

    PREDICTIONS = "predictions"
    VERIFICATIONS = "verifications"
    CONVERTED = "converted"
    DATASETS = "datasets"
    SPEECH = "speech"
    RUNS = "runs"
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
    """The description of one part; of a folder, `sha256` is of its manifest and `size` is None."""

    kind: CacheKind
    key: EntryKey
    content_schema: int
    sha256: str | None = None
    size: int | None = None
    clips: int | None = None

    def describes(self, content: bytes) -> bool:
        """Whether `content` has the described checksum."""
        return hashlib.sha256(content).hexdigest() == self.sha256


class DamagedPartError(Exception):
    """The content of a part is not what its sidecar says."""


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

    def write_sidecar(
        self, name: str, *, sha256: str | None, size: int | None = None, clips: int | None = None
    ) -> None:
        """Describe a part or a folder, before it is written.

        Raises:
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        sidecar = Sidecar(
            kind=self.kind, key=self.key, content_schema=self.content_schema, sha256=sha256, size=size, clips=clips
        )
        self.storage.write(name + SIDECAR_SUFFIX, sidecar.model_dump_json(exclude_none=True).encode())


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
        listed = {stored.name for stored in self.storage.list(self.prefix)}
        contents = sorted(name for name in listed if name.endswith(self.suffix))
        described = [name for name in contents if name + SIDECAR_SUFFIX in listed or self._has_sidecar(name)]
        if len(described) < len(contents):
            _warn_once(self.storage.location(""), _OLD_CACHE)
        return tuple(described)

    def read(self, name: str) -> bytes | None:
        """Read a part; None if an earlier version of bench wrote it.

        Raises:
            FileNotFoundError: It was deleted meanwhile, or has no sidecar.
            DamagedPartError: The content is not what was written.
            RequestError: A newer version of bench wrote it.
        """
        location = self.storage.location(name)
        sidecar = Sidecar.parse(self.storage.read(name + SIDECAR_SUFFIX), location)
        content = self.storage.read(name)
        if sidecar is None:
            raise DamagedPartError(f"{name.rpartition('/')[2]}{SIDECAR_SUFFIX} beside it cannot be read")
        require_known_version(sidecar.content_schema, self.content_schema, location)
        if sidecar.content_schema != self.content_schema:
            return None
        if not sidecar.describes(content):
            raise DamagedPartError("its content is not what was written (SHA-256)")
        return content

    def read_or_warn(self, name: str) -> bytes | None:
        """Read a part; None for a damaged one as well, with a warning."""
        try:
            return self.read(name)
        except DamagedPartError as error:
            _warn_once(self.storage.location(name), f"is left out: {error}")
            return None

    def latest(self) -> bytes | None:
        """The content of the newest readable part; None if there is none.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        while True:
            try:
                for name in reversed(self.names()):
                    if (content := self.read_or_warn(name)) is not None:
                        return content
            except FileNotFoundError:  # replaced meanwhile
                continue
            return None

    def load(self, schema: type[Document]) -> Document | None:
        """The newest readable part as a document; None if there is none."""
        content = self.latest()
        return None if content is None else schema.parse(content, self.storage.location(self.prefix))

    def write(self, name: str, content: bytes, *, clips: int | None = None) -> None:
        """Write a part under a new name, its sidecar first.

        Raises:
            RequestError: The cache cannot be written.
            UnavailableError: The disk is full.
        """
        self.write_sidecar(name, sha256=hashlib.sha256(content).hexdigest(), size=len(content), clips=clips)
        self.storage.write(name, content)

    def add(self, content: bytes, *, clips: int | None = None) -> None:
        """Write a part that is newer than all others."""
        names = self.names()
        self.write(self._name(self._sequence(names[-1]) + 1 if names else 1, _ADDED), content, clips=clips)

    def merge(self, names: Sequence[str], content: bytes, *, clips: int | None = None) -> None:
        """Replace several parts by one; what other processes add meanwhile stays newer than it."""
        self.write(self._name(self._sequence(names[-1]) if names else 1, _MERGED), content, clips=clips)
        self.delete(names)

    def replace(self, content: bytes) -> None:
        """Write a part and delete all older ones."""
        before = self.names()
        self.add(content)
        self.delete(before)

    def save(self, document: StoredFile) -> None:
        """Replace all parts by a document."""
        self.replace(document.model_dump_json(indent=1).encode())

    def delete(self, names: Iterable[str]) -> None:
        """Delete parts, the oldest first, so that no older content ever outranks a newer one."""
        for name in names:
            self.storage.delete(name)
            self.storage.delete(name + SIDECAR_SUFFIX)

    def _name(self, sequence: int, order: str) -> str:
        return f"{self.prefix}-{sequence:08d}-{order}{secrets.token_hex(4)}{self.suffix}"

    def _sequence(self, name: str) -> int:
        digits = name.removeprefix(self.prefix + "-").partition("-")[0]
        return int(digits) if digits.isdecimal() else 0

    def _has_sidecar(self, name: str) -> bool:
        """Look again, as a listing may hold a part that was written during it, without its sidecar."""
        try:
            return bool(self.storage.read(name + SIDECAR_SUFFIX))
        except FileNotFoundError:
            return False


@dataclass(frozen=True, kw_only=True)
class EntryFolder(Entry):
    """An entry that is a folder, with a manifest of what is in it."""

    name: str

    def describe(self, manifest: bytes | None = None) -> None:
        """Write the sidecar, before the folder takes its name; without a manifest if the folder checks its files."""
        self.write_sidecar(self.name, sha256=None if manifest is None else hashlib.sha256(manifest).hexdigest())

    def is_intact(self, manifest: str) -> bool:
        """Whether the folder is there, with the manifest that was described.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        location = self.storage.location(self.name)
        try:
            content = self.storage.read(f"{self.name}/{manifest}")
        except FileNotFoundError:
            return False
        try:
            sidecar = Sidecar.parse(self.storage.read(self.name + SIDECAR_SUFFIX), location)
        except FileNotFoundError:
            _warn_once(self.storage.location(""), _OLD_CACHE)
            return False
        is_intact = sidecar is not None and sidecar.describes(content)
        if not is_intact:
            _warn_once(location, f"is left out: its {manifest} is not what was written (SHA-256)")
        return is_intact


def _warn_once(location: str, problem: str) -> None:
    """Log one line per process about what is treated as missing."""
    if location not in _warned:
        _warned.add(location)
        logger.warning("%s %s.", location, problem)
