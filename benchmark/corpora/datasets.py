"""A dataset of the Hub or in a folder as a corpus: fetched once, pinned to its revision, then read from the cache."""

import hashlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioAddress, AudioFile, UnusableAudio
from benchmark.corpora.clips import Clip, CorpusContents
from benchmark.corpora.fetching import UnreachableAudio
from benchmark.corpora.folder import AUDIO_SUFFIXES
from benchmark.corpora.rows import find_columns, read_rows
from benchmark.corpora.streaming import DatasetFile, DatasetSpec, RowGroup, SplitRows, SpooledRow
from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.repository_facts import NO_STATEMENT, HubFailure
from benchmark.options.shared import MAX_CLIP_MB
from benchmark.progress import Progress, Stage
from benchmark.results.cache_entries import CacheKind, EntryFolder, EntryKey
from benchmark.results.checksums import DamagedError, write_manifest
from benchmark.results.files import explain_write_failure
from benchmark.results.status import Status
from benchmark.results.storage import prepare_cache
from benchmark.settings import Settings

logger = logging.getLogger(__name__)
_REVISION_DIGITS = 40
_UNSAFE = re.compile(r"[^\w.-]+")
_INDEX = "rows.jsonl"
# What is added to the name of a split whose rows are kept without audio; no column of audio is called so.
_ROWS = "~rows"
_SCHEMA_VERSION = 1
_REMEDY = "choose another folder with BENCH_CACHE"


