"""The store of predictions: immutable Parquet parts per setup, merged at the end of a run.

A part is written to a temporary name, synced and renamed, so that a run that is killed leaves whole parts or nothing.
"""

import json
import logging
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.results.files import write_atomically
from benchmark.results.layout import candidate_folder
from benchmark.results.predictions import PREDICTIONS_SCHEMA_VERSION, InferenceSetup, Prediction
from benchmark.results.schema import require_known_version

logger = logging.getLogger(__name__)

_SETUP_FIELD = b"bench.setup"
_VERSION_FIELD = b"bench.schema_version"
_SCHEMA = pa.schema(
    [
        pa.field("clip_hash", pa.string(), nullable=False),
        pa.field("logits", pa.list_(pa.float32())),
        pa.field("windows", pa.int32(), nullable=False),
        pa.field("failure", pa.string()),
        pa.field("seconds", pa.float64(), nullable=False),
    ]
)


class PredictionStore:
    """What models said to clips, kept by what produced it.

    Args:
        cache: The folder that everything is kept in.

    Examples:
        >>> import tempfile
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

    def read(self, setup: InferenceSetup) -> dict[str, Prediction]:
        """Read all predictions made with `setup`, by clip hash.

        Raises:
            RequestError: A newer version of bench wrote them.
        """
        predictions: dict[str, Prediction] = {}
        for part in self._parts(setup):
            for prediction in _read_part(part):
                predictions[prediction.clip_hash] = prediction
        return predictions

    def add(self, setup: InferenceSetup, predictions: Iterable[Prediction]) -> None:
        """Keep `predictions` as one new part; nothing is written where there are none.

        Raises:
            UnavailableError: The disk is full or the folder cannot be written.
        """
        rows = [
            {
                "clip_hash": prediction.clip_hash,
                "logits": None if prediction.logits is None else prediction.logits.tolist(),
                "windows": prediction.windows,
                "failure": prediction.failure,
                "seconds": prediction.seconds,
            }
            for prediction in predictions
        ]
        if not rows:
            return
        metadata = {_SETUP_FIELD: setup.model_dump_json(), _VERSION_FIELD: json.dumps(PREDICTIONS_SCHEMA_VERSION)}
        table = pa.Table.from_pylist(rows, schema=_SCHEMA.with_metadata(metadata))
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        # Names sort by time: where a clip was answered again, the later answer counts.
        path = self._folder(setup) / f"part-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet"
        write_atomically(path, sink.getvalue().to_pybytes())

    def compact(self, setup: InferenceSetup) -> None:
        """Merge the parts of `setup` into one; a reader that comes in between meets a clip twice, never not at all."""
        parts = self._parts(setup)
        if len(parts) <= 1:
            return
        merged = self.read(setup)
        self.add(setup, merged.values())
        for part in parts:
            part.unlink(missing_ok=True)

    def _folder(self, setup: InferenceSetup) -> Path:
        return candidate_folder(self._cache, setup.candidate, setup.revision) / "predictions" / setup.key

    def _parts(self, setup: InferenceSetup) -> list[Path]:
        return sorted(self._folder(setup).glob("part-*.parquet"))


def _read_part(path: Path) -> list[Prediction]:
    try:
        table = pq.read_table(path)
    except (FileNotFoundError, pa.ArrowException) as error:
        logger.warning("%s cannot be read and is left out: %s", path, error)
        return []
    version = json.loads((table.schema.metadata or {}).get(_VERSION_FIELD, b"0"))
    require_known_version(version, PREDICTIONS_SCHEMA_VERSION, path)
    if version != PREDICTIONS_SCHEMA_VERSION:
        return []
    return [
        Prediction(
            clip_hash=row["clip_hash"],
            logits=None if row["logits"] is None else np.asarray(row["logits"], dtype=np.float32),
            windows=row["windows"],
            failure=row["failure"],
            seconds=row["seconds"],
        )
        for row in table.to_pylist()
    ]
