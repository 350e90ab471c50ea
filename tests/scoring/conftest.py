from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.results.environment import Environment
from benchmark.results.inference import LatencyMeasurement
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, CorpusRecord, EvaluationRecord, RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.seen import Seen

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness")


def _answers(
    truth: Sequence[str | None],
    hard: Sequence[str | None],
    classes: Sequence[str],
    speakers: Sequence[str | None] | None = None,
) -> Answers:
    """Answers with a probability of 0.6 for the hard answer and the rest shared by the others; None is a failure."""
    rest = 0.4 / max(len(classes) - 1, 1)
    rows = [[np.nan if said is None else 0.6 if name == said else rest for name in classes] for said in hard]
    return Answers(
        probabilities=np.array(rows, dtype=np.float64).reshape(len(truth), len(classes)),
        classes=tuple(classes),
        truth=tuple(truth),
        speakers=tuple(speakers) if speakers is not None else tuple(f"s{place % 6}" for place in range(len(truth))),
    )


def evaluation_of(name: str, answers: Answers, **fields: object) -> Evaluation:
    """An evaluation of a usable candidate with these answers; `fields` change its verification."""
    content = {"candidate": name, "id": name, "revision": f"{name}-sha", "status": Status.USABLE, "reason": "It loads.",
               "labels": answers.classes, "emotions": answers.classes}  # fmt: skip
    verification = Verification.model_validate(content | fields)
    setup = InferenceSetup(
        candidate=name, revision=f"{name}-sha", labels=answers.classes, head="standard", backend="torch", device="cpu",
        dtype="float32", window_s=30.0, versions={},
    )  # fmt: skip
    return Evaluation(
        record=EvaluationRecord(candidate=name, corpus="calls", setup=setup),
        verification=verification,
        answers=answers,
        seen=Seen.NO,
        loose_map=False,
    )


@pytest.fixture
def hard_answers() -> Callable[..., Answers]:
    return _answers


@pytest.fixture
def random_answers() -> Callable[..., Answers]:
    """Random answers by case: an emotion outside the corpus, one not covered, unlabelled clips, failures."""

    def build(seed: int, clips: int, *, truths: int = 5, classes: int = 4, gaps: float = 0.1) -> Answers:
        generator = np.random.default_rng(seed)
        names = (*EMOTIONS[-classes:], "surprise")
        probabilities = generator.dirichlet(np.full(len(names), 0.5), size=clips)
        probabilities[generator.random(clips) < gaps] = np.nan
        truth = [
            None if generator.random() < gaps else EMOTIONS[: max(truths, 1)][generator.integers(max(truths, 1))]
            for _ in range(clips)
        ]
        return Answers(
            probabilities=probabilities,
            classes=names,
            truth=tuple(truth if truths else [None] * clips),
            speakers=tuple(f"speaker {generator.integers(8)}" for _ in range(clips)),
        )

    return build


