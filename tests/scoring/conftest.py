from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter

from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, CorpusRecord, EvaluationRecord, RunRecord
from benchmark.results.training_record import OUT_OF_FOLD, TRAINED_HERE
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.trained_on import Seen
from tests.support.finished_runs import setup_of, verification

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness")
_CLIP_RECORDS = TypeAdapter(ClipRecord)
Indices = Sequence[int] | NDArray[np.int64]


def candidate_named(name: str, labels: Sequence[str], **fields: object) -> Verification:
    """A usable candidate with weights of its own; `fields` change its verification."""
    own = {"id": name, "revision": f"{name}-sha", "parameters": 1000, "size_bytes": 4_000_000, "license": None}
    return verification(name, labels, **(own | fields))


def evaluation_of(name: str, answers: Answers, **fields: object) -> Evaluation:
    """An evaluation of a usable candidate with these answers; `fields` change its verification."""
    candidate = candidate_named(name, answers.classes, **fields)
    record = EvaluationRecord(candidate=name, corpus="calls", setup=setup_of(candidate))
    return Evaluation(record=record, verification=candidate, answers=answers, seen=Seen.NO, loose_map=False)


def clip_record(name: str, **fields: object) -> ClipRecord:
    content = {"clip": name, "clip_hash": name, "duration_s": 3.6}
    return _CLIP_RECORDS.validate_python(content | fields)


def unreadable(name: str) -> ClipRecord:
    return clip_record(name, clip_hash=None, duration_s=None, failure="It is empty.", label="anger")


def corpus_record(name: str, clips: Sequence[ClipRecord], **fields: object) -> CorpusRecord:
    content = {"name": name, "source": f"folder:{name}", "clips": tuple(clips), "available_clips": len(clips)}
    return CorpusRecord.model_validate(content | fields)


def summary_of(clips: int, emotion_clips: Mapping[str, int], **fields: object) -> CorpusSummary:
    content = {
        "name": "acted", "source": "", "synthetic": False, "clips": clips, "available_clips": clips, "unreadable": (),
        "unscored_labels": {}, "emotion_clips": emotion_clips, "label_emotions": {}, "speakers": None, "hours": 1.0,
        "merge": {},
    }  # fmt: skip
    return CorpusSummary.model_validate(content | fields)


def hard_answers(
    truth: Sequence[str | None],
    hard: Sequence[str | None],
    classes: Sequence[str],
    speakers: Sequence[str | None] | None = None,
) -> Answers:
    """Answers with a probability of 0.6 for the hard answer and the rest shared by the others; None is a failure."""
    rest = 0.4 / max(len(classes) - 1, 1)
    rows = [[np.nan if answer is None else 0.6 if name == answer else rest for name in classes] for answer in hard]
    return Answers(
        source=np.array(rows, dtype=np.float64).reshape(len(truth), len(classes)),
        classes=tuple(classes),
        truth=tuple(truth),
        speakers=tuple(speakers) if speakers is not None else tuple(f"s{clip % 6}" for clip in range(len(truth))),
    )


def random_answers(seed: int, clips: int, *, truths: int = 5, classes: int = 4, gaps: float = 0.1) -> Answers:
    """Random answers by case: an emotion outside the corpus, one not covered, unlabelled clips, failures."""
    generator = np.random.default_rng(seed)
    names = (*EMOTIONS[-classes:], "surprise")
    probabilities = generator.dirichlet(np.full(len(names), 0.5), size=clips)
    probabilities[generator.random(clips) < gaps] = np.nan
    truth = [None if generator.random() < gaps else EMOTIONS[generator.integers(truths)] for _ in range(clips)]
    return Answers(
        source=probabilities,
        classes=names,
        truth=tuple(truth),
        speakers=tuple(f"speaker {generator.integers(8)}" for _ in range(clips)),
    )


def decide(truth: Indices, answers: Indices, classes: int) -> Decisions:
    """Decisions from indices; the answer `classes` is none of the emotions."""
    return Decisions(
        emotions=EMOTIONS[:classes],
        truth=np.array(truth, dtype=np.int64),
        answers=np.array(answers, dtype=np.int64),
        confidence=np.full(len(truth), 0.5),
    )


