"""What came from a dataset, kept as it came: encoded audio in files, and beside them what the dataset says of each."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.results.entries import CacheKind, EntryKey, describe_folder, is_intact
from benchmark.results.files import explain_write_failure
from benchmark.results.storage import LocalStorage

_INDEX = "rows.jsonl"
_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class SpooledRow:
    """One row of a dataset.

    Attributes:
        name: What the dataset calls the clip.
        audio: The encoded audio, or the name of the file that holds it; None where there is none.
        failure: Why there is none.
        values: Column → text, empty where there is nothing.
    """

    name: str
    audio: bytes | str | None
    failure: str | None
    values: dict[str, str]


@dataclass(frozen=True)
class Spool:
    """A split of a dataset in a folder of its own.

    Attributes:
        folder: Where it lies; whole, or not there at all.
        key: What it holds: the revision, the dataset and the split.
    """

    folder: Path
    key: EntryKey = field(default_factory=EntryKey)

    @property
    def is_whole(self) -> bool:
        """Whether all of the split is there."""
        return is_intact(LocalStorage(self.folder.parent), self.folder.name, _INDEX)

    def write(self, audio_column: str, rows: Iterable[SpooledRow]) -> None:
        """Keep all rows, or nothing where they do not come to their end.

        Args:
            audio_column: The dataset's column that held the audio.
            rows: With encoded audio.

        Raises:
            UnavailableError: The disk is full, or the folder cannot be written.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=self.folder.parent))
        except OSError as error:
            raise explain_write_failure(
                error, self.folder.parent, remedy="choose another folder with BENCH_CACHE"
            ) from error
        try:
            with (unfinished / _INDEX).open("w", encoding="utf-8") as index:
                index.write(json.dumps({"audio_column": audio_column}) + "\n")
                for number, row in enumerate(rows):
                    file = _keep(row.audio, unfinished / f"{number:08}")
                    content = {"name": row.name, "audio": file, "failure": row.failure, "values": row.values}
                    index.write(json.dumps(content) + "\n")
                index.flush()
                os.fsync(index.fileno())
            describe_folder(
                LocalStorage(self.folder.parent),
                self.folder.name,
                kind=CacheKind.DATASETS,
                key=self.key,
                content_schema=_SCHEMA_VERSION,
                manifest=(unfinished / _INDEX).read_bytes(),
            )
            shutil.rmtree(self.folder, ignore_errors=True)
            unfinished.rename(self.folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def audio_column(self) -> str:
        """The dataset's column that held the audio."""
        with (self.folder / _INDEX).open(encoding="utf-8") as index:
            return str(json.loads(index.readline())["audio_column"])

    def rows(self) -> list[SpooledRow]:
        """All rows, with the names of the files that hold the audio."""
        lines = (self.folder / _INDEX).read_text(encoding="utf-8").split("\n")[1:]
        return [SpooledRow(**json.loads(line)) for line in lines if line]


def _keep(audio: bytes | str | None, path: Path) -> str | None:
    if not isinstance(audio, bytes):
        return audio
    try:
        path.write_bytes(audio)
    except OSError as error:
        raise explain_write_failure(error, path, remedy="choose another folder with BENCH_CACHE") from error
    return path.name
