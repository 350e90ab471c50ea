"""Finished runs in a store, without running a model."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, CorpusRecord, EvaluationRecord, RunRecord, save_run
from benchmark.results.status import Status
from benchmark.results.verification import Verification

EMOTIONS = ("anger", "happiness", "neutral", "sadness")
WHEN = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)


def corpus(
    name: str = "acted", *, speakers: int = 8, repeats: int = 3, labelled: bool = True, **fields: Any
) -> CorpusRecord:
    """A corpus in which every speaker says every emotion `repeats` times, in German."""
    clips = tuple(
        ClipRecord(
            clip=f"{name}/{speaker}/{emotion}/{repeat}",
            clip_hash=f"{name}/{speaker}/{emotion}/{repeat}",
            duration_s=2.0,
            label=emotion if labelled else None,
            speaker=f"s{speaker}",
            language="de",
        )
        for speaker in range(speakers)
        for emotion in EMOTIONS
        for repeat in range(repeats)
    )
    content = {"name": name, "source": f"folder:{name}", "clips": clips, "available_clips": len(clips)}
    return CorpusRecord.model_validate(content | fields)


def verification(name: str, labels: Sequence[str] = EMOTIONS, **fields: Any) -> Verification:
    """A usable candidate on the Hub."""
    content = {
        "candidate": name,
        "id": f"org/{name}",
        "revision": f"{len(name):040x}",
        "status": Status.USABLE,
        "reason": "It loads.",
        "labels": tuple(labels),
        "emotions": tuple(labels),
        "head": "standard",
        "size_bytes": 100_000_000,
        "license": "apache-2.0",
    }
    return Verification.model_validate(content | fields)


class FinishedRun:
    """Builds a run in a store, candidate by candidate."""

    def __init__(self, cache: Path, *corpora: CorpusRecord) -> None:
        self.cache = cache
        self.corpora = corpora
        self.verifications: list[Verification] = []
        self.evaluations: list[EvaluationRecord] = []
        self.latencies: list[LatencyMeasurement] = []

    def add(
        self,
        candidate: Verification,
        *,
        wrong: float = 0.2,
        ms: float | None = 50.0,
        seed: int = 0,
        always: str | None = None,
    ) -> None:
        """Add predictions, a random share of them wrong or all the same, and latencies of a candidate."""
        self.verifications.append(candidate)
        setup = setup_of(candidate)
        for corpus in self.corpora:
            predictions = answers(candidate, corpus, wrong=wrong, seed=seed, always=always)
            PredictionStore(self.cache).add(setup, predictions)
            self.evaluations.append(EvaluationRecord(candidate=candidate.candidate, corpus=corpus.name, setup=setup))
        if ms is not None:
            self.latencies.append(
                LatencyMeasurement(
                    candidate=candidate.candidate, revision=setup.revision, device="cpu", backend="torch",
                    dtype="float32", threads=2, processor="a processor", segment_s=3.0, calls_ms=(ms,) * 30,
                    warmup_calls=5,
                )
            )  # fmt: skip

    def record(self, **fields: Any) -> RunRecord:
        """The record of the run."""
        content: Mapping[str, Any] = {
            "created": WHEN,
            "environment": Environment.here(),
            "registry": "candidates.yaml",
            "min_emotions": 2,
            "verifications": tuple(self.verifications),
            "corpora": self.corpora,
            "evaluations": tuple(self.evaluations),
            "latencies": tuple(self.latencies),
        }
        return RunRecord.model_validate({**content, **fields})

    def save(self, **fields: Any) -> RunRecord:
        """Keep the record in the store."""
        record = self.record(**fields)
        save_run(self.cache, record)
        return record


def setup_of(candidate: Verification) -> InferenceSetup:
    """The key of its predictions."""
    return InferenceSetup(
        candidate=candidate.id, revision=candidate.revision or "", labels=candidate.labels, head="standard",
        backend="torch", device="cpu", dtype="float32", window_s=30.0, versions={},
    )  # fmt: skip


def answers(
    candidate: Verification, corpus: CorpusRecord, *, wrong: float, seed: int, always: str | None = None
) -> list[Prediction]:
    """One prediction per clip: its label, or another one at random."""
    generator = np.random.default_rng(seed)
    predictions = []
    for index, clip in enumerate(corpus.clips):
        truth = clip.label or EMOTIONS[index % len(EMOTIONS)]
        others = [label for label in candidate.labels if label != truth]
        top = truth if truth in candidate.labels and generator.random() >= wrong else str(generator.choice(others))
        logits = np.array([3.0 * (label == (always or top)) for label in candidate.labels], dtype=np.float32)
        logits += generator.normal(0, 0.3, len(logits)).astype(np.float32)
        predictions.append(
            Prediction(clip_hash=clip.clip_hash or "", logits=logits, windows=1, failure=None, seconds=0.1)
        )
    return predictions
