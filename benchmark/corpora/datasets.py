"""A dataset of the Hub or in a folder as a corpus: fetched once, pinned to its revision, then read from the cache."""

import hashlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile, UnusableAudio
from benchmark.corpora.clips import CorpusContents
from benchmark.corpora.fetching import UnreachableAudio
from benchmark.corpora.folder import AUDIO_SUFFIXES
from benchmark.corpora.rows import find_columns, read_rows
from benchmark.corpora.streaming import DatasetFile, DatasetSpec, SpooledRow
from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.repository_facts import NO_STATEMENT, HubFailure
from benchmark.options.shared import MAX_CLIP_MB
from benchmark.progress import Progress
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

    def write(self, audio_column: str, rows: Iterable[SpooledRow], reader: AudioReader, *, sequence: int = 1) -> None:
        """Keep all rows, with encoded audio, or nothing where reading them fails.

        Args:
            sequence: Larger than those of other revisions.

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
                index.write(json.dumps({"audio_column": audio_column}) + "\n")
                for number, row in enumerate(rows):
                    index.write(json.dumps(vars(_with_file(row, unfinished / f"{number:08}", reader))) + "\n")
            write_manifest(unfinished)
            self._entry.describe(sequence=sequence)
            shutil.rmtree(self.folder, ignore_errors=True)
            unfinished.rename(self.folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def read(self) -> tuple[str, list[SpooledRow]]:
        """The column that held the audio, and all rows, with the names of the files that hold it now."""
        first, *lines = (self.folder / _INDEX).read_text(encoding="utf-8").split("\n")
        return str(json.loads(first)["audio_column"]), [SpooledRow(**json.loads(line)) for line in lines if line]


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
    spec: DatasetSpec, *, columns: Mapping[str, str], reader: AudioReader, progress: Progress
) -> CorpusContents:
    """Read one split of a dataset.

    The encoded audio is kept in the cache, by revision and split: a second run needs no network, and asks the Hub only
    whether the dataset has changed.

    Args:
        columns: Role (`file`, `label`, `speaker`, …) → the column that has it.
        reader: Fetches the files.
        progress: Gets a stage while the dataset is fetched.

    Raises:
        RequestError: There is no such dataset, split or column.
        UnavailableError: The Hub cannot be reached and the dataset is not in the cache, or the disk is full.
    """
    folder = reader.settings.cache / "corpora" / _folder_name(spec.id)
    parts = [spec.config or "default", spec.split or "only", columns.get("file") or "audio"]
    if reader.max_clip_mb != MAX_CLIP_MB:  # what is too large for one limit may not be for another
        parts.append(f"{reader.max_clip_mb:g}")
    split = _folder_name("~".join(parts))
    revision, notes = _pin_revision(spec, reader, folder, split)
    key = EntryKey(revision=revision, details={"dataset": spec.id, "split": split})
    spool = Spool(folder / revision / split, key)
    if not spool.is_complete:
        prepare_cache(reader.settings)
        sequence = max(_stored_revisions(folder, split).values(), default=0) + 1
        _fetch(spec, revision, columns.get("file"), spool, reader, sequence, progress)
    audio_column, rows = spool.read()
    if not rows:
        raise RequestError(f"The dataset {spec.id} has no rows in this split.")
    present = [audio_column, *dict.fromkeys(name for row in rows for name in row.values)]
    audio = {
        row.name: UnusableAudio(row.failure or "The dataset has no audio here.")
        if row.audio is None
        else AudioFile(spool.folder / str(row.audio))
        for row in rows
    }
    empty = dict.fromkeys(present, "")
    contents = read_rows(
        f"hf:{spec.id}",
        find_columns(f"The dataset {spec.id}", present, {**columns, "file": audio_column}),
        [{**empty, **row.values, audio_column: row.name} for row in rows],
        audio.__getitem__,
    )
    part = "/".join(part for part in (spec.config, spec.split) if part)
    source = f"hf:{spec.id}" + (f"@{revision}" if spec.folder is None else "") + (f":{part}" if part else "")
    return replace(contents, notes=notes + contents.notes, source=source)


def _pin_revision(spec: DatasetSpec, reader: AudioReader, folder: Path, split: str) -> tuple[str, tuple[str, ...]]:
    """The revision to read, and notes: that of the Hub, or where it cannot be reached the newest in the cache."""
    if spec.folder is not None:
        return folder_hash(spec.folder, max_clip_mb=reader.max_clip_mb), ()
    revision = _sha(spec, reader.settings)
    if not isinstance(revision, HubFailure):
        return revision, ()
    reason = revision.reason.removesuffix(f"; {NO_STATEMENT}")
    if revision.status is not Status.UNREACHABLE:
        raise RequestError(f"The dataset {spec.id} cannot be read: {reason}.")
    stored = _stored_revisions(folder, split)
    if spec.revision is not None:
        stored = {name: sequence for name, sequence in stored.items() if name == spec.revision}
    if not stored:
        raise UnavailableError(f"The dataset {spec.id} is not in the cache, and {reason}.")
    newest = max(stored, key=lambda name: stored[name])
    return newest, (f"The dataset {spec.id} is the copy of revision {newest} in the cache: {reason}.",)


def _stored_revisions(folder: Path, split: str) -> dict[str, int]:
    """The revisions of a split in the cache, with their sequence numbers."""
    return {
        path.name: sequence
        for path in folder.glob("*")
        if path.is_dir() and (sequence := Spool(path / split).sequence) is not None
    }


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


def _fetch(
    spec: DatasetSpec,
    revision: str,
    audio_column: str | None,
    spool: Spool,
    reader: AudioReader,
    sequence: int,
    progress: Progress,
) -> None:
    import httpx2  # noqa: PLC0415 - with the libraries below
    import pyarrow as pa  # noqa: PLC0415
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    from benchmark.corpora.streaming import stream_split, without_torch  # noqa: PLC0415

    try:
        with without_torch(), progress.stage(f"Fetching {spec.name}", total=None, unit="clips") as stage:
            column, rows = stream_split(spec, revision, audio_column)

            def counted() -> Iterator[SpooledRow]:
                for row in rows:
                    yield row
                    stage.advance()

            spool.write(column, counted(), reader, sequence=sequence)
    except (httpx2.HTTPError, TimeoutError, ConnectionError, UndecodableAudio) as error:
        raise UnavailableError(f"The dataset {spec.id} could not be fetched: {_one_line(error)}.") from error
    except (DatasetsError, pa.ArrowException, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        logger.info("the datasets library cannot read %s", spec.id, exc_info=True)
        raise RequestError(
            f"The dataset {spec.id} cannot be read by the datasets library: {_one_line(error)}."
        ) from error


def _folder_name(text: str) -> str:
    """A name for a folder, which no two texts share."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_UNSAFE.sub('_', text).strip('._')[-60:]}-{digest}"


def _one_line(error: BaseException) -> str:
    return (" ".join(str(error).split())[:300] or type(error).__name__).rstrip(".")
