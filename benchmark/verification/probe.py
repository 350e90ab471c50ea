"""Probes: clearly different sounds that show whether a loaded model answers at all, and answers the same twice.

Six of them are voiced. No two differ in gain only, which the normalisation of most models would take away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.waveform import Waveform, resample
from benchmark.demo.files import read_probe
from benchmark.models.heads import ACTIVATIONS
from benchmark.models.load_reports import LoadOptions, LoadReport
from benchmark.results.status import Status
from benchmark.results.verification import Batching, Finding
from benchmark.settings import Settings
from benchmark.verification.labels import labels_of
from benchmark.verification.record import CandidateRecord
from benchmark.verification.sandbox import finding_of
from benchmark.workers.answers import Answer, Failure, Raised, Returned
from benchmark.workers.worker import Worker

SEEDS = (1, 2)
"""Of the first and of the second load: whatever is not in the checkpoint shows in the difference."""
SMALLEST_SPREAD = 1e-4
"""Answers that lie closer together than this, relative to their size, are the same answer."""
LARGEST_DIFFERENCE = 1e-5
"""Answers of two loads may differ by this."""

_RATE = 16_000
_NOISE_S = 1.5
_LEVEL = 0.1
_EMOTIONS = ("neutral", "anger", "sadness", "happiness", "fear", "disgust")
_REPEATED = 3
_SHORT_SHARE = 0.6

Samples = NDArray[np.float32]
Logits = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Probe:
    """One input: what it sounds like, whether it is speech, and the sound."""

    name: str
    voiced: bool
    waveform: Waveform

    def samples(self, sampling_rate: int | None, window_s: float) -> Samples:
        """Give the samples at a model's rate, at most one window of them."""
        rate = sampling_rate or 1
        return resample(self.waveform, rate).samples[: max(1, int(window_s * rate))]


def make_probes() -> tuple[Probe, ...]:
    """Make the probes: six recordings of a synthetic voice, then six noises; the same ones in every call.

    Examples:
        >>> probes = make_probes()
        >>> len(probes), sum(probe.voiced for probe in probes)
        (12, 6)
    """
    voiced = tuple(Probe(f"voice, {emotion}", True, read_probe(emotion)) for emotion in _EMOTIONS)
    return voiced + tuple(Probe(name, False, _levelled(samples)) for name, samples in _noises())


@dataclass(frozen=True)
class LoadedModel:
    """The checkpoint in `folder`, of the candidate of `record`, in a worker of its own."""

    worker: Worker
    folder: Path
    record: CandidateRecord
    settings: Settings

    def load(self, seed: int = SEEDS[0]) -> Answer:
        """Load the checkpoint, with a rebuilt head where the record says so."""
        preprocessor = self.record.candidate.preprocessor
        options = LoadOptions(
            preprocessor=None if preprocessor is None else preprocessor.model_dump(mode="json"),
            preprocessor_required=False,
            seed=seed,
            head=self.record.repair,
            onnx=self._onnx,
            prompts=self.record.candidate.plain_prompts,
        )
        return self.worker.call("load", str(self.folder), asdict(options), timeout_s=self.settings.load_timeout_s)

    @property
    def _onnx(self) -> dict[str, Any] | None:
        file = self.record.candidate.onnx
        labels = labels_of(self.record.candidate, self.record.config)
        return None if file is None else {"file": file, "labels": list(labels)}

    def logits(self, probes: Sequence[Samples]) -> Logits:
        """Compute the logits of each probe alone, of shape (probes, labels)."""
        return np.stack([self.call("logits", samples) for samples in probes])

    def call(self, method: str, samples: object, calls: int = 1) -> Logits:
        """Call a method of the worker that gives logits, within the time of so many `calls`."""
        answer = self.worker.call(method, samples, timeout_s=self.settings.clip_timeout_s * calls)
        if not isinstance(answer, Returned):
            raise _CallFailedError(answer)
        return np.asarray(answer.value, dtype=np.float32)