@dataclass
class RunBuilder:
    """Builds the record of a run and its predictions, candidate by candidate."""

    corpora: list[CorpusRecord] = field(default_factory=list)
    verifications: list[Verification] = field(default_factory=list)
    evaluations: list[EvaluationRecord] = field(default_factory=list)
    perturbed: list[EvaluationRecord] = field(default_factory=list)
    latencies: list[LatencyMeasurement] = field(default_factory=list)
    stored: dict[str, dict[str, Prediction]] = field(default_factory=dict)

    def corpus(self, name: str, clips: Sequence[ClipRecord], **fields: object) -> CorpusRecord:
        self.corpora.append(corpus_record(name, clips, **fields))
        return self.corpora[-1]

    def acted_corpus(self, name: str = "acted", speakers: int = 8, repeats: int = 4, **fields: object) -> CorpusRecord:
        """Every speaker says every emotion `repeats` times."""
        clips = [
            clip_record(f"{name}/{speaker}/{emotion}/{repeat}", label=emotion, speaker=f"s{speaker}")
            for speaker in range(speakers)
            for emotion in EMOTIONS
            for repeat in range(repeats)
        ]
        return self.corpus(name, clips, **fields)

    def candidate(self, name: str, labels: Sequence[str] = EMOTIONS, **fields: object) -> Verification:
        self.verifications.append(candidate_named(name, labels, **fields))
        return self.verifications[-1]

    def add(
        self,
        candidate: Verification,
        corpus: CorpusRecord,
        hard: Sequence[str | None],
        *,
        device: str = "cpu",
        failure: str | None = None,
        perturbation: str | None = None,
        **fields: object,
    ) -> None:
        """Store hard answers to the clips with audio, in order; None is a failure, a shorter list an early end.

        `adapted` makes them out-of-fold answers; other fields are those of the record.
        """
        setup = setup_of(candidate).model_copy(update={"device": device, "perturbation": perturbation})
        if fields.pop("adapted", False):
            out_of_fold = {"head": TRAINED_HERE, "backend": OUT_OF_FOLD, "head_parameters": {"folds": 5}}
            setup = setup.model_copy(update=out_of_fold)
        records = self.evaluations if perturbation is None else self.perturbed
        content = {"candidate": candidate.candidate, "corpus": corpus.name, "setup": setup, "failure": failure}
        records.append(EvaluationRecord.model_validate(content | fields))
        for record, answer in zip(readable(corpus), hard, strict=False):
            logits = [4.0 * (name == answer) for name in candidate.labels]
            self.stored.setdefault(setup.key, {})[record.clip_hash or ""] = Prediction(
                clip_hash=record.clip_hash or "",
                logits=None if answer is None else np.array(logits, np.float32),
                windows=1,
                failure="?" if answer is None else None,
                seconds=0.1,
            )

    def timed(self, candidate: Verification, calls: int = 30, **fields: object) -> None:
        self.latencies.append(measured((100.0,) * calls, **({"candidate": candidate.candidate} | fields)))

    def record(self, **fields: object) -> RunRecord:
        content = {
            "created": datetime(2026, 1, 1, tzinfo=UTC),
            "environment": Environment.here(),
            "registry": "candidates.yaml",
            "min_emotions": 5,
            "verifications": tuple(self.verifications),
            "corpora": tuple(self.corpora),
            "evaluations": tuple(self.evaluations),
            "perturbed": tuple(self.perturbed),
            "latencies": tuple(self.latencies),
        }
        return RunRecord.model_validate(content | fields)

    def predictions(self, setup: InferenceSetup) -> dict[str, Prediction]:
        return self.stored.get(setup.key, {})

    def score(self, record: RunRecord | None = None, **options: Any) -> Leaderboard:
        """The leaderboard of the run, or of another record of it."""
        return score_run(record or self.record(), self.predictions, **options)


def readable(corpus: CorpusRecord) -> Iterator[ClipRecord]:
    return (clip for clip in corpus.clips if clip.clip_hash is not None)


def labels_of(corpus: CorpusRecord) -> list[str | None]:
    return [clip.label for clip in readable(corpus)]


def row_of(board: Leaderboard, candidate: str, **fields: object) -> LeaderboardRow:
    (row,) = (
        row
        for row in board.rows
        if row.candidate == candidate and all(getattr(row, name) == value for name, value in fields.items())
    )
    return row


def measured(calls: Sequence[float] | NDArray[np.float64], **fields: object) -> LatencyMeasurement:
    content = {
        "candidate": "a",
        "revision": "1",
        "device": "cpu",
        "backend": "torch",
        "dtype": "float32",
        "threads": 2,
        "processor": "a processor",
        "segment_s": 3.0,
        "calls_ms": tuple(calls),
        "warmup_calls": 5,
        "load_s": 1.5,
        "peak_memory_mb": 500.0,
    }
    return LatencyMeasurement.model_validate(content | fields)


@pytest.fixture
def run() -> RunBuilder:
    return RunBuilder()


def mostly_right(corpus: CorpusRecord, wrong: float, seed: int) -> list[str | None]:
    """The truth, with a random share of it replaced by another emotion."""
    generator = np.random.default_rng(seed)
    labels = labels_of(corpus)
    others = generator.integers(1, len(EMOTIONS), size=len(labels)).tolist()
    answers: list[str | None] = []
    for label, other in zip(labels, others, strict=True):
        index = EMOTIONS.index(label or "neutral")
        answers.append(EMOTIONS[(index + other) % len(EMOTIONS)] if generator.random() < wrong else label)
    return answers
