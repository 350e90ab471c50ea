"""The record of a training, `training.json`, and the out-of-fold answers beside it; both lie beside the weights."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import JsonValue

from benchmark.errors import RequestError
from benchmark.results.environment import Environment
from benchmark.results.runs import StoredRequest
from benchmark.results.schema import Stored, StoredFile

TRAINING_FILE = "training.json"
OUT_OF_FOLD_FILE = "out_of_fold.parquet"
WEIGHTS_FILE = "model.safetensors"
TRAINED_HERE = "trained-here"
"""The head of a setup whose answers are out-of-fold answers."""
OUT_OF_FOLD = "out-of-fold"
"""The backend of such a setup."""
NO_ROBUSTNESS = "Its answers are out of fold, and no fold has answered perturbed clips: robustness is not measured."
"""What is said of such answers where audio is perturbed."""

# As many rows as a table of clips may have; a record names each clip once, and each speaker once per fit.
MOST_ROWS = 1_000_000
MOST_BYTES = 250_000_000
_MOST_VALUES = 50_000_000
_SUM_TOLERANCE = 0.01

_PROBABILITIES = pa.list_(pa.struct([("label", pa.string()), ("probability", pa.float32())]))
OUT_OF_FOLD_SCHEMA = pa.schema(
    [
        pa.field("clip", pa.string(), nullable=False),
        pa.field("clip_hash", pa.string(), nullable=False),
        pa.field("speaker", pa.string()),
        pa.field("fold", pa.int32(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("predicted", pa.string(), nullable=False),
        pa.field("probabilities", _PROBABILITIES, nullable=False),
    ]
)
"""A row per clip; labels and answers are canonical emotions after merges."""


class TrainingFinding(Stored):
    """Something that a reader must know before trusting the result.

    Attributes:
        kind: A word for it, such as `collapse`, `overfitting`, `suspicious`, `leak`, `no-speakers`.
        sentence: What happened, where, and what to do.
        fold: The fold that it concerns; None for all.
    """

    kind: str
    sentence: str
    fold: int | None = None


class EpochRecord(Stored):
    """One epoch of a fit.

    Attributes:
        loss: Mean training loss; None if it was not finite.
        uar: Of the monitored clips: those of validation speakers, else clips of training speakers.
        commonest: The share of the monitored clips that the most frequent answer takes, and that answer.
    """

    epoch: int
    loss: float | None
    uar: float | None = None
    commonest: tuple[str, float] | None = None


class FoldRecord(Stored):
    """One fit of a cross-validation.

    Attributes:
        fold: From 1.
        chosen: Hyper-parameters that were chosen on training speakers, such as the strength of L2.
        monitored: What the curve is measured on: `validation` or `training`.
        best_epoch: The epoch whose weights answered; None for fits without epochs.
        uar: Of the fold's own test clips.
    """

    fold: int
    seed: int
    train_speakers: tuple[str, ...]
    validation_speakers: tuple[str, ...] = ()
    test_speakers: tuple[str, ...]
    train_clips: int
    validation_clips: int = 0
    test_clips: int
    chosen: dict[str, JsonValue] = {}
    monitored: str | None = None
    epochs: tuple[EpochRecord, ...] = ()
    best_epoch: int | None = None
    uar: float | None = None
    seconds: float = 0.0


class TrainingScore(Stored):
    """Pooled scores of out-of-fold answers, and the 95 % interval of the UAR over speakers, None if unknown.

    Attributes:
        name: The recipe, or `majority`, `functionals` for the baselines, `test` for another corpus.
        seed: None for the mean over seeds and what has no seed.
    """

    name: str
    seed: int | None = None
    uar: float | None
    uar_low: float | None = None
    uar_high: float | None = None
    macro_f1: float | None
    accuracy: float | None
    clips: int


class TriedRecipe(Stored):
    """A recipe that was tried with a small budget.

    Attributes:
        rank: As in a leaderboard: 1 + the number of recipes that are significantly better; None without speakers.
        seconds: Of all its fits together.
    """

    recipe: str
    rank: int | None
    uar: float
    uar_low: float | None = None
    uar_high: float | None = None
    macro_f1: float
    seconds: float


class TrialRecord(StoredFile):
    """What `bench train --try` has found.

    Attributes:
        tried: The recipes, the best first.
        chosen_uar: What choosing the best is worth: each fold is answered by the recipe that is best on the others.
        failed: Recipes whose fits came to no answers.
    """

    created: datetime
    environment: Environment
    request: StoredRequest
    corpus: str
    labels: tuple[str, ...]
    fold_rule: str
    tried: tuple[TriedRecipe, ...]
    chosen_uar: float | None
    failed: tuple[str, ...] = ()


class LearningPoint(Stored):
    """The out-of-fold UAR with fewer speakers in each fold's training part."""

    speakers: int
    uar: float


