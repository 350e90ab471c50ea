"""Tables of answers that a model has given elsewhere: a row per clip, with one answer or a number for every label.

Whatever the file, the columns become Arrow columns; what they hold is decided by `read_answers`.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmark.corpora.rows import ANSWER_COLUMN_NAMES, usual_name
from benchmark.corpora.table import read_csv, read_file, read_json_lines, read_parquet
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError, did_you_mean, shorten
from benchmark.results.dimensions import dimension_columns

_LAST_RESORT = ("emotion", "label")
"""Columns that hold the answer where no other does; beside an answer, they hold the truth."""
_OF_CANDIDATE = "candidate"
REST = "(rest)"
"""The label of what the probabilities of a row leave to one."""
_KIND = r"(probability|prob|score|logit|p)"
_AROUND_LABEL = re.compile(rf"{_KIND}[ _.:-]+(?P<before>.+)|(?P<after>.+?)[ _.:-]+{_KIND}", re.IGNORECASE)
"""What stands around the label in names of columns, such as `p_anger` or `anger_score`."""
_REFUSALS = frozenset(
    {"", "unknown", "<unk>", "unk", "[unk]", "emo_unk", "none", "null", "nan", "n/a", "na", "<na>", "refused", "error"}
)
"""Answers that are none, in lower case."""
_AROUND = " \t\r\n.,;:!?\"'`*_“”‘’«»()[]"
"""What language models put around a word."""
_MOST_LABELS = 200
_SHOWN = 60
_TOLERANCE = 0.01
_PERCENT = 100.0

Columns = Mapping[str, pa.ChunkedArray]


@dataclass(frozen=True, eq=False, kw_only=True)
class AnswerTable:
    """The answers of one candidate, a row per clip.

    Attributes:
        digest: SHA-256 of all that was read.
        clips: For each row the hash of a clip's samples where `by_hash`, else the name of its file.
        labels: As the table writes them, in the order of its columns; those of single answers sorted.
        logits: Shape (rows, labels): logits, or logarithms of probabilities; NaN in rows without an answer.
        failures: Number of a row → why it holds no answer.
        has_scores: Whether there are numbers for the labels, and not only the answers.
        seconds: What each answer took, shape (rows,), NaN where that is not stated; None without a column.
        notes: How it was read, in sentences without a full stop.
    """

    digest: str
    clips: tuple[str, ...]
    by_hash: bool
    labels: tuple[str, ...]
    logits: NDArray[np.float32]
    failures: Mapping[int, str]
    has_scores: bool
    seconds: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


def read_answers(
    path: Path,
    *,
    candidate: str = "",
    columns: Mapping[str, str] = MappingProxyType({}),
    labels: Mapping[str, str] = MappingProxyType({}),
    dimensions: bool = False,
) -> AnswerTable:
    r"""Read a table of answers in CSV, TSV, JSON lines or Parquet.

    A clip is named by the path of its file or by its hash. The answers are, whichever there is first: a column of lists
    of (label, score), or of objects with a score by label; a numeric column for each label; one column with the answer.
    Numbers are probabilities where all are in 0 to 1, percentages where all rows add up to 100, else logits.

    Args:
        candidate: Which rows to take, where a column `candidate` names several, as in `predictions.parquet`.
        columns: Role (`ANSWER_COLUMN_NAMES`) → the column that has it; others are found by name.
        labels: The user's meanings of labels; columns with these names are labels.
        dimensions: The answers are the columns of arousal, valence and dominance, with ratings as they are.

    Raises:
        RequestError: It cannot be read, names no clips, holds no answers, or those of several other candidates.

    Examples:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "answers.csv"
        >>> _ = file.write_text("file,anger,joy\na.wav,0.8,0.2\nb.wav,,\n")
        >>> answers = read_answers(file)
        >>> answers.labels, np.exp(answers.logits[0]).round(2), dict(answers.failures)
        (('anger', 'joy'), array([0.8, 0.2], dtype=float32), {1: 'the table has no answer'})
    """
    table = {name.strip(): column for name, column in _read_columns(path).items()}
    table, notes = _rows_of(path, table, candidate)
    roles = _find_roles(path, table, columns)
    kind = "hash" if "hash" in roles else "clip"
    clips = tuple(text.strip() for text in _texts(table[roles[kind]]).to_pylist())
    if not clips:
        raise RequestError(f"{path} has no rows: it needs one per clip.")
    if nameless := [str(row) for row, name in enumerate(clips, start=1) if not name]:
        raise RequestError(
            f"{path}: {len(nameless)} of {len(clips)} rows name no clip in the column '{roles[kind]}' (row "
            f"{shorten(nameless)} below the heading): fill it in, or delete them."
        )
    own = _Answers(path, table, roles, labels)
    answers = own.read_ratings() if dimensions else own.read()
    seconds = own.read_seconds()
    return AnswerTable(
        digest=_digest(clips, answers, seconds),
        clips=clips,
        by_hash=kind == "hash",
        labels=answers.labels,
        logits=answers.logits,
        failures=answers.failures,
        has_scores=answers.has_scores,
        seconds=seconds,
        notes=(*notes, *answers.notes),
    )


def _digest(clips: Sequence[str], answers: "_Read", seconds: NDArray[np.float64] | None) -> str:
    digest = hashlib.sha256(answers.logits.tobytes() + (b"" if seconds is None else seconds.tobytes()))
    for texts in (clips, answers.labels, [f"{row} {reason}" for row, reason in answers.failures.items()]):
        digest.update("\n".join(texts).encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _read_columns(path: Path) -> dict[str, pa.ChunkedArray]:
    def of_csv(path: Path) -> dict[str, pa.ChunkedArray]:
        frame = read_csv(path)
        return {name: _chunked(pa.array(frame.iloc[:, index])) for index, name in enumerate(frame.columns)}

    def of_json(path: Path) -> dict[str, pa.ChunkedArray]:
        records = read_json_lines(path)
        names = dict.fromkeys(name for record in records for name in record)
        return {name: _json_column([record.get(name) for record in records]) for name in names}

    def of_parquet(path: Path) -> dict[str, pa.ChunkedArray]:
        table = read_parquet(path)
        return {name: table.column(name) for name in table.column_names}

    readers = {".csv": of_csv, ".tsv": of_csv, ".jsonl": of_json, ".parquet": of_parquet}
    return read_file(path, readers, what="a table of answers")


def _json_column(values: Sequence[object]) -> pa.ChunkedArray:
    """A column of numbers, or else of texts, in which lists and objects stand as JSON."""
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return _chunked(pa.array([None if value is None else float(value) for value in values], pa.float64()))  # type: ignore[arg-type]
    texts = [
        "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for value in values
    ]
    return _chunked(pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.string()))


def _chunked(array: pa.Array) -> pa.ChunkedArray:
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts of a column, empty where there is nothing."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_binary(column.type):
        decoded = [None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()]
        column = pa.chunked_array([pa.array(decoded, pa.string())])
    return pc.fill_null(column.cast(pa.string()), "")


def _rows_of(path: Path, table: Columns, candidate: str) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """The rows of one candidate, in a table of several."""
    if _OF_CANDIDATE not in table:
        return dict(table), []
    names = _texts(table[_OF_CANDIDATE])
    present = sorted(pc.unique(names).to_pylist())
    if len(present) < 2:  # noqa: PLR2004 - its own answers only
        return dict(table), []
    if candidate not in present:
        raise RequestError(
            f"{path} holds the answers of {len(present)} candidates ({shorten(present)}), and none is called "
            f"{candidate!r}: say whose to take behind a `#`, as in {path.name}#{present[0]}."
        )
    chosen = pc.equal(names, candidate)
    return {name: column.filter(chosen) for name, column in table.items()}, [f"the rows of {candidate} were taken"]


def _find_roles(path: Path, table: Columns, chosen: Mapping[str, str]) -> dict[str, str]:
    """Role → column, for those that there are."""
    if absent := [name for role, name in chosen.items() if role != "clip" and name not in table]:
        raise RequestError(
            f"{path} has no column {absent[0]!r}{did_you_mean(absent[0], list(table), otherwise='it has')}."
        )
    by_usual = {usual_name(name): name for name in reversed(list(table))}
    roles: dict[str, str] = {}
    for role, names in ANSWER_COLUMN_NAMES.items():
        own = chosen.get(role)
        found = own if own in table else next((by_usual[name] for name in names if name in by_usual), None)
        if found is not None:
            roles[role] = found
    if not {"hash", "clip"} & set(roles):
        raise RequestError(
            f"{path} has no column that names the clips ({', '.join(ANSWER_COLUMN_NAMES['clip'][:3])}, hash); it has "
            f"{shorten(list(table))}. Say which by `--column clip=NAME`."
        )
    return roles


@dataclass(frozen=True, eq=False, kw_only=True)
class _Read:
    labels: tuple[str, ...]
    logits: NDArray[np.float32]
    failures: Mapping[int, str]
    has_scores: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Answers:
    """What the columns of a table say of its clips; the first way in which they say something counts."""

    path: Path
    table: Columns
    roles: Mapping[str, str]
    meanings: Mapping[str, str]

    def read(self) -> _Read:
        if "scores" in self.roles:
            return self._read_lists(self.roles["scores"])
        columns = self._label_columns()
        if len(columns) > 1:
            return self._read_columns(columns)
        if "predicted" in self.roles:
            return self._read_single(self.roles["predicted"])
        present = {usual_name(name): name for name in self.table}
        if last := next((present[name] for name in _LAST_RESORT if name in present), None):
            return self._read_single(last)
        raise RequestError(
            f"{self.path} holds no answers: it needs a column `predicted`, or a numeric column for each emotion; it "
            f"has {shorten(list(self.table))}. Say which by `--column predicted=NAME`."
        )

    def read_ratings(self) -> _Read:
        """Read the columns of dimensions, which are no probabilities; a row needs all of them."""
        columns = dimension_columns(self.table)
        if not columns:
            raise RequestError(
                f"{self.path} holds no ratings: it needs a column `arousal`, `valence` or `dominance` with numbers "
                f"from 0 to 1; it has {shorten(list(self.table))}."
            )
        values = np.column_stack([self._numbers(name) for name in columns.values()])
        missing = np.flatnonzero(~np.isfinite(values).all(axis=1))
        values[missing] = np.nan
        return _Read(
            labels=tuple(columns),
            logits=values.astype(np.float32),
            failures=dict.fromkeys(map(int, missing), "the table has no rating, or not all"),
            has_scores=True,
            notes=(),
        )

    def read_seconds(self) -> NDArray[np.float64] | None:
        """Read what each answer took; None without a column of it."""
        if (name := self.roles.get("seconds")) is None:
            return None
        seconds = self._numbers(name)
        if impossible := np.flatnonzero(np.isinf(seconds) | (seconds < 0)).tolist():
            held = f"row {impossible[0] + 1} of the column {name!r} holds {seconds[impossible[0]]:g}"
            raise RequestError(f"{self.path}: {held}, and an answer takes 0 seconds or more; correct or clear it.")
        return seconds

    def _label_columns(self) -> dict[str, str]:
        """Label → column, for the columns that are called like an emotion."""
        found: dict[str, str] = {}
        used = set(self.roles.values())
        for name in self.table:
            match = _AROUND_LABEL.fullmatch(name)
            plain = (match["before"] or match["after"]) if match else name
            for label in (name, plain):
                if name not in used and (label in self.meanings or emotion_of(label) is not None):
                    found.setdefault(label, name)
                    break
        return found

    def _read_columns(self, columns: Mapping[str, str]) -> _Read:
        values = np.column_stack([self._numbers(name) for name in columns.values()])
        used = {*self.roles.values(), *columns.values(), _OF_CANDIDATE}
        unused = [name for name in self.table if name not in used]
        notes = [f"columns that are no labels: {shorten(unused)}"] if unused else []
        return _scored(tuple(columns), values, notes)

    def _numbers(self, name: str) -> NDArray[np.float64]:
        """A column as numbers; NaN where there is none."""
        column = self.table[name]
        if not pa.types.is_floating(column.type) and not pa.types.is_integer(column.type):
            column = pc.utf8_trim_whitespace(_texts(column))
            if pc.any(pc.match_substring(column, ",")).as_py():  # a decimal comma
                column = pc.replace_substring(column, ",", ".")
            column = pc.if_else(pc.is_in(pc.utf8_lower(column), pa.array(sorted(_REFUSALS))), None, column)
        try:
            numbers = pc.cast(column, pa.float64())
        except pa.ArrowInvalid as error:
            raise RequestError(f"{self.path}: the column {name!r} does not hold numbers only ({error}).") from error
        return np.asarray(pc.fill_null(numbers, math.nan).to_numpy(), dtype=np.float64)

    def _read_lists(self, name: str) -> _Read:
        """Read lists of (label, score) or objects with a score by label; a label that a row leaves out has nothing."""
        rows = [self._pairs(value, name, row) for row, value in enumerate(self.table[name].to_pylist(), start=1)]
        labels = tuple(dict.fromkeys(label for row in rows for label in row))
        if not labels or len(labels) > _MOST_LABELS:
            raise RequestError(
                f"{self.path}: the column {name!r} names {len(labels)} labels; 1 to {_MOST_LABELS} can be read."
            )
        index = {label: number for number, label in enumerate(labels)}
        values = np.full((len(rows), len(labels)), math.nan)
        for number, row in enumerate(rows):
            if row:
                values[number] = -math.inf
                values[number, [index[label] for label in row]] = list(row.values())
        return _scored(labels, values, [])

    def _pairs(self, value: Any, name: str, row: int) -> dict[str, float]:
        if isinstance(value, str):
            if value.strip().lower() in _REFUSALS:
                return {}
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                value = value[:_SHOWN]
        if value is None:
            return {}
        try:
            return _pairs(value)
        except (TypeError, ValueError, KeyError):
            raise RequestError(
                f"{self.path}: row {row} of the column {name!r} holds {str(value)[:_SHOWN]!r}, and not a list of "
                'labels with their scores, such as [{"label": "anger", "score": 0.8}].'
            ) from None

    def _read_single(self, name: str) -> _Read:
        answers = pc.dictionary_encode(pc.utf8_trim_whitespace(_texts(self.table[name]))).combine_chunks()
        texts, indices = answers.dictionary.to_pylist(), np.asarray(answers.indices, dtype=np.int64)
        known = {text: label for text in texts if (label := self._meant(text)) is not None}
        labels = tuple(sorted(set(known.values())))
        column = np.array([labels.index(known[text]) if text in known else -1 for text in texts], dtype=np.int64)[
            indices
        ]
        logits = np.full((len(indices), len(labels)), -np.inf, dtype=np.float32)
        logits[column == -1] = np.nan
        logits[np.flatnonzero(column >= 0), column[column >= 0]] = 0.0
        reasons = [_why_not(text) for text in texts]
        failures = {int(row): reasons[indices[row]] for row in np.flatnonzero(column == -1)}
        strange = [text[:_SHOWN] for text in texts if text not in known and text.lower() not in _REFUSALS]
        notes = [f"answers that name no emotion: {shorten(strange)}"] if strange else []
        return _Read(labels=labels, logits=logits, failures=failures, has_scores=False, notes=tuple(notes))

    def _meant(self, text: str) -> str | None:
        """The label that an answer names; None for a refusal, and for what names nothing."""
        if text in self.meanings:
            return text
        word = text.strip(_AROUND)
        if word in self.meanings:
            return word
        return None if text.lower() in _REFUSALS or emotion_of(word) is None else word


def _pairs(value: object) -> dict[str, float]:
    """Label → score, of an object, or of a list of objects or pairs."""
    if isinstance(value, dict):
        return {str(label): float(score) for label, score in value.items() if score is not None}
    pairs: dict[str, float] = {}
    for item in value if isinstance(value, list) else [None]:
        label, score = _pair(item)
        pairs[str(label)] = float(score)
    return pairs


def _pair(item: Any) -> tuple[Any, Any]:
    if isinstance(item, dict):
        return item["label"], item["probability"] if "probability" in item else item["score"]
    label, score = item
    return label, score


def _why_not(text: str) -> str:
    if not text:
        return "the table has no answer"
    if text.lower() in _REFUSALS:
        return f"its answer is {text[:_SHOWN]!r}, which counts as none"
    return f"its answer, {text[:_SHOWN]!r}, names no emotion"


def _scored(labels: tuple[str, ...], values: NDArray[np.float64], notes: list[str]) -> _Read:
    """Turn numbers, shape (rows, labels), into logits; -inf stands for a label that is out of the question."""
    missing, is_whole = np.isnan(values), ~(np.isnan(values) | np.isposinf(values)).any(axis=1)
    reasons = {
        "the table has no answer": missing.all(axis=1),
        "the table has no number for some of the labels": missing.any(axis=1) & ~missing.all(axis=1),
        "a number of its answer is infinite": np.isposinf(values).any(axis=1) & ~missing.any(axis=1),
    }
    logits = np.full(values.shape, np.nan, dtype=np.float32)
    whole = values[is_whole]
    given = whole[np.isfinite(whole)]
    if len(given):
        is_probability, whole, why = _as_probabilities(whole, given)
        notes = [*notes, *why]
        if not is_probability:
            logits[is_whole] = whole
        else:
            sums = whole.sum(axis=1)
            if sums.max() <= 1 + _TOLERANCE and sums[sums > 0].min(initial=1) < 1 - _TOLERANCE:
                notes = [*notes, f"its probabilities add up to less than 1: the rest is the label {REST}"]
                whole = np.column_stack([whole, np.where(sums > 0, np.clip(1 - sums, 0, 1), 0)])
                labels, logits = (*labels, REST), np.full((len(values), whole.shape[1]), np.nan, dtype=np.float32)
            elif sums.max() > 1 + _TOLERANCE:
                notes = [*notes, "its probabilities do not add up to 1: each row is divided by its sum"]
            with np.errstate(divide="ignore"):  # the logarithm of a probability of zero
                logits[is_whole] = np.log(whole)
    reasons["all numbers of its answer are zero"] = is_whole & np.isneginf(logits).all(axis=1)
    logits[reasons["all numbers of its answer are zero"]] = np.nan
    failures = {int(row): reason for reason, rows in reasons.items() for row in np.flatnonzero(rows)}
    return _Read(labels=labels, logits=logits, failures=failures, has_scores=True, notes=tuple(notes))


def _as_probabilities(
    whole: NDArray[np.float64], given: NDArray[np.float64]
) -> tuple[bool, NDArray[np.float64], list[str]]:
    """Whether numbers are probabilities; the numbers, as fractions where they are; and how that was seen."""
    if given.min() < 0:
        return False, whole, ["some of its numbers are negative: they are logits"]
    shares = np.where(np.isneginf(whole), 0.0, whole)
    if given.max() <= 1 + _TOLERANCE:
        return True, shares, []
    sums = shares.sum(axis=1)
    if np.all(np.abs(sums[sums > 0] - _PERCENT) <= _PERCENT * _TOLERANCE):
        return True, shares / _PERCENT, ["its rows add up to 100: its numbers are percentages"]
    return False, whole, ["some of its numbers are above 1 and do not add up to 100: they are logits"]