@dataclass(frozen=True)
class Spool:
    """A split of a dataset in a folder of its own.

    Attributes:
        folder: Complete, or not there at all.
        key: The revision, the dataset and the split.
    """

    folder: Path
    key: EntryKey = field(default_factory=EntryKey)

    @property
    def is_complete(self) -> bool:
        """Whether all of the split is there, as it was written; reads all of it."""
        return self._entry.manifest() is not None

    @property
    def sequence(self) -> int | None:
        """The number that is larger in revisions that were fetched later; None if the split is not there."""
        if not self.folder.is_dir():
            return None
        try:
            sidecar = self._entry.read_sidecar(self.folder.name)
        except (FileNotFoundError, DamagedError):
            return None
        return None if sidecar is None else sidecar.sequence

    @property
    def _entry(self) -> EntryFolder:
        folder, name = self.folder.parent, self.folder.name
        return EntryFolder(
            cache=folder, kind=CacheKind.DATASETS, key=self.key, content_schema=_SCHEMA_VERSION, name=name
        )

    def write(
        self,
        audio_column: str,
        rows: Iterable[SpooledRow],
        reader: AudioReader,
        *,
        sequence: int = 1,
        groups: Sequence[RowGroup] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """Keep all rows, with encoded audio, or nothing where reading them fails.

        Args:
            sequence: Larger than those of other revisions.
            groups: Where the audio of the rows is, if they are kept without it.
            notes: Sentences for the user on how they were read.

        Raises:
            UnreachableAudio: A file cannot be fetched now, and the cache must not say that it is missing.
            UnavailableError: The disk is full, or the folder cannot be written.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=self.folder.parent))
        except OSError as error:
            raise explain_write_failure(error, self.folder.parent, remedy=_REMEDY) from error
        try:
            with (unfinished / _INDEX).open("w", encoding="utf-8") as index:
                places = [vars(group) for group in groups]
                heading = {"audio_column": audio_column, "groups": places, "notes": list(notes)}
                index.write(json.dumps(heading) + "\n")
                for number, row in enumerate(rows):
                    index.write(json.dumps(vars(_with_file(row, unfinished / f"{number:08}", reader))) + "\n")
            write_manifest(unfinished)
            self._entry.describe(sequence=sequence)
            shutil.rmtree(self.folder, ignore_errors=True)
            unfinished.rename(self.folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def read(self) -> SplitRows:
        """All rows, with the names of the files that hold their audio, if it is here."""
        first, *lines = (self.folder / _INDEX).read_text(encoding="utf-8").split("\n")
        heading = json.loads(first)
        return SplitRows(
            audio_column=str(heading["audio_column"]),
            groups=tuple(RowGroup(**group) for group in heading.get("groups", ())),
            rows=tuple(SpooledRow(**json.loads(line)) for line in lines if line),
            notes=tuple(heading.get("notes", ())),
        )

    def locate(self, row: SpooledRow) -> AudioFile | UnusableAudio:
        """The audio of one of its rows."""
        if row.audio is None:
            return UnusableAudio(row.failure or "The dataset has no audio here.")
        return AudioFile(self.folder / str(row.audio))


def _with_file(row: SpooledRow, path: Path, reader: AudioReader) -> SpooledRow:
    """Put the audio of a row into a file."""
    if row.audio is None:
        return row
    try:
        if isinstance(row.audio, DatasetFile):
            reader.fetcher.copy(row.audio.address, path)
        elif isinstance(row.audio, bytes):
            reader.check_size(len(row.audio))
            path.write_bytes(row.audio)
    except UnreachableAudio:
        raise
    except UndecodableAudio as error:
        return replace(row, audio=None, failure=error.reason)
    except OSError as error:
        raise explain_write_failure(error, path, remedy=_REMEDY) from error
    return replace(row, audio=path.name)


def read_dataset(
    spec: DatasetSpec, *, columns: Mapping[str, str], reader: AudioReader, progress: Progress, in_part: bool = False
) -> CorpusContents:
    """Read one split of a dataset.

    The encoded audio is kept in the cache, by revision and split: a second run needs no network, and asks the Hub only
    whether the dataset has changed.

    Args:
        columns: Role (`file`, `label`, `speaker`, …) → the column that has it.
        reader: Fetches the files.
        progress: Gets a stage while the dataset is fetched.
        in_part: The audio of a part of the clips is wanted: where the split is stored in Parquet files on the Hub, what
            is returned has none yet, and its `complete` fetches it.

    Raises:
        RequestError: There is no such dataset, split or column.
        UnavailableError: The Hub cannot be reached and the dataset is not in the cache, or the disk is full.
    """
    fetcher = _SplitFetcher(spec, columns.get("file"), reader, progress, in_part=in_part)
    spool, notes = fetcher.spool()
    split = spool.read()
    if not split.rows:
        raise RequestError(f"The dataset {spec.id} has no rows in this split.")
    present = [split.audio_column, *dict.fromkeys(name for row in split.rows for name in row.values)]
    rows, empty = {row.name: row for row in split.rows}, dict.fromkeys(present, "")
    contents = read_rows(
        f"hf:{spec.id}",
        find_columns(f"The dataset {spec.id}", present, {**columns, "file": split.audio_column}),
        [{**empty, **row.values, split.audio_column: row.name} for row in split.rows],
        AudioAddress if split.groups else lambda name: spool.locate(rows[name]),
    )
    part = "/".join(part for part in (spec.config, spec.split) if part)
    source = f"hf:{spec.id}" + (f"@{fetcher.revision}" if spec.folder is None else "") + (f":{part}" if part else "")
    complete = partial(fetcher.fetch_audio, split) if split.groups else None
    return replace(contents, notes=notes + contents.notes, source=source, complete=complete)


class _SplitFetcher:
    """Fetches a split into the cache: all of it, or its rows without audio and then the audio of some of them.

    Attributes:
        revision: What is read, once `spool` has returned.
    """

    def __init__(
        self, spec: DatasetSpec, audio_column: str | None, reader: AudioReader, progress: Progress, *, in_part: bool
    ) -> None:
        self._spec, self._audio_column, self._reader, self._progress = spec, audio_column, reader, progress
        self._in_part = in_part and spec.folder is None
        self._folder = reader.settings.cache / "corpora" / folder_name(spec.id)
        self._parts = [spec.config or "default", spec.split or "only", audio_column or "audio"]
        if reader.max_clip_mb != MAX_CLIP_MB:  # what is too large for one limit may not be for another
            self._parts.append(f"{reader.max_clip_mb:g}")
        self.revision = ""

    def spool(self) -> tuple[Spool, tuple[str, ...]]:
        """The split in the cache, with notes for the user; fetches what is missing."""
        names = [self._name(), *([self._name(_ROWS)] if self._in_part else ())]
        self.revision, notes = _pin_revision(self._spec, self._reader, self._folder, names)
        spools = [self._spool(name) for name in names]
        if (complete := next((spool for spool in spools if spool.is_complete), None)) is not None:
            return complete, notes
        prepare_cache(self._reader.settings)
        sequence = max(stored_revisions(self._folder, [self._name(), self._name(_ROWS)]).values(), default=0) + 1
        if self._in_part and self._fetch_rows(spools[-1], sequence):
            return spools[-1], notes
        self._fetch_all(spools[0], sequence)
        return spools[0], notes

    def fetch_audio(self, split: SplitRows, clips: Sequence[Clip]) -> tuple[Clip, ...]:
        """Fetch the groups of rows that hold the audio of these clips.

        Raises:
            RequestError: The dataset is not what it says it is.
            UnavailableError: It cannot be fetched now, or the disk is full.
        """
        wanted = {str(clip.audio.location) for clip in clips if isinstance(clip.audio, AudioAddress)}
        places, sequence = dict[str, AudioFile | UnusableAudio](), self._spool(self._name(_ROWS)).sequence or 1
        rows = iter(split.rows)
        with self._stage() as stage:
            for group in split.groups:
                own = list(islice(rows, group.rows))
                if wanted.isdisjoint(row.name for row in own):
                    continue
                spool = self._spool(self._name(f"{group.address}#{group.number}"))
                if not spool.is_complete:
                    with _explained(self._spec):
                        spool.write(
                            split.audio_column, self._audio_of(split, group, own), self._reader, sequence=sequence
                        )
                places |= {row.name: spool.locate(row) for row in spool.read().rows}
                stage.advance(len(own))
        return tuple(with_audio(clip, places) for clip in clips)

    def _audio_of(self, split: SplitRows, group: RowGroup, rows: Sequence[SpooledRow]) -> Iterator[SpooledRow]:
        from benchmark.corpora.streaming import read_audio  # noqa: PLC0415

        contents = read_audio(self._spec, self.revision, split.audio_column, group)
        for row, (audio, failure) in zip(rows, contents, strict=True):
            yield replace(row, audio=audio, failure=failure, values={})

    def _fetch_rows(self, spool: Spool, sequence: int) -> bool:
        """Fetch the rows without their audio; False where that is not possible."""
        from benchmark.corpora.streaming import read_without_audio, without_torch  # noqa: PLC0415

        with _explained(self._spec), without_torch(), self._stage() as stage:
            split = read_without_audio(self._spec, self.revision, self._audio_column)
            if split is None:
                return False
            spool.write(split.audio_column, split.rows, self._reader, sequence=sequence, groups=split.groups)
            stage.advance(len(split.rows))
        return True

    def _fetch_all(self, spool: Spool, sequence: int) -> None:
        from benchmark.corpora.streaming import stream_split, without_torch  # noqa: PLC0415

        with _explained(self._spec), without_torch(), self._stage() as stage:
            column, rows = stream_split(self._spec, self.revision, self._audio_column)

            def counted() -> Iterator[SpooledRow]:
                for row in rows:
                    yield row
                    stage.advance()

            spool.write(column, counted(), self._reader, sequence=sequence)

    def _stage(self) -> AbstractContextManager[Stage]:
        return self._progress.stage(f"Fetching {self._spec.name}", total=None, unit="clips")

    def _name(self, *more: str) -> str:
        return folder_name("~".join([*self._parts, *more]))

    def _spool(self, name: str) -> Spool:
        key = EntryKey(revision=self.revision, details={"dataset": self._spec.id, "split": name})
        return Spool(self._folder / self.revision / name, key)


def with_audio(clip: Clip, places: Mapping[str, AudioFile | UnusableAudio]) -> Clip:
    """The clip with its audio in the cache, where it had the name by which it is there."""
    if not isinstance(clip.audio, AudioAddress):
        return clip
    place = places[str(clip.audio.location)]
    return replace(clip, audio=clip.audio.fetched(place.path) if isinstance(place, AudioFile) else place)


def _pin_revision(
    spec: DatasetSpec, reader: AudioReader, folder: Path, names: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The revision to read, and notes: that of the Hub, or where it cannot be reached the newest in the cache."""
    if spec.folder is not None:
        return folder_hash(spec.folder, max_clip_mb=reader.max_clip_mb), ()
    revision = _sha(spec, reader.settings)
    if not isinstance(revision, HubFailure):
        return revision, ()
    reason = revision.reason.removesuffix(f"; {NO_STATEMENT}")
    if revision.status is not Status.UNREACHABLE:
        raise RequestError(f"The dataset {spec.id} cannot be read: {reason}.")
    stored = stored_revisions(folder, names)
    if spec.revision is not None:
        stored = {name: sequence for name, sequence in stored.items() if name == spec.revision}
    if not stored:
        raise UnavailableError(f"The dataset {spec.id} is not in the cache, and {reason}.")
    newest = max(stored, key=lambda name: stored[name])
    return newest, (f"The dataset {spec.id} is the copy of revision {newest} in the cache: {reason}.",)


def stored_revisions(folder: Path, names: Sequence[str]) -> dict[str, int]:
    """The revisions of a split in the cache, under one of these names, with their sequence numbers."""
    spools = [(path, Spool(path / name).sequence) for path in folder.glob("*") if path.is_dir() for name in names]
    return {path.name: sequence for path, sequence in spools if sequence is not None}


def _sha(spec: DatasetSpec, settings: Settings) -> str | HubFailure:
    # Its import takes half a second, which other corpora need not wait for.
    from huggingface_hub import HfApi  # noqa: PLC0415

    from benchmark.hub.retries import HubCalls  # noqa: PLC0415

    what = f"the dataset {spec.id}" + (f" at {spec.revision}" if spec.revision else "")
    info = HubCalls(settings.hub_timeout_s).call(
        lambda left: HfApi().dataset_info(spec.id, revision=spec.revision, timeout=left), what=what
    )
    return info if isinstance(info, HubFailure) else str(info.sha)


def folder_hash(folder: Path, *, max_clip_mb: float = MAX_CLIP_MB) -> str:
    """Hash the names and contents of all files of a folder: 40 hexadecimal digits, as many as a commit sha has.

    Of recordings that are too large to be read, the size stands for the content.

    Raises:
        RequestError: There is no such folder, or a file of it cannot be read.
    """
    if not folder.is_dir():
        raise RequestError(f"There is no folder {folder}: check the path after `hf:`.")
    content = hashlib.sha256()
    try:
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts):
            size = path.stat().st_size
            if size > max_clip_mb * 1e6 and path.suffix.lower() in AUDIO_SUFFIXES:
                digest = str(size)
            else:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            content.update(f"{path.relative_to(folder).as_posix()}\0{digest}\n".encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise RequestError(f"{error.filename} cannot be read ({error.strerror}): check its permissions.") from error
    return content.hexdigest()[:_REVISION_DIGITS]


@contextmanager
def _explained(spec: DatasetSpec) -> Iterator[None]:
    """Say in one sentence why a dataset cannot be fetched."""
    import httpx2  # noqa: PLC0415 - with the libraries below
    import pyarrow as pa  # noqa: PLC0415
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    try:
        yield
    except (httpx2.HTTPError, TimeoutError, ConnectionError, UndecodableAudio) as error:
        raise UnavailableError(f"The dataset {spec.id} could not be fetched: {_one_line(error)}.") from error
    except (DatasetsError, pa.ArrowException, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        logger.info("the datasets library cannot read %s", spec.id, exc_info=True)
        raise RequestError(
            f"The dataset {spec.id} cannot be read by the datasets library: {_one_line(error)}."
        ) from error


def folder_name(text: str) -> str:
    """A name for a folder, which no two texts share."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_UNSAFE.sub('_', text).strip('._')[-60:]}-{digest}"


def _one_line(error: BaseException) -> str:
    return (" ".join(str(error).split())[:300] or type(error).__name__).rstrip(".")