class EnrolledScore(Stored):
    """What is gained by subtracting from each vector the mean of a few clips of its speaker, which are not scored.

    Attributes:
        emotions: Of the enrolled clips: `all emotions`, in turn, or `neutral`.
        clips_per_speaker: On average.
        plain: The recipe without it on the same clips.
    """

    emotions: str
    clips_per_speaker: float
    normalised: TrainingScore
    plain: TrainingScore


class SplitCount(Stored):
    """How many clips and speakers have a class."""

    emotion: str
    clips: int
    speakers: int


class SuspectedLabel(Stored):
    """A clip whose label may be wrong, by its out-of-fold answer.

    Attributes:
        label: What the corpus says, as an emotion, and the probability that it got.
        likelier: The emotion that is likelier, and the probability that it got.
    """

    clip: str
    label: str
    label_probability: float
    likelier: str
    likelier_probability: float


class TrainingRecord(StoredFile):
    """A training: what was asked, what was done, and what it is worth.

    Attributes:
        name: Of the candidate, the folder's name.
        corpus: The name of the corpus, and `source` its SPEC.
        recipe: The recipe with all its settings; `name` is what the user called it.
        encoder: The Hub id or path of the frozen or fine-tuned encoder, None for networks from scratch.
        labels: The emotions, in the order of the outputs.
        speakers: All that the final model was trained on; None where the corpus names none.
        clip_hashes: All clips that it was trained on, shortened to 16 digits.
        weights_sha256: `weights_digest` of the final model; without it, no out-of-fold answers are attributed to it.
        folds: Every fit of every seed.
        fold_rule: How the folds were made, in words.
        scores: The recipe by seed, its mean over seeds, then baselines.
        test: On `--test`; None where it was not asked for.
        suspected_labels: Clips to listen to, the most doubtful first.
        final_epochs: Of the final model; None for fits without epochs.
        peak_memory_mb: Of the worker (10⁶ bytes).
    """

    created: datetime
    environment: Environment
    request: StoredRequest
    name: str
    corpus: str
    source: str
    recipe: dict[str, JsonValue]
    encoder: str | None = None
    encoder_revision: str | None = None
    labels: tuple[str, ...]
    label_map: dict[str, str | None] = {}
    merge: dict[str, str] = {}
    counts: tuple[SplitCount, ...] = ()
    speakers: tuple[str, ...] | None = None
    clip_hashes: tuple[str, ...] = ()
    weights_sha256: str | None = None
    fold_rule: str
    folds: tuple[FoldRecord, ...] = ()
    scores: tuple[TrainingScore, ...] = ()
    test: TrainingScore | None = None
    learning_curve: tuple[LearningPoint, ...] = ()
    enrolled: tuple[EnrolledScore, ...] = ()
    suspected_labels: tuple[SuspectedLabel, ...] = ()
    findings: tuple[TrainingFinding, ...] = ()
    final_epochs: int | None = None
    parameters: int | None = None
    seconds: float = 0.0
    peak_memory_mb: float | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> "TrainingRecord | None":
        """Read the record beside the weights of a candidate; None if bench did not train it.

        Raises:
            RequestError: The file cannot be read, is too large, is no such record, or a newer version wrote it.
        """
        path = folder / TRAINING_FILE
        try:
            if not _is_file_within(path, MOST_BYTES):
                return None
            content = path.read_bytes()
        except (OSError, ValueError) as error:
            raise RequestError(f"{path} cannot be read ({_reason(error)}): make it readable, or delete it.") from error
        record = cls.parse(content, path)
        if record is None:
            raise RequestError(
                f"{path} is no record of a training that this version of bench can read: train again with "
                "`bench train`, or delete it."
            )
        return record


def weights_digest(folder: Path) -> str | None:
    """SHA-256 of the weights in a folder; None if it has no `model.safetensors`.

    Raises:
        OSError: They cannot be read.
    """
    try:
        with (folder / WEIGHTS_FILE).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


SHORT_HASH = 16
"""Digits of a clip hash in a record."""


@dataclass(frozen=True, eq=False, kw_only=True)
class OutOfFold:
    """Out-of-fold answers: each clip is answered by a model that was not trained on its speaker.

    Attributes:
        clips: Names; all other sequences are parallel to it.
        labels: True emotions.
        classes: The emotions of the outputs.
        probabilities: Shape (clips, classes).
        texts: The sentences; empty where nobody knows them. They are not stored.
    """

    clips: tuple[str, ...]
    clip_hashes: tuple[str, ...]
    speakers: tuple[str | None, ...]
    folds: tuple[int, ...]
    labels: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    texts: tuple[str | None, ...] = ()

    @property
    def predicted(self) -> tuple[str, ...]:
        """The most probable emotion of each clip."""
        return tuple(self.classes[index] for index in self.probabilities.argmax(axis=1))

    @property
    def digest(self) -> str:
        """SHA-256 of clips and answers, which names them in the prediction store."""
        content = hashlib.sha256(repr((self.clip_hashes, self.folds, self.classes)).encode())
        content.update(np.ascontiguousarray(self.probabilities, np.float32).tobytes())
        return content.hexdigest()

    def table(self) -> pa.Table:
        """The answers in the columns of `OUT_OF_FOLD_SCHEMA`."""
        columns = [
            self.clips,
            self.clip_hashes,
            self.speakers,
            self.folds,
            self.labels,
            self.predicted,
            [list(map(_pair, self.classes, row.tolist())) for row in self.probabilities],
        ]
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, OUT_OF_FOLD_SCHEMA, strict=True)]
        return pa.Table.from_arrays(arrays, schema=OUT_OF_FOLD_SCHEMA)

    @classmethod
    def read(cls, path: Path) -> "OutOfFold | None":
        """Read the answers at `path`; None if there is no file.

        Raises:
            RequestError: The file is no table of out-of-fold answers, each clip once, with probabilities.
        """
        try:
            if not _is_file_within(path, MOST_BYTES):
                return None
            with pq.ParquetFile(path) as file:
                return _answers(_read_table(file))
        except (OSError, ValueError, TypeError, pa.ArrowException) as error:
            raise RequestError(
                f"{path} is no table of out-of-fold answers ({_reason(error)}): train again with `bench train`, or "
                "delete it."
            ) from error


