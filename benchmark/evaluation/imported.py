"""Candidates that run elsewhere: their answers are taken from a table, by the hashes or the names of the clips."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

import numpy as np

from benchmark.corpora.answer_tables import AnswerTable
from benchmark.errors import shorten
from benchmark.evaluation.context import RunOptions
from benchmark.evaluation.decoding import DecodedCorpus
from benchmark.evaluation.eligibility import Subject
from benchmark.progress import Progress
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import IMPORTED, InferenceSetup, Prediction
from benchmark.results.runs import EvaluationRecord
from benchmark.verification.answer_tables import answers_of

_Value = TypeVar("_Value")
_NO_ROW = "the table has no row for it"


def import_answers(
    subject: Subject,
    corpora: Sequence[DecodedCorpus],
    *,
    options: RunOptions,
    store: PredictionStore,
    progress: Progress,
) -> tuple[EvaluationRecord, ...]:
    """Store the answers of a table to all corpora, and say how many clips and rows have found each other.

    A clip without a row counts as one that the candidate could not answer; a corpus none of whose clips has a row is a
    failure.

    Raises:
        UnavailableError: The store cannot be written.
    """
    answers = answers_of(subject.candidate, dimensions=subject.rates)
    setup = _setup(subject, answers)
    records: list[EvaluationRecord] = []
    for corpus in corpora:
        name, rows = corpus.record.name, match_clips(answers, corpus)
        progress.note(f"{subject.name}: {_coverage(answers, corpus, rows)}")
        failure = None
        if not rows:
            failure = (
                f"No row of its table is a clip of {name}: it has {shorten(answers.clips, 2)}, and the corpus "
                f"{shorten([clip.clip for clip in corpus.record.clips], 2)}."
            )
        else:
            _store(store, setup, answers, corpus, rows)
        records.append(EvaluationRecord(candidate=subject.name, corpus=name, setup=setup, failure=failure))
    if options.perturbations:
        progress.note(f"{subject.name}: its table holds no answers to perturbed clips: robustness is not measured.")
    return tuple(records)


def match_clips(answers: AnswerTable, corpus: DecodedCorpus) -> Mapping[str, int]:
    """The row of each clip of a corpus that has one, by the hash of the clip; of several rows, the last.

    Names fit where one is the end of the other, in whole parts of a path; with or without a suffix; whatever separates
    the parts. A name that fits several clips or rows is none.
    """
    if answers.by_hash:
        rows = {name.lower(): row for row, name in enumerate(answers.clips)}
        return {clip_hash: rows[clip_hash] for clip_hash in corpus.audio if clip_hash in rows}
    clips = {clip.clip: clip.clip_hash for clip in corpus.record.clips if clip.clip_hash is not None}
    exact = {name: row for row, name in enumerate(answers.clips) if name in clips}
    matched = {clips[name]: row for name, row in exact.items()}
    for shape in (_path, _path_without_suffix):
        left = _by_shape(((name, row) for row, name in enumerate(answers.clips) if name not in exact), shape)
        own = _by_shape(((name, clip_hash) for name, clip_hash in clips.items() if clip_hash not in matched), shape)
        matched.update(_joined(left, own, len(answers.clips)))
    return matched


def _path(name: str) -> str:
    """A path without what only says where it begins."""
    if "\\" not in name and not name.startswith((".", "/")) and "//" not in name:
        return name
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in {"", ".", ".."})


def _path_without_suffix(name: str) -> str:
    path = PurePosixPath(_path(name))
    return path.with_suffix("").as_posix() if path.name else ""


def _by_shape(named: Iterable[tuple[str, _Value]], shape: Callable[[str], str]) -> dict[str, _Value]:
    """Those whose shape is nobody else's."""
    values: dict[str, _Value] = {}
    doubled = {""}
    for name, value in named:
        path = shape(name)
        if path in values:
            doubled.add(path)
        values[path] = value
    return {path: value for path, value in values.items() if path not in doubled} if len(doubled) > 1 else values


def _joined(rows: Mapping[str, int], clips: Mapping[str, str], number: int) -> dict[str, int]:
    """The row of each clip, where the path of one is the end of the other's and of nobody else's."""
    found: dict[str, int] = {}
    several: set[str] = set()
    clips_of_row = np.zeros(number, dtype=np.int64)

    def join(row: int, clip_hash: str) -> None:
        if found.setdefault(clip_hash, row) != row:
            several.add(clip_hash)
        clips_of_row[row] += 1

    for path, row in rows.items():
        for end in _ends(path):
            if end in clips:
                join(row, clips[end])
    for path, clip_hash in clips.items():
        for end in _ends(path):
            if end in rows and end != path:
                join(rows[end], clip_hash)
    return {clip_hash: row for clip_hash, row in found.items() if clip_hash not in several and clips_of_row[row] == 1}


def _ends(path: str) -> Iterator[str]:
    """The path, and what is left of it behind each of its folders."""
    while path:
        yield path
        path = path.partition("/")[2]


def _coverage(answers: AnswerTable, corpus: DecodedCorpus, rows: Mapping[str, int]) -> str:
    without = len(corpus.audio) - len(rows)
    unanswered = sum(row in answers.failures for row in rows.values())
    unused = len(answers.clips) - len(set(rows.values()))
    parts = [f"its table answers {len(rows) - unanswered} of {len(corpus.audio)} clips of {corpus.record.name}"]
    if unanswered:
        parts.append(f"{unanswered} {'row holds' if unanswered == 1 else 'rows hold'} no answer")
    if without:
        missed = "clip has no row, and counts as a miss" if without == 1 else "clips have no row, and count as misses"
        parts.append(f"{without} {missed}")
    if unused:
        be = "row is" if unused == 1 else "rows are"
        parts.append(f"{unused} {be} no clip of it, or followed by another row of the same clip")
    return "; ".join(parts) + "."


def _setup(subject: Subject, answers: AnswerTable) -> InferenceSetup:
    """The setup under which the answers of a table are stored."""
    return InferenceSetup(
        candidate=subject.candidate.id,
        revision=answers.digest,
        labels=answers.labels,
        head=IMPORTED,
        head_parameters={"scores": answers.has_scores},
        backend=IMPORTED,
        device="elsewhere",
        dtype="unknown",
        window_s=0.0,
        versions={},
    )


def _store(
    store: PredictionStore, setup: InferenceSetup, answers: AnswerTable, corpus: DecodedCorpus, rows: Mapping[str, int]
) -> None:
    """Store what has changed: which row is a clip's depends on how the corpus calls it."""
    stored, changed = store.read(setup), []
    for clip_hash in corpus.audio:
        row = rows.get(clip_hash)
        failure = _NO_ROW if row is None else answers.failures.get(row)
        if clip_hash in stored and stored[clip_hash].failure == failure:
            continue
        logits = None if row is None or failure is not None else answers.logits[row]
        seconds = 0.0 if row is None or answers.seconds is None else float(answers.seconds[row])
        changed.append(Prediction(clip_hash=clip_hash, logits=logits, windows=1, failure=failure, seconds=seconds))
    store.add(setup, changed)
    store.compact(setup)
