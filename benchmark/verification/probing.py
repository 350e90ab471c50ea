"""Behaviour: what a model that was loaded says to the probes, and whether it says it again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.results.status import Status
from benchmark.results.verification import Batching, Finding
from benchmark.settings import Settings
from benchmark.verification.failures import finding_of
from benchmark.verification.probes import (
    Probe,
    answer_evidence,
    judge_answers,
    judge_repetition,
    largest_difference,
    make_probes,
)
from benchmark.workers.answers import Failure, Raised, Returned
from benchmark.workers.worker import Worker

SEEDS = (1, 2)
"""Of the first and of the second load: whatever is not in the checkpoint shows in the difference."""

_AGAIN = 3
_SHORT_SHARE = 0.6

Logits = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What the probes brought.

    Attributes:
        findings: What speaks against the candidate.
        evidence: What it said, for a person.
        batching: Which batches change its answers; None where that was not asked.
    """

    findings: tuple[Finding, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    batching: Batching | None = None


class _EndedError(Exception):
    """The worker did not get to an answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass(frozen=True)
class Questioner:
    """Asks the model that a worker has loaded.

    Attributes:
        worker: Who holds the model.
        folder: Where its checkpoint lies.
        options: How it was loaded, with the first seed.
        report: What the load found out.
        settings: Limits.
    """

    worker: Worker
    folder: str
    options: LoadOptions
    report: LoadReport
    settings: Settings

    def probe(self) -> Probed:
        """Ask about all probes, load again, ask again, and try batches."""
        probes = make_probes()
        samples = [self._samples(probe) for probe in probes]
        try:
            logits = np.stack([self._logits(each) for each in samples])
            evidence: dict[str, Any] = {}
            if np.isfinite(logits).all():
                evidence |= answer_evidence(logits, self.report.labels)
            findings = list(judge_answers(logits, self.report.labels))
            batching = None if findings else self._batching(samples, logits)
            if not findings:
                again = self._load_again_and_ask(samples[:_AGAIN])
                findings += judge_repetition(logits[:_AGAIN], again)
                evidence["difference between two loads"] = largest_difference(logits[:_AGAIN], again)
        except _EndedError as ended:
            return Probed(findings=(_ended(ended.failure),))
        return Probed(findings=tuple(findings), evidence=evidence, batching=batching)

    def activations(self) -> dict[str, Any]:
        """Ask a rebuilt head under every activation that it may have had; nothing where it can't be asked."""
        chosen = [probe for probe in make_probes() if probe.voiced][:_AGAIN]
        samples = [self._samples(probe) for probe in chosen]
        answer = self.worker.call("answers_by_activation", samples, timeout_s=self._timeout_s(3 * _AGAIN))
        if not isinstance(answer, Returned):
            return {"message": answer.reason}
        return {
            activation: {
                probe.name: {
                    "answer": self.report.labels[int(np.argmax(logits))] if np.isfinite(logits).all() else None,
                    "logits": [round(float(value), 4) for value in logits if np.isfinite(value)],
                }
                for probe, logits in zip(chosen, answers, strict=True)
            }
            for activation, answers in answer.value.items()
        }

    def _samples(self, probe: Probe) -> NDArray[np.float32]:
        return probe.samples(self.report.sampling_rate or 1, self.report.window_s)

    def _logits(self, samples: NDArray[np.float32]) -> Logits:
        return self._ask("logits", samples)

    def _load_again_and_ask(self, samples: Sequence[NDArray[np.float32]]) -> Logits:
        options = {**self.options.as_plain(), "seed": SEEDS[1]}
        answer = self.worker.call("load", self.folder, options, timeout_s=self.settings.load_timeout_s)
        if not isinstance(answer, Returned):
            raise _EndedError(answer)
        return np.stack([self._logits(each) for each in samples])

    def _batching(self, samples: Sequence[NDArray[np.float32]], logits: Logits) -> Batching:
        """Compare batches with what the model says to each clip alone; what can't be batched has no difference."""
        shortest = min(each.size for each in samples)
        equal = [each[:shortest] for each in samples[:2]]
        uneven = [samples[0], samples[1][: max(1, int(samples[0].size * _SHORT_SHARE))]]
        return Batching(size=len(equal), equal_lengths=self._change(equal), padded=self._change(uneven))

    def _change(self, samples: Sequence[NDArray[np.float32]]) -> float | None:
        try:
            alone = np.stack([self._logits(each) for each in samples])
            together = self._ask("batch_logits", list(samples), calls=len(samples))
        except _EndedError as ended:
            if isinstance(ended.failure, Raised):
                return None
            raise
        change = largest_difference(alone, together) if alone.shape == together.shape else float("nan")
        return change if np.isfinite(change) else None

    def _ask(self, method: str, samples: Any, calls: int = 1) -> Logits:
        answer = self.worker.call(method, samples, timeout_s=self._timeout_s(calls))
        if not isinstance(answer, Returned):
            raise _EndedError(answer)
        return np.asarray(answer.value, dtype=np.float32)

    def _timeout_s(self, calls: int) -> float:
        return self.settings.clip_timeout_s * calls


def _ended(failure: Failure) -> Finding:
    if isinstance(failure, Raised):
        return Finding(
            status=Status.BROKEN_OUTPUT,
            reason=f"It loads, and cannot answer a probe of its kind: {failure.reason.rstrip('.')}.",
            evidence={"message": failure.reason, "outer": failure.outer},
        )
    return finding_of(failure, "Asking it failed")