def _pair(label: str, probability: float) -> dict[str, object]:
    return {"label": label, "probability": probability}


def _is_file_within(path: Path, most_bytes: int) -> bool:
    """Whether there is a file.

    Raises:
        OSError: It cannot be looked at.
        ValueError: It is no file, or larger than that.
    """
    if not path.exists():
        return False
    if not path.is_file():
        raise ValueError("it is no file")
    if path.stat().st_size > most_bytes:
        raise ValueError(f"it is larger than {most_bytes // 1_000_000} MB")
    return True


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split())[:200].rstrip(".") or type(error).__name__


def _read_table(file: pq.ParquetFile) -> pa.Table:
    """Read the columns of `OUT_OF_FOLD_SCHEMA`.

    Raises:
        ValueError: A column is missing or lacks values, or there are no rows, or too many values.
    """
    if not 0 < file.metadata.num_rows <= MOST_ROWS:
        raise ValueError(f"it has {file.metadata.num_rows:,} rows, not 1 to {MOST_ROWS:,}")
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    values = sum(group.column(index).num_values for group in groups for index in range(group.num_columns))
    # A few bytes can stand for any number of values.
    if values > _MOST_VALUES or sum(group.total_byte_size for group in groups) > MOST_BYTES:
        raise ValueError("it holds more than such a table may")
    missing = set(OUT_OF_FOLD_SCHEMA.names) - set(file.schema_arrow.names)
    if missing:
        raise ValueError(f"the column {min(missing)} is missing")
    table = file.read(columns=OUT_OF_FOLD_SCHEMA.names).select(OUT_OF_FOLD_SCHEMA.names)
    for field in OUT_OF_FOLD_SCHEMA:
        if not field.nullable and table.column(field.name).null_count:
            raise ValueError(f"the column {field.name} lacks values")
    return table.cast(OUT_OF_FOLD_SCHEMA)


def _answers(table: pa.Table) -> OutOfFold:
    lists = table.column("probabilities").combine_chunks()
    pairs = lists.flatten()
    labels, values = (pairs.field(name) for name in ("label", "probability"))
    count = len(pairs) // len(table)
    names = np.asarray(labels.to_numpy(zero_copy_only=False), dtype=object).reshape(-1)
    if not count or set(lists.value_lengths().to_pylist()) != {count}:
        raise ValueError("its rows have other numbers of classes")
    if pairs.null_count or labels.null_count or (names.reshape(-1, count) != names[:count]).any():
        raise ValueError("its rows have other classes")
    if len(set(names[:count])) < count:
        raise ValueError("a class occurs twice")
    probabilities = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float32).reshape(-1, count)
    if not np.isfinite(probabilities).all():
        raise ValueError("a probability is not finite")
    if (probabilities < 0).any() or (np.abs(probabilities.sum(axis=1) - 1) > _SUM_TOLERANCE).any():
        raise ValueError("its probabilities do not sum to one")
    columns = {name: tuple(table.column(name).to_pylist()) for name in OUT_OF_FOLD_SCHEMA.names[:5]}
    answers = OutOfFold(
        clips=columns["clip"],
        clip_hashes=columns["clip_hash"],
        speakers=columns["speaker"],
        folds=columns["fold"],
        labels=columns["label"],
        classes=tuple(names[:count]),
        probabilities=probabilities,
    )
    _refuse_contradictions(answers)
    return answers


def _refuse_contradictions(answers: OutOfFold) -> None:
    """Refuse two answers to one recording; copies of a recording within a fold have the same answer."""
    rows: dict[str, int] = {}
    for row, clip_hash in enumerate(answers.clip_hashes):
        first = rows.setdefault(clip_hash, row)
        is_same = answers.folds[first] == answers.folds[row]
        if not is_same or not np.array_equal(answers.probabilities[first], answers.probabilities[row]):
            raise ValueError(f"the recording of {answers.clips[row]!r} has two answers")
