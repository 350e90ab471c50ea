"""Databases of audEERING's audb as corpora, kept in the cache by version."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

from benchmark.corpora.audb_repositories import Database, explained, fetch_media, latest_version, open_repository
from benchmark.corpora.audb_tables import TEXT_COLUMN, flatten
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioAddress
from benchmark.corpora.clips import Clip, CorpusContents
from benchmark.corpora.datasets import Spool, folder_name, stored_revisions, with_audio
from benchmark.corpora.rows import find_columns, read_rows
from benchmark.corpora.streaming import SpooledRow
from benchmark.errors import RequestError, UnavailableError
from benchmark.progress import Progress
from benchmark.results.cache_entries import EntryKey
from benchmark.results.storage import prepare_cache

_INSTALL = 'Corpora of audb need the extra `audb`: `pip install "ser-bench[audb]"`.'
_FORM = "audb:NAME, audb:NAME@VERSION or audb:NAME@VERSION:TABLE"
_SPEC = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(@(?P<version>\w[\w.+-]*))?(:(?P<table>[\w.-]+))?", re.ASCII)
_FILE = "file"


@dataclass(frozen=True)
class DatabaseSpec:
    """A database of audb.

    Attributes:
        version: None for the newest.
        table: The table whose rows are the clips; None for the one with emotions.
    """

    name: str
    version: str | None = None
    table: str | None = None


def parse_database(location: str) -> DatabaseSpec:
    """Parse what follows `audb:`.

    Raises:
        RequestError: It names no database.

    Examples:
        >>> parse_database("emodb@1.4.1:emotion")
        DatabaseSpec(name='emodb', version='1.4.1', table='emotion')
    """
    match = _SPEC.fullmatch(location)
    if match is None:
        raise RequestError(f"'audb:{location}' names no database; write {_FORM}.")
    return DatabaseSpec(match["name"], match["version"], match["table"])


def read_database(
    spec: DatabaseSpec, *, columns: Mapping[str, str], reader: AudioReader, progress: Progress, in_part: bool = False
) -> CorpusContents:
    """Read a database: the rows of its table of emotions, with what other tables say of speakers and the like.

    Rows and encoded audio are kept in the cache, by version: a second run needs no network where the version is named.

    Args:
        columns: Role (`label`, `speaker`, …) → the column that has it.
        reader: With the cache, and its limit of sizes.
        progress: Gets a stage while the database is fetched.
        in_part: The audio of a part of the clips is wanted: what is returned has none yet, and `complete` fetches it.

    Raises:
        RequestError: The extra is missing, or there is no such database, version, table or column.
        UnavailableError: The repositories cannot be reached and the database is not in the cache, or the disk is full.
    """
    if find_spec("audb") is None:
        raise RequestError(_INSTALL)
    fetcher = _DatabaseFetcher(spec, columns.get("label"), reader, progress)
    spool, notes = fetcher.spool()
    rows = spool.read().rows
    if not rows:
        raise RequestError(f"The database {spec.name} has no rows in this table.")
    present = [_FILE, *dict.fromkeys(name for row in rows for name in row.values)]
    # The column of labels was chosen when the rows were read, and is called by its role there.
    chosen = {role: name for role, name in columns.items() if role != "label"}
    if TEXT_COLUMN in present:
        chosen.setdefault("text_id", TEXT_COLUMN)
    empty = dict.fromkeys(present, "")
    contents = read_rows(
        f"audb:{spec.name}",
        find_columns(f"The database {spec.name}", present, {**chosen, "file": _FILE}),
        [{**empty, **row.values, _FILE: row.name} for row in rows],
        AudioAddress,
    )
    source = f"audb:{spec.name}@{fetcher.version}" + (f":{spec.table}" if spec.table else "")
    contents = replace(contents, notes=notes + contents.notes, source=source)
    if in_part:
        return replace(contents, complete=fetcher.fetch_audio)
    return replace(contents, clips=fetcher.fetch_audio(contents.clips))


class _DatabaseFetcher:
    """Fetches the rows of a database into the cache, and then the audio of clips.

    Attributes:
        version: What is read, once `spool` has returned.
    """

    def __init__(self, spec: DatabaseSpec, label: str | None, reader: AudioReader, progress: Progress) -> None:
        self._spec, self._label, self._reader, self._progress = spec, label, reader, progress
        self._folder = reader.settings.cache / "corpora" / folder_name(f"audb~{spec.name}")
        self.version = ""

    def spool(self) -> tuple[Spool, tuple[str, ...]]:
        """The rows in the cache, with notes for the user; fetches them if they are missing."""
        name = folder_name("~".join(["rows", self._spec.table or "", self._label or ""]))
        self.version, notes = self._pin_version(name)
        spool = self._spool(name)
        if not spool.is_complete:
            prepare_cache(self._reader.settings)
            with explained(self._spec.name), open_repository(self._spec.name, self.version) as repository:
                flat = flatten(Database.fetch(repository), self._spec.name, self._spec.table, self._label)
            spool.write(_FILE, flat.rows, self._reader, sequence=self._sequence(name), notes=flat.notes)
        return spool, (*notes, *spool.read().notes)

    def fetch_audio(self, clips: Sequence[Clip]) -> tuple[Clip, ...]:
        """Fetch the recordings of these clips.

        Raises:
            RequestError: The database is not what it says it is.
            UnavailableError: It cannot be fetched now, or the disk is full.
        """
        files = sorted({str(clip.audio.location) for clip in clips if isinstance(clip.audio, AudioAddress)})
        name = folder_name("~".join(["audio", f"{self._reader.max_clip_mb:g}", *files]))
        spool = self._spool(name)
        if not spool.is_complete:
            prepare_cache(self._reader.settings)
            with (
                explained(self._spec.name),
                open_repository(self._spec.name, self.version) as repository,
                self._progress.stage(f"Fetching {self._spec.name}", total=len(files), unit="clips") as stage,
            ):

                def counted() -> Iterator[SpooledRow]:
                    for row in fetch_media(repository, files, self._reader):
                        yield row
                        stage.advance()

                spool.write(_FILE, counted(), self._reader, sequence=self._sequence(name))
        places = {row.name: spool.locate(row) for row in spool.read().rows}
        return tuple(with_audio(clip, places) for clip in clips)

    def _pin_version(self, name: str) -> tuple[str, tuple[str, ...]]:
        if self._spec.version is not None:
            return self._spec.version, ()
        try:
            with explained(self._spec.name):
                return latest_version(self._spec.name), ()
        except UnavailableError as error:
            stored = stored_revisions(self._folder, [name])
            if not stored:
                raise
            newest = max(stored, key=lambda version: stored[version])
            return newest, (f"The database {self._spec.name} is the copy of version {newest} in the cache: {error}",)

    def _sequence(self, name: str) -> int:
        return max(stored_revisions(self._folder, [name]).values(), default=0) + 1

    def _spool(self, name: str) -> Spool:
        key = EntryKey(revision=self.version, details={"dataset": f"audb:{self._spec.name}", "split": name})
        return Spool(self._folder / self.version / name, key)
