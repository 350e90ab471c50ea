"""List and prune the cache, according to the sidecars of its entries.

Only files with a sidecar, logs of workers, fetched recordings and unfinished files are entries: other files in the
folder of BENCH_CACHE are never deleted. Links are never followed.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from benchmark.errors import RequestError
from benchmark.results.cache_entries import SIDECAR_SUFFIX, CacheKind, EntryKey, Sidecar
from benchmark.results.checksums import DamagedError
from benchmark.results.encoder_features import FEATURES_SCHEMA_VERSION
from benchmark.results.environment import installed_version
from benchmark.results.predictions import CONVERSION, CONVERSION_VERSION, PREDICTIONS_SCHEMA_VERSION
from benchmark.results.runs import RunRecord
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.shards import ShardRecord
from benchmark.results.storage import DAMAGED_SUFFIX, Storage, StoredObject
from benchmark.results.tuning import Tuning
from benchmark.settings import FETCHED_FOLDER, TEMPORARY_FOLDER
from benchmark.temporary import NAME as PROCESS_FOLDER

KIND_MEANINGS = {
    CacheKind.PREDICTIONS: "what models said to clips",
    CacheKind.VERIFICATIONS: "verdicts on candidates",
    CacheKind.TUNINGS: "temperatures, priors and thresholds of candidates, made by `bench tune`",
    CacheKind.CONVERTED: "models converted for a faster backend",
    CacheKind.DATASETS: "recordings of datasets of the Hub",
    CacheKind.FETCHED: "recordings fetched from addresses by a run that goes on, or was killed",
    CacheKind.FEATURES: "what encoders made of clips, for training",
    CacheKind.SPEECH: "how much of each clip is speech",
    CacheKind.RUNS: "records of runs, from which reports can be written again",
    CacheKind.SHARDS: "records of `bench run --shard`, which `bench merge` joins",
    CacheKind.LOGS: "what workers printed",
    CacheKind.LEFTOVERS: "unfinished files of runs that were killed, and what was damaged",
}
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{8,12}\.part(\.old)?|\.unfinished-.*")
_DAMAGED = re.compile(r".+\.[0-9a-f]{8}" + re.escape(DAMAGED_SUFFIX))
_LOG = re.compile(r"logs/[^/]+\.log")
_FETCHED = re.compile(rf"({FETCHED_FOLDER}/{PROCESS_FOLDER.pattern})/.+")
_SURELY_LEFT = timedelta(days=1)  # a file that is still being written is younger
_WITHOUT_SIDECARS = {CacheKind.LOGS, CacheKind.FETCHED}
_OF_SEVERAL_PARTS = {CacheKind.PREDICTIONS, CacheKind.FEATURES, CacheKind.SPEECH}
_OF_A_CANDIDATE = {
    CacheKind.PREDICTIONS,
    CacheKind.VERIFICATIONS,
    CacheKind.TUNINGS,
    CacheKind.CONVERTED,
    CacheKind.FEATURES,
}
_IN_ORDER_OF_REVISIONS = {CacheKind.VERIFICATIONS, CacheKind.DATASETS}
_KNOWN_SCHEMAS = {
    CacheKind.PREDICTIONS: PREDICTIONS_SCHEMA_VERSION,
    CacheKind.FEATURES: FEATURES_SCHEMA_VERSION,
    CacheKind.RUNS: RunRecord.known_version(),
    CacheKind.SHARDS: ShardRecord.known_version(),
    CacheKind.TUNINGS: Tuning.known_version(),
}
_AGE = re.compile(r"(\d+)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class CacheEntry(Stored):
    """What is kept, and deleted, as a whole.

    Attributes:
        path: Relative to the cache, with `/`.
        candidate: The Hub id or path of the candidate it belongs to; None if it belongs to none.
        clips: For predictions.
        modified: When any of it was last written, in UTC.
        stale: Why bench would not use it any more.
    """

    path: str
    kind: CacheKind
    candidate: str | None = None
    revision: str | None = None
    device: str | None = None
    backend: str | None = None
    dtype: str | None = None
    clips: int | None = None
    bytes: int
    modified: datetime
    stale: str | None = None

    @property
    def owner(self) -> str | None:
        """The folder of the candidate or dataset that the entry is a revision of; None if it has no revisions."""
        folders = self.path.split("/")
        if self.kind in _OF_A_CANDIDATE:
            return folders[0]
        return "/".join(folders[:2]) if self.kind is CacheKind.DATASETS else None


class CacheListing(StoredFile):
    """All entries of a cache, by kind, then by candidate and path.

    Attributes:
        unknown: Names at its top that bench did not make.
    """

    cache: str
    entries: tuple[CacheEntry, ...]
    unknown: tuple[str, ...] = ()
    unknown_bytes: int = 0


def parse_age(text: str) -> timedelta:
    """Read an age such as `30d`, `12h`, `2w` or `90m`.

    Raises:
        RequestError: It is no age.

    Examples:
        >>> parse_age("30d"), parse_age("90m")
        (datetime.timedelta(days=30), datetime.timedelta(seconds=5400))
    """
    match = _AGE.fullmatch(text.strip().casefold())
    if match is None:
        raise RequestError(f"{text!r} is no age: write a number and m, h, d or w, such as 30d for thirty days.")
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise RequestError(f"{text!r} is older than anything can be: write less, such as 30d.") from None


def list_cache(cache: Path) -> CacheListing:
    """List every entry of a cache, with the reason if bench would not use it any more.

    Of a candidate, the revision that was verified last and what the latest run verified are in use; of a dataset, the
    revision that was fetched last. Where no verdict is left, the revision that was written to last is.
    """
    groups, unknown = _scan(cache)
    kinds = list(CacheKind)
    entries = sorted(
        (group.entry() for group in groups.values()),
        key=lambda entry: (kinds.index(entry.kind), entry.candidate or "", entry.path),
    )
    order = {group.path: group.sequence for group in groups.values() if group.kind in _IN_ORDER_OF_REVISIONS}
    return CacheListing(
        cache=str(cache.absolute()),
        entries=_mark_other_revisions(entries, order, _verified_by_latest_run(groups.values())),
        unknown=tuple(sorted(unknown)),
        unknown_bytes=unknown.total(),
    )


def select_entries(
    entries: Iterable[CacheEntry],
    *,
    kinds: Collection[CacheKind] = (),
    candidates: Collection[str] = (),
    older_than: timedelta | None = None,
    stale: bool = False,
) -> tuple[CacheEntry, ...]:
    """The entries that meet all conditions.

    Args:
        entries: As from `list_cache`.
        kinds: Empty for all.
        candidates: Ids, folders or globs; empty for all.
        older_than: Only entries last written longer ago.
        stale: Only entries that bench would not use any more.
    """
    now = datetime.now(UTC)
    return tuple(
        entry
        for entry in entries
        if (not kinds or entry.kind in kinds)
        and (not candidates or any(_belongs(entry, name) for name in candidates))
        and (older_than is None or now - entry.modified > older_than)
        and (entry.stale is not None or not stale)
    )


def delete_entries(cache: Path, entries: Sequence[CacheEntry]) -> tuple[CacheEntry, ...]:
    """Delete entries, and the folders that are empty then; return the entries that are gone now.

    The cache is listed again: what has become a link, or lies behind one, stays. What is gone already is no failure.

    Raises:
        UnavailableError: The system refuses to delete one; those before it are gone.
    """
    storage = Storage(cache.resolve())
    groups, _ = _scan(cache)
    deleted = []
    for entry in entries:
        if not _lies_in(storage.root, storage.root / entry.path):
            continue
        objects = groups[entry.path].objects if entry.path in groups else []
        for stored in sorted(objects, key=lambda stored: stored.name.endswith(SIDECAR_SUFFIX)):
            storage.delete(stored.name)
        deleted.append(entry)
    return tuple(deleted)


def bytes_by_kind(entries: Sequence[CacheEntry]) -> dict[CacheKind, int]:
    """Sum up the sizes by kind, in the order of `CacheKind`; kinds without an entry are left out."""
    sums: Counter[CacheKind] = Counter()
    for entry in entries:
        sums[entry.kind] += entry.bytes
    return {kind: sums[kind] for kind in CacheKind if kind in sums}


@dataclass
class _Group:
    """The files of one entry, and the sidecars of its parts by the name of the part."""

    path: str
    kind: CacheKind
    objects: list[StoredObject] = field(default_factory=list)
    sidecars: dict[str, Sidecar] = field(default_factory=dict)

    @property
    def key(self) -> EntryKey:
        return next((sidecar.key for sidecar in self.sidecars.values()), EntryKey())

    @property
    def sequence(self) -> int:
        return max((sidecar.sequence for sidecar in self.sidecars.values()), default=0)

    def entry(self) -> CacheEntry:
        clips = [sidecar.clips for sidecar in self.sidecars.values() if sidecar.clips is not None]
        modified = datetime.fromtimestamp(max(stored.modified for stored in self.objects), UTC)
        return CacheEntry(
            path=self.path,
            kind=self.kind,
            **self.key.model_dump(include={"candidate", "revision", "device", "backend", "dtype"}),
            clips=sum(clips) if clips else None,
            bytes=sum(stored.size for stored in self.objects),
            modified=modified,
            stale=self._unreadable() or self._outdated(modified),
        )

    def _unreadable(self) -> str | None:
        sizes = {stored.name: stored.size for stored in self.objects}
        known_version = _KNOWN_SCHEMAS.get(self.kind)
        for name, sidecar in self.sidecars.items():
            is_known = known_version is None or sidecar.content_schema == known_version
            is_whole = sidecar.size is None or sizes[name] == sidecar.size
            if is_known and is_whole:
                continue
            if self.kind is CacheKind.RUNS:
                return "this version of bench cannot read it"
            if is_known:
                return "it cannot be read"
            age = "a newer" if sidecar.content_schema > (known_version or 0) else "an earlier"
            return f"{age} version of bench wrote it"
        return None

    def _outdated(self, modified: datetime) -> str | None:
        if _DAMAGED.fullmatch(PurePosixPath(self.path).name):
            return "it was damaged"
        if self.kind is CacheKind.LEFTOVERS and datetime.now(UTC) - modified > _SURELY_LEFT:
            return "what wrote it has ended long ago"
        for name, version in self.key.versions.items():
            installed = str(CONVERSION_VERSION) if name == CONVERSION else installed_version(name)
            if installed != version:
                return f"made with {name} {version}; now {installed or 'it is not installed'}"
        return None


def _scan(cache: Path) -> tuple[dict[str, _Group], Counter[str]]:
    """Group the files of a cache by path of their entry; count the bytes of all others by name at the top."""
    storage = Storage(cache.resolve())
    objects = storage.list()
    sidecars = _read_sidecars(storage, objects)
    groups: dict[str, _Group] = {}
    unknown = Counter({path.name: path.lstat().st_size for path in storage.root.glob("*") if path.is_symlink()})
    for stored in objects:
        part = _part_of(stored.name, sidecars)
        if (of_run := _FETCHED.fullmatch(stored.name)) is not None:
            part, kind, path = None, CacheKind.FETCHED, of_run[1]
        elif part is not None:
            kind = sidecars[part].kind
            path = part.rpartition("/")[0] if kind in _OF_SEVERAL_PARTS else part
        elif (unfinished := _unfinished(stored.name)) is not None:
            kind, path = CacheKind.LEFTOVERS, unfinished
        elif _LOG.fullmatch(stored.name):
            kind, path = CacheKind.LOGS, stored.name
        elif stored.name.startswith(f"{TEMPORARY_FOLDER}/"):  # it belongs to a process, and goes with it
            continue
        else:
            unknown[stored.name.partition("/")[0]] += stored.size
            continue
        group = groups.setdefault(path, _Group(path, kind))
        group.objects.append(stored)
        if part is not None and stored.name != part + SIDECAR_SUFFIX:
            group.sidecars[part] = sidecars[part]
    for group in groups.values():
        if group.kind not in _WITHOUT_SIDECARS and not group.sidecars:  # sidecars without a part
            group.kind = CacheKind.LEFTOVERS
    tops = {path.partition("/")[0] for path in groups}
    return groups, Counter({name: size for name, size in unknown.items() if name not in tops})


def _read_sidecars(storage: Storage, objects: Iterable[StoredObject]) -> dict[str, Sidecar]:
    """The sidecars that this version of bench can read, by the name of their part."""
    sidecars = {}
    for name in [stored.name for stored in objects if stored.name.endswith(SIDECAR_SUFFIX)]:
        with contextlib.suppress(OSError, RequestError, DamagedError):
            if (sidecar := Sidecar.parse(storage.read(name), name)) is not None:
                sidecars[name.removesuffix(SIDECAR_SUFFIX)] = sidecar
    return sidecars


def _part_of(name: str, sidecars: Mapping[str, Sidecar]) -> str | None:
    """The part that a file is, describes, or lies in."""
    names = (name, name.removesuffix(SIDECAR_SUFFIX), *(str(folder) for folder in PurePosixPath(name).parents))
    return next((candidate for candidate in names if candidate in sidecars), None)


def _unfinished(name: str) -> str | None:
    """The unfinished or damaged file or folder that a file is or lies in, if so."""
    paths = [*reversed(PurePosixPath(name).parents), PurePosixPath(name)]
    return next(
        (str(path) for path in paths if _UNFINISHED.fullmatch(path.name) or _DAMAGED.fullmatch(path.name)), None
    )


def _mark_other_revisions(
    entries: Sequence[CacheEntry], order: Mapping[str, int], verified: Collection[object]
) -> tuple[CacheEntry, ...]:
    newest: dict[str | None, str | None] = {}
    for entry in sorted(entries, key=lambda entry: (order.get(entry.path, 0), entry.modified), reverse=True):
        newest.setdefault(entry.owner, entry.revision)

    def is_replaced(entry: CacheEntry) -> bool:
        is_newest = entry.owner is None or entry.revision == newest[entry.owner]
        return not is_newest and entry.stale is None and f"{entry.candidate}@{entry.revision}" not in verified

    update = {"stale": "another revision is in use"}
    return tuple(entry.model_copy(update=update) if is_replaced(entry) else entry for entry in entries)


def _verified_by_latest_run(groups: Iterable[_Group]) -> Collection[object]:
    """What the latest run verified, as `id@revision`."""
    runs = [group for group in groups if group.kind is CacheKind.RUNS]
    verified = max(runs, key=lambda run: run.sequence).key.details.get("verified") if runs else None
    return verified if isinstance(verified, list) else ()


def _belongs(entry: CacheEntry, name: str) -> bool:
    # A log bears the name of its candidate's folder.
    folder = PurePosixPath(entry.path).stem if entry.kind is CacheKind.LOGS else entry.path.split("/")[0]
    owners = {folder.replace("__", "/", 1), entry.candidate or folder.replace("__", "/", 1)}
    return any(owner == name or fnmatchcase(owner, name) for owner in owners)


def _lies_in(root: Path, path: Path) -> bool:
    """Whether a path leads, without any link, to something below the root."""
    if ".." in path.parts or path == root or not path.is_relative_to(root):
        return False
    return not path.is_symlink() and path.parent.resolve() == path.parent
