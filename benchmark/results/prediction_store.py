"""The store of predictions: immutable Parquet parts per setup, merged at the end of a run."""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts
from benchmark.results.checksums import DamagedError
from benchmark.results.predictions import (
    ARROW_SCHEMA,
    PREDICTIONS_SCHEMA_VERSION,
    InferenceSetup,
    Prediction,
    PredictionTable,
    arrow_table,
    latest_answers,
)
from benchmark.results.storage import Storage, candidate_prefix


class PredictionStore:
    """Predictions of models for clips, stored in a cache by the setup that produced them.

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
        # Arrow's own allocator keeps what it has had, for each of its threads: 50 MB after 20,000 clips.
        pa.set_memory_pool(pa.system_memory_pool())

    def read(self, setup: InferenceSetup) -> PredictionTable:
        """Read all predictions made with `setup`, by clip hash; of several for a clip, the newest.

        Raises:
            RequestError: A newer version of bench wrote them.
        """
        parts = self._parts(setup)
        table = None
        while table is None:  # read again if another process has merged parts meanwhile
            table = self._table(parts, parts.names(), len(setup.labels))
        return PredictionTable.from_arrow(table, len(setup.labels))

    def add(self, setup: InferenceSetup, predictions: Iterable[Prediction]) -> None:
        """Store `predictions` as one new part; nothing is written if there are none.

        Raises:
            RequestError: The folder cannot be written.
            UnavailableError: The disk is full.
        """
        table = arrow_table(list(predictions))
        if len(table):
            self._parts(setup).add(_parquet(table), clips=len(table))

    def compact(self, setup: InferenceSetup) -> None:
        """Merge the parts of `setup` into one; a concurrent reader sees a prediction twice rather than not at all."""
        parts = self._parts(setup)
        names = parts.names()
        if len(names) <= 1:
            return
        merged = self._table(parts, names, len(setup.labels))
        if merged is None:  # another process is merging them
            return
        if len(merged):
            parts.merge(names, _parquet(merged), clips=len(merged))
        else:
            parts.delete(names)

    def setups(self, candidate: str, revision: str) -> tuple[InferenceSetup, ...]:
        """Everything that answers of one revision of a candidate were computed with."""
        folder = f"{candidate_prefix(candidate, revision)}/predictions/"
        found = []
        for name in Storage(self._cache).children(folder):
            parts = self._entry(EntryKey(), f"{name}/part")
            with contextlib.suppress(FileNotFoundError, DamagedError, ValueError):
                for part in parts.names()[:1]:
                    if (sidecar := parts.read_sidecar(part)) is not None:
                        found.append(InferenceSetup.model_validate(sidecar.key.details))
        return tuple(found)

    def copy(self, source: "PredictionStore", setup: InferenceSetup, *, first: str = "", last: str = "") -> None:
        """Copy answers from another store; they are newer than those that are there.

        Args:
            source: The other store.
            setup: What the answers were computed with.
            first: Of the hashes of the clips to copy, the first; empty for all.
            last: The last one.

        Raises:
            UnavailableError: The disk is full.
        """
        parts, table = source._parts(setup), None
        while table is None:
            table = source._table(parts, parts.names(), len(setup.labels))
        if first or last:
            hashes = table.column("clip_hash")
            table = table.filter(pc.and_(pc.greater_equal(hashes, first), pc.less_equal(hashes, last)))
        if len(table):
            self._parts(setup).add(_parquet(table), clips=len(table))
            self.compact(setup)

    def _parts(self, setup: InferenceSetup) -> EntryParts:
        folder = f"{candidate_prefix(setup.candidate, setup.revision)}/predictions/{setup.key}"
        return self._entry(setup.entry_key, f"{folder}/part")

    def _entry(self, key: EntryKey, prefix: str) -> EntryParts:
        return EntryParts(
            cache=self._cache,
            kind=CacheKind.PREDICTIONS,
            key=key,
            content_schema=PREDICTIONS_SCHEMA_VERSION,
            prefix=prefix,
            suffix=".parquet",
        )

    def _table(self, parts: EntryParts, names: Sequence[str], labels: int) -> pa.Table | None:
        """Read parts into one table; None if one of them was deleted meanwhile."""
        tables = []
        for name in names:
            try:
                content = parts.read_or_set_aside(name)
                if content is not None:
                    tables.append(_table_of(content, labels))
            except FileNotFoundError:
                return None
            except (ValueError, pa.ArrowException) as error:
                parts.set_aside(name, error)
        return latest_answers(pa.concat_tables(tables)) if tables else ARROW_SCHEMA.empty_table()


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    # Hashes, logits and times don't repeat; to look whether they do takes time and memory.
    pq.write_table(table, sink, use_dictionary=["windows", "failure"])
    return bytes(sink.getvalue().to_pybytes())


def _table_of(content: bytes, labels: int) -> pa.Table:
    """Decode a part.

    Raises:
        ValueError: Its columns or logits are not those of a setup with that many labels.
    """
    # `read_table` would import Arrow's data sets: 50 MB, and 14 ms for each part.
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        table = file.read().cast(ARROW_SCHEMA)
    if not pc.all(pc.equal(pc.list_value_length(table.column("logits")), labels), min_count=0).as_py():
        raise ValueError(f"its logits are not those of {labels} labels")
    return table