class _CallFailedError(Exception):
    """The worker did not get to an answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def run_probes(model: LoadedModel, report: LoadReport) -> None:
    """Compute all probes, load again and compute some again, and try batches; fill in what that shows."""
    record = model.record
    samples = [probe.samples(report.sampling_rate, report.window_s) for probe in make_probes()]
    try:
        logits = model.logits(samples)
        findings = list(judge_answers(logits, report.labels))
        evidence = answer_evidence(logits, report.labels) if np.isfinite(logits).all() else {}
        if not findings:
            if record.candidate.is_classifier:
                record.batching = _measure_batching(model, samples)
            else:
                findings += _judge_silence_and_repetition(model, samples, logits)
            again = model.load(SEEDS[1])
            if not isinstance(again, Returned):
                raise _CallFailedError(again)
            second = model.logits(samples[:_REPEATED])
            findings += judge_repetition(logits[:_REPEATED], second)
            evidence["difference between two loads"] = largest_difference(logits[:_REPEATED], second)
        record.findings += findings
        record.evidence |= evidence
    except _CallFailedError as error:
        record.batching = None
        record.findings.append(_finding_of_failure(error.failure))


def answers_by_activation(model: LoadedModel, report: LoadReport) -> dict[str, Any]:
    """Give the answers of a rebuilt head under every activation that it may have had, as evidence for a person."""
    probes = [probe for probe in make_probes() if probe.voiced][:_REPEATED]
    samples = [probe.samples(report.sampling_rate, report.window_s) for probe in probes]
    timeout_s = model.settings.clip_timeout_s * len(ACTIVATIONS) * len(samples)
    answer = model.worker.call("answers_by_activation", samples, timeout_s=timeout_s)
    if not isinstance(answer, Returned):
        return {"message": answer.reason}
    return {
        activation: {
            probe.name: {
                "answer": report.labels[int(np.argmax(logits))] if np.isfinite(logits).all() else None,
                "logits": [round(float(value), 4) for value in logits if np.isfinite(value)],
            }
            for probe, logits in zip(probes, answers, strict=True)
        }
        for activation, answers in answer.value.items()
    }


def judge_answers(logits: Logits, labels: Sequence[str]) -> Iterator[Finding]:
    """Judge the answers to all probes, of shape (probes, labels); yields at most one finding, `broken-output`.

    Examples:
        >>> [finding.reason for finding in judge_answers(np.zeros((12, 2), np.float32), ("sad", "happy"))]
        ['It gives the same answer to clearly different inputs: no output moves by more than 0 over 12 probes.']
    """
    if not np.isfinite(logits).all():
        bad = int((~np.isfinite(logits)).any(axis=1).sum())
        reason = f"It answers {bad} of {len(logits)} probes with NaN or infinity."
        yield Finding(status=Status.BROKEN_OUTPUT, reason=reason, evidence={"probes": len(logits), "not finite": bad})
    elif spread(logits) < SMALLEST_SPREAD * max(1.0, float(np.abs(logits).max())):
        yield Finding(
            status=Status.BROKEN_OUTPUT,
            reason="It gives the same answer to clearly different inputs: no output moves by more than "
            f"{spread(logits):.1g} over {len(logits)} probes.",
            evidence=answer_evidence(logits, labels),
        )


def judge_repetition(first: Logits, second: Logits) -> Iterator[Finding]:
    """Judge whether two loads under different random seeds give the same logits, of shape (probes, labels).

    Yields at most one finding, `broken-output`.

    Examples:
        >>> list(judge_repetition(np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)))
        []
    """
    difference = largest_difference(first, second)
    if not difference <= LARGEST_DIFFERENCE:
        yield Finding(
            status=Status.BROKEN_OUTPUT,
            reason=f"Two loads of it answer differently, by {difference:.2g}: something that decides its answers is "
            "not in the checkpoint.",
            evidence={"difference between two loads": difference},
        )


def answer_evidence(logits: Logits, labels: Sequence[str]) -> dict[str, Any]:
    """Give the answers to the probes as evidence; that all decisions are the same is no fault.

    Examples:
        >>> answer_evidence(np.array([[0.0, 1.0], [0.0, 3.0]], np.float32), ("sad", "happy"))
        {'probes': 2, 'spread': 2.0, 'largest logit': 3.0, 'decisions': {'happy': 2}, 'same decision on all': True}
    """
    names, counts = np.unique(logits.argmax(axis=1), return_counts=True)
    return {
        "probes": len(logits),
        "spread": round(spread(logits), 6),
        "largest logit": round(float(np.abs(logits).max()), 6),
        "decisions": {labels[int(name)]: int(count) for name, count in zip(names, counts, strict=True)},
        "same decision on all": len(names) == 1,
    }


def spread(logits: Logits) -> float:
    """The largest difference of any output between any two probes."""
    return float((logits.max(axis=0) - logits.min(axis=0)).max())


def largest_difference(first: Logits, second: Logits) -> float:
    """The largest difference of any output; NaN where one is not a number."""
    return float(np.abs(first.astype(np.float64) - second).max())


def _judge_silence_and_repetition(model: LoadedModel, samples: Sequence[Samples], logits: Logits) -> Iterator[Finding]:
    """Judge whether a file that may hold any operator answers silence, and one input twice alike in one load."""
    if not np.isfinite(model.logits([np.zeros_like(samples[0])])).all():
        yield Finding(status=Status.BROKEN_OUTPUT, reason="It answers silence with NaN or infinity.")
    difference = largest_difference(logits[:_REPEATED], model.logits(samples[:_REPEATED]))
    if not difference <= LARGEST_DIFFERENCE:
        yield Finding(
            status=Status.BROKEN_OUTPUT,
            reason=f"It answers the same input twice differently, by {difference:.2g}: its answers are random.",
            evidence={"difference between two answers": difference},
        )


def _measure_batching(model: LoadedModel, samples: Sequence[Samples]) -> Batching:
    """Compare batches of two probes with each probe alone."""
    shortest = min(probe.size for probe in samples)
    equal = [probe[:shortest] for probe in samples[:2]]
    uneven = [samples[0], samples[1][: max(1, int(samples[0].size * _SHORT_SHARE))]]
    return Batching(
        size=len(equal), equal_lengths=_change_by_batch(model, equal), padded=_change_by_batch(model, uneven)
    )


def _change_by_batch(model: LoadedModel, samples: Sequence[Samples]) -> float | None:
    """By how much a batch changes the logits; None where the model takes no batch."""
    try:
        alone = model.logits(samples)
        together = model.call("batch_logits", list(samples), calls=len(samples))
    except _CallFailedError as error:
        if isinstance(error.failure, Raised):
            return None
        raise
    change = largest_difference(alone, together) if alone.shape == together.shape else float("nan")
    return change if np.isfinite(change) else None


def _finding_of_failure(failure: Failure) -> Finding:
    if isinstance(failure, Raised):
        return Finding(
            status=Status.BROKEN_OUTPUT,
            reason=f"It loads, and cannot answer a probe of its kind: {failure.reason.rstrip('.')}.",
            evidence={"message": failure.reason, "outer": failure.outer},
        )
    return finding_of(failure, "Asking it failed")


def _noises() -> Iterator[tuple[str, NDArray[np.float64]]]:
    random = np.random.default_rng(12)
    time = np.arange(int(_NOISE_S * _RATE)) / _RATE
    white = random.standard_normal(time.size)
    yield "white noise", white
    yield "brown noise", np.cumsum(random.standard_normal(time.size)) * np.hanning(time.size)
    yield "rising tone", np.sin(2 * np.pi * (100 + 1000 * time) * time)
    yield "buzz", np.sign(np.sin(2 * np.pi * 110 * time)) + 0.01 * random.standard_normal(time.size)
    yield "clicks", (np.arange(time.size) % 1600 == 0) + 0.001 * random.standard_normal(time.size)
    yield "bursts", random.standard_normal(time.size) * (np.sin(2 * np.pi * 4 * time) > 0)


def _levelled(samples: NDArray[np.float64]) -> Waveform:
    centred = samples - samples.mean()
    levelled = centred * (_LEVEL / np.sqrt(np.mean(centred**2)))
    return Waveform(np.clip(levelled, -1, 1).astype(np.float32), _RATE)
