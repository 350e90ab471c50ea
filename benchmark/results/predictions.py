"""Predictions: the model's output for each clip, the setup that determines it, and their columns in Arrow."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import JsonValue

from benchmark.results.cache_entries import EntryKey
from benchmark.results.schema import Stored

PREDICTIONS_SCHEMA_VERSION = 1
IMPORTED = "imported"
"""Head and backend of answers that a table gives."""
FOREIGN = "foreign"
"""Head and backend of answers that a program of the user's gives."""
ONNX = "onnx"
"""Head of a model that is an ONNX file only."""
ZERO_SHOT = "zero-shot"
"""Head of a model that compares audio with prompts."""
PHRASINGS = "phrasings"
"""How many prompts each emotion has, among the parameters of that head."""
CONVERSION = "conversion"
"""The name of bench's own conversion of models among the libraries of a setup."""
CONVERSION_VERSION = 4
"""Raised whenever the same checkpoint is converted or computed differently, so that nothing older is used."""
# Fields that came later: setups that leave them at their defaults keep the key that they had before.
_LATER = ("perturbation", "batch")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The output of one model for one clip.

    Attributes:
        clip_hash: Hash of the clip's decoded samples and their rate.
        logits: Shape (labels,), in `id2label` order; None if the model could not process the clip. For a clip of
            several windows: the logarithm of the probabilities averaged by duration, so that softmax gives those back.
        windows: How many windows the clip was cut into.
        seconds: Time from samples to logits.
    """

    clip_hash: str
    logits: NDArray[np.float32] | None
    windows: int
    failure: str | None
    seconds: float


class InferenceSetup(Stored):
    """Everything that determines the logits of a clip; predictions are keyed by it.

    Attributes:
        candidate: The Hub id or local path.
        revision: The commit sha, or the content hash of a local folder.
        labels: In `id2label` order.
        head_parameters: What the layout leaves open, such as the pooling.
        window_s: The longest stretch of audio that goes into the model at once.
        preprocessor: The registry's override of the feature extractor.
        perturbation: Applied to every clip before, such as `noise:20dB`.
    """

    candidate: str
    revision: str
    labels: tuple[str, ...]
    head: str
    head_parameters: dict[str, JsonValue] = {}
    backend: str
    device: str
    dtype: str
    batch: int = 1
    window_s: float
    preprocessor: dict[str, JsonValue] | None = None
    versions: dict[str, str]
    perturbation: str | None = None

    @property
    def key(self) -> str:
        """A hash of the setup, 16 hexadecimal digits."""
        absent = {name for name in _LATER if getattr(self, name) == type(self).model_fields[name].default}
        content = self.model_dump_json(exclude=absent) + str(PREDICTIONS_SCHEMA_VERSION)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def entry_key(self) -> EntryKey:
        """The setup as the key of a cache entry."""
        return EntryKey(
            candidate=self.candidate,
            revision=self.revision,
            device=self.device,
            backend=self.backend,
            dtype=self.dtype,
            versions=self.versions,
            details=self.model_dump(mode="json"),
        )


ABSENT = -1
"""The row of a clip without a stored prediction."""
ARROW_SCHEMA = pa.schema(
    [
        pa.field("clip_hash", pa.string(), nullable=False),
        pa.field("logits", pa.list_(pa.float32())),
        pa.field("windows", pa.int32(), nullable=False),
        pa.field("failure", pa.string()),
        pa.field("seconds", pa.float64(), nullable=False),
    ]
)
"""How predictions are stored; the columns of a part."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictionTable(Mapping[str, Prediction]):
    """The predictions of one setup, a row per clip; as a mapping, single predictions by clip hash.

    There is no object per clip, as a large corpus has millions. All arrays but `logits` have the shape (clips,).

    Attributes:
        clip_hashes: An Arrow array of texts, each once.
        logits: Shape (clips, labels); rows of clips that the model could not process are NaN.
        processed: Whether the model could process each clip.
        failures: An Arrow array of texts with nulls.

    Examples:
        >>> logits = np.array([0.5, -0.5], dtype=np.float32)
        >>> prediction = Prediction(clip_hash="c1", logits=logits, windows=1, failure=None, seconds=0.1)
        >>> table = PredictionTable.of_mapping({"c1": prediction}, labels=2)
        >>> table.logits, table.rows(pa.array(["c2", "c1"]))
        (array([[ 0.5, -0.5]], dtype=float32), array([-1,  0]))
        >>> table["c1"].seconds, len(table)
        (0.1, 1)
    """

    clip_hashes: pa.Array
    logits: NDArray[np.float32]
    processed: NDArray[np.bool_]
    windows: NDArray[np.int32]
    failures: pa.Array
    seconds: NDArray[np.float64]

    @classmethod
    def of_mapping(cls, predictions: Mapping[str, Prediction], labels: int) -> "PredictionTable":
        """Make a table of predictions by clip hash; a table is returned as it is."""
        if isinstance(predictions, cls):
            return predictions
        return cls.from_arrow(arrow_table(list(predictions.values())), labels)

    @classmethod
    def from_arrow(cls, table: pa.Table, labels: int) -> "PredictionTable":
        """Make a table of an Arrow table of `ARROW_SCHEMA`, every clip once, with `labels` logits where processed."""
        column = table.column("logits").combine_chunks()
        processed = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
        logits = np.full((len(table), labels), np.nan, dtype=np.float32)
        logits[processed] = np.asarray(column.flatten()).reshape(-1, labels)
        return cls(
            clip_hashes=table.column("clip_hash").combine_chunks(),
            logits=logits,
            processed=processed,
            windows=np.asarray(table.column("windows").to_numpy(), dtype=np.int32),
            failures=table.column("failure").combine_chunks(),
            seconds=np.asarray(table.column("seconds").to_numpy(), dtype=np.float64),
        )

    def rows(self, clip_hashes: pa.Array) -> NDArray[np.int64]:
        """The row of each clip of an Arrow array of hashes; `ABSENT` if it has no stored prediction."""
        rows = pc.index_in(clip_hashes, value_set=self.clip_hashes)
        return np.asarray(pc.fill_null(rows, ABSENT).to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def _row_by_clip(self) -> dict[str, int]:
        return {clip_hash: row for row, clip_hash in enumerate(self.clip_hashes.to_pylist())}

    def __getitem__(self, clip_hash: str) -> Prediction:
        row = self._row_by_clip[clip_hash]
        return Prediction(
            clip_hash=clip_hash,
            logits=self.logits[row].copy() if self.processed[row] else None,
            windows=int(self.windows[row]),
            failure=self.failures[row].as_py(),
            seconds=float(self.seconds[row]),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._row_by_clip)

    def __len__(self) -> int:
        return len(self.clip_hashes)


class RowFinder:
    """Finds the same clips in one table after the other; the tables of most models have their clips in one order.

    Args:
        clip_hashes: As of `PredictionTable.rows`.
    """

    def __init__(self, clip_hashes: pa.Array) -> None:
        self._wanted = clip_hashes
        self._last: tuple[pa.Array, NDArray[np.int64]] | None = None

    def rows(self, table: PredictionTable) -> NDArray[np.int64]:
        """The row of each clip; `ABSENT` if it has no stored prediction."""
        if self._last is None or not self._last[0].equals(table.clip_hashes):
            self._last = (table.clip_hashes, table.rows(self._wanted))
        return self._last[1]


def arrow_table(predictions: Sequence[Prediction]) -> pa.Table:
    """Put single predictions into the columns of `ARROW_SCHEMA`, in their order."""
    arrays = [
        pa.array([getattr(prediction, field.name) for prediction in predictions], type=field.type)
        for field in ARROW_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=ARROW_SCHEMA)


def latest_answers(table: pa.Table) -> pa.Table:
    """Keep the last row of each clip, in the order in which each clip occurs first.

    Args:
        table: Of `ARROW_SCHEMA`, older predictions first.
    """
    codes = table.column("clip_hash").combine_chunks().dictionary_encode()
    if len(codes.dictionary) == len(table):
        return table
    last = np.empty(len(codes.dictionary), dtype=np.int64)
    last[np.asarray(codes.indices)] = np.arange(len(table))  # of repeated indices, numpy keeps the last value
    return table.take(pa.array(last))
