"""The store of predictions: immutable Parquet parts per setup, merged at the end of a run.

A part is written to a temporary name, synced and renamed, so that a run that is killed leaves whole parts or nothing.
"""

import json
import logging
import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmark.results.files import CHOOSE_ANOTHER_CACHE, write_atomically
from benchmark.results.predictions import (
    ARROW_SCHEMA,
    PREDICTIONS_SCHEMA_VERSION,
    InferenceSetup,
    Prediction,
    PredictionTable,
    arrow_table,
    latest_answers,
)
from benchmark.results.schema import require_known_version
from benchmark.results.storage import candidate_folder

logger = logging.getLogger(__name__)

_SETUP_FIELD = b"bench.setup"
_VERSION_FIELD = b"bench.schema_version"


class PredictionStore:
    """What models said to clips, kept by what produced it.

    Args:
        cache: The folder that everything is kept in.

    Examples:
        >>> import tempfile
        >>> import numpy as np
        >>> store = PredictionStore(Path(tempfile.mkdtemp()))
        >>> setup = InferenceSetup(candidate="org/model", revision="abc", labels=("sad", "happy"), head="standard",
        ...     backend="torch", device="cpu", dtype="float32", window_s=30.0, versions={})
        >>> logits = np.array([0.5, -0.5], dtype=np.float32)
        >>> store.add(setup, [Prediction(clip_hash="c1", logits=logits, windows=1, failure=None, seconds=0.1)])
        >>> store.read(setup)["c1"].logits
        array([ 0.5, -0.5], dtype=float32)
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._unreadable: set[Path] = set()
        # Arrow's own allocator keeps what it has had, for each of its threads: 50 MB after 20,000 clips.
        pa.set_memory_pool(pa.system_memory_pool())

    def read(self, setup: InferenceSetup) -> PredictionTable:
        """Read all predictions made with `setup`, by clip hash.

        Raises:
            RequestError: A newer version of bench wrote them.
        """
        return PredictionTable.from_arrow(self._stored(setup), len(setup.labels))

    def add(self, setup: InferenceSetup, predictions: Iterable[Prediction]) -> None:
        """Keep `predictions` as one new part; nothing is written where there are none.

        Raises:
            UnavailableError: The disk is full or the folder cannot be written.
        """
        table = arrow_table(list(predictions))
        if len(table):
            self._write(setup, table)

    def compact(self, setup: InferenceSetup) -> None:
        """Merge the parts of `setup` into one; a reader that comes in between meets a clip twice, never not at all."""
        parts = self._parts(setup)
        if len(parts) <= 1:
            return
        merged = self._read(setup, parts)
        if len(merged):
            # Behind the newest of them, before what another process has added since.
            self._write(setup, merged, written_ns=_written_ns(parts[-1]) + 1)
        for part in parts:
            part.unlink(missing_ok=True)

    def _stored(self, setup: InferenceSetup) -> pa.Table:
        """Read all parts; once more where another process has merged some of them meanwhile."""
        while True:
            parts = self._parts(setup)
            table = self._read(setup, parts)
            if all(map(os.path.lexists, parts)):
                return table

    def _read(self, setup: InferenceSetup, paths: Iterable[Path]) -> pa.Table:
        parts = {path: _read_part(path, len(setup.labels)) for path in paths}
        for path, part in parts.items():
            if isinstance(part, str) and path not in self._unreadable and os.path.lexists(path):
                self._unreadable.add(path)  # read for the scores and for the export, told once
                logger.warning("%s is left out, as if its clips had not been answered: %s", path, part)
        whole = [part for part in parts.values() if isinstance(part, pa.Table)]
        return latest_answers(pa.concat_tables(whole)) if whole else ARROW_SCHEMA.empty_table()

    def _write(self, setup: InferenceSetup, table: pa.Table, *, written_ns: int | None = None) -> None:
        metadata = {_SETUP_FIELD: setup.model_dump_json(), _VERSION_FIELD: json.dumps(PREDICTIONS_SCHEMA_VERSION)}
        sink = pa.BufferOutputStream()
        # Hashes, logits and times don't repeat; to look whether they do takes time and memory.
        pq.write_table(table.replace_schema_metadata(metadata), sink, use_dictionary=["windows", "failure"])
        # Names sort by time: where a clip was answered again, the later answer counts.
        written_ns = time.time_ns() if written_ns is None else written_ns
        path = self._folder(setup) / f"part-{written_ns:020d}-{uuid.uuid4().hex[:8]}.parquet"
        write_atomically(path, sink.getvalue().to_pybytes(), remedy=CHOOSE_ANOTHER_CACHE)

    def _folder(self, setup: InferenceSetup) -> Path:
        return candidate_folder(self._cache, setup.candidate, setup.revision) / "predictions" / setup.key

    def _parts(self, setup: InferenceSetup) -> list[Path]:
        return sorted(self._folder(setup).glob("part-*.parquet"))


def _written_ns(part: Path) -> int:
    """When a part was written, by its name."""
    digits = part.name.removeprefix("part-").partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _read_part(path: Path, labels: int) -> pa.Table | str | None:
    """Read one part; None where an earlier version of bench wrote it; why not, where it is none that can be read."""
    try:
        # `read_table` would import Arrow's data sets: 50 MB, and 14 ms for each part.
        with pq.ParquetFile(path) as file:
            table = file.read()
        version = json.loads((table.schema.metadata or {}).get(_VERSION_FIELD, b"0"))
        require_known_version(version, PREDICTIONS_SCHEMA_VERSION, path)
        if version != PREDICTIONS_SCHEMA_VERSION:
            return None
        plain = table.cast(ARROW_SCHEMA)
    except (FileNotFoundError, ValueError, pa.ArrowException) as error:
        return str(error).replace(f"Could not open Parquet input source '{path}': ", "")
    if not pc.all(pc.equal(pc.list_value_length(plain.column("logits")), labels), min_count=0).as_py():
        return f"its logits are not those of {labels} labels"
    return plain
