"""A loaded model in a worker of its own, as the evaluation talks to it."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.subjects import Subject
from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Failure, Returned
from benchmark.workers.limits import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.models.actors:ModelActor"
_QUICK_S = 30.0


class ModelSession:
    """One subject's model in a worker; the `with` block ends the worker.

    Args:
        subject: Whose model.
        device: Where it computes.
        threads: Threads that it may compute with.
        settings: Limits and places.
    """

    def __init__(self, subject: Subject, *, device: str, threads: int, settings: Settings) -> None:
        self._subject = subject
        self._device = device
        self._settings = settings
        self._worker = Worker(_ACTOR, log=log_path(subject, settings), limits=Limits(threads=threads))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.close()

    def load(self) -> LoadReport | Failure:
        """Load the model."""
        options = LoadOptions(preprocessor=self._subject.preprocessor, device=self._device, head=self._subject.head)
        answer = self._worker.call(
            "load", str(self._subject.folder), options.as_plain(), timeout_s=self._settings.load_timeout_s
        )
        return LoadReport.from_plain(answer.value) if isinstance(answer, Returned) else answer

    def predict(self, samples: NDArray[np.float32]) -> Answer:
        """Ask about one window; the value has `logits`, `windows` and `seconds`."""
        return self._worker.call("predict", samples, timeout_s=self._settings.clip_timeout_s)

    def time_calls(self, segments: Sequence[NDArray[np.float32]], *, warmup: int, calls: int) -> Answer:
        """Time single calls; the value is a list of milliseconds."""
        timeout_s = self._settings.clip_timeout_s * (warmup + calls)
        return self._worker.call("time_calls", list(segments), warmup, calls, timeout_s=timeout_s)

    def peak_memory_mb(self) -> float | None:
        """The most memory used so far, in MB (10⁶ bytes); None where the worker has ended."""
        answer = self._worker.call("peak_memory_mb", timeout_s=_QUICK_S)
        return float(answer.value) if isinstance(answer, Returned) else None


def log_path(subject: Subject, settings: Settings) -> Path:
    """Where what the subject's workers print is kept."""
    return settings.logs / f"{subject.slug}.log"