@pytest.fixture
def decide() -> Callable[..., Decisions]:
    """Decisions from indices; the answer `classes` is none of the emotions."""

    def build(truth: Sequence[int], answers: Sequence[int], classes: int) -> Decisions:
        return Decisions(
            emotions=EMOTIONS[:classes],
            truth=np.array(truth, dtype=np.int64),
            answers=np.array(answers, dtype=np.int64),
            confidence=np.full(len(truth), 0.5),
        )

    return build


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
        content = {"name": name, "source": f"folder:{name}", "clips": tuple(clips), "available_clips": len(clips)}
        self.corpora.append(CorpusRecord.model_validate(content | fields))
        return self.corpora[-1]

    def acted_corpus(self, name: str = "acted", speakers: int = 8, repeats: int = 4, **fields: object) -> CorpusRecord:
        """Every speaker says every emotion `repeats` times."""
        clips = [
            self.clip(f"{name}/{speaker}/{emotion}/{repeat}", label=emotion, speaker=f"s{speaker}")
            for speaker in range(speakers)
            for emotion in EMOTIONS
            for repeat in range(repeats)
        ]
        return self.corpus(name, clips, **fields)

    def clip(self, name: str, *, label: str | None = None, speaker: str | None = None) -> ClipRecord:
        return ClipRecord(clip=name, clip_hash=name, duration_s=3.6, label=label, speaker=speaker)

    def unreadable(self, name: str) -> ClipRecord:
        return ClipRecord(clip=name, clip_hash=None, duration_s=None, failure="It is empty.", label="anger")

    def candidate(self, name: str, labels: Sequence[str] = EMOTIONS, **fields: object) -> Verification:
        content = {
            "candidate": name,
            "id": name,
            "revision": f"{name}-sha",
            "status": Status.USABLE,
            "reason": "It loads.",
            "labels": tuple(labels),
            "emotions": tuple(labels),
            "head": "standard",
            "parameters": 1000,
            "size_bytes": 4_000_000,
        }
        self.verifications.append(Verification.model_validate(content | fields))
        return self.verifications[-1]

    def setup(self, candidate: Verification, device: str = "cpu", dtype: str = "float32") -> InferenceSetup:
        return InferenceSetup(
            candidate=candidate.id,
            revision=candidate.revision or "",
            labels=candidate.labels,
            head="standard",
            backend="torch",
            device=device,
            dtype=dtype,
            window_s=30.0,
            versions={},
        )

    def says(
        self,
        candidate: Verification,
        corpus: CorpusRecord,
        hard: Sequence[str | None],
        *,
        device: str = "cpu",
        failure: str | None = None,
        perturbation: str | None = None,
    ) -> None:
        """Store hard answers to the clips with audio, in order; None is a failure, a shorter list an early end."""
        setup = self.setup(candidate, device).model_copy(update={"perturbation": perturbation})
        records = self.evaluations if perturbation is None else self.perturbed
        records.append(
            EvaluationRecord(candidate=candidate.candidate, corpus=corpus.name, setup=setup, failure=failure)
        )
        readable = [clip for clip in corpus.clips if clip.clip_hash is not None]
        for clip, said in zip(readable, hard, strict=False):
            logits = None if said is None else np.array([4.0 * (name == said) for name in candidate.labels], np.float32)
            self.stored.setdefault(setup.key, {})[clip.clip_hash or ""] = Prediction(
                clip_hash=clip.clip_hash or "", logits=logits, windows=1, failure=None if logits is not None else "?",
                seconds=0.1,
            )  # fmt: skip

    def timed(self, candidate: Verification, calls: int = 30, **fields: object) -> None:
        content = {
            "candidate": candidate.candidate,
            "revision": candidate.revision or "",
            "device": "cpu",
            "backend": "torch",
            "dtype": "float32",
            "threads": 2,
            "processor": "a processor",
            "segment_s": 3.0,
            "calls_ms": (100.0,) * calls,
            "warmup_calls": 5,
            "load_s": 1.5,
            "peak_memory_mb": 500.0,
        }
        self.latencies.append(LatencyMeasurement.model_validate(content | fields))

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


@pytest.fixture
def run() -> RunBuilder:
    return RunBuilder()


@pytest.fixture
def mostly_right() -> Callable[[CorpusRecord, float, int], list[str | None]]:
    """The truth, with a random share of it replaced by another emotion."""

    def build(corpus: CorpusRecord, wrong: float, seed: int) -> list[str | None]:
        generator = np.random.default_rng(seed)
        labels = [clip.label for clip in corpus.clips if clip.clip_hash is not None]
        others: NDArray[np.int64] = generator.integers(1, len(EMOTIONS), size=len(labels))
        said: list[str | None] = []
        for label, other in zip(labels, others, strict=True):
            place = EMOTIONS.index(label or "neutral")
            said.append(EMOTIONS[(place + other) % len(EMOTIONS)] if generator.random() < wrong else label)
        return said

    return build
