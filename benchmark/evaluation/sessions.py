"""A loaded model in a worker: windows go in, and their answers come out in the same order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmark.corpora.audio_reader import ClipWindow
from benchmark.evaluation.eligibility import Subject
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.protocol import Engine, Streams
from benchmark.models.load_reports import LoadOptions, LoadReport
from benchmark.results.storage import candidate_slug
from benchmark.settings import Settings
from benchmark.verification.foreign import foreign_command, start_limit_s, window_limit_s
from benchmark.workers.answers import Answer, Crashed, Failure, Raised, Returned, TimedOut, from_plain
from benchmark.workers.process import Limits
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.models.actor:ModelActor"
_CHANGED = Raised(
    kind="ChangedProgram",
    message="it announces something else than when it was verified: run `bench verify --refresh --allow-code`",
    outer="ChangedProgram",
)
_QUICK_S = 30.0
# Windows that wait in the worker for each one that is being computed, so that no stream waits for audio.
_QUEUED_PER_STREAM = 2


@dataclass(frozen=True)
class Implementation:
    """An engine, with what it opens.

    Attributes:
        converted: Folder of the converted model; None where torch computes.
        digest: The converted model that was compared with the reference; None accepts any.
    """

    engine: Engine
    converted: Path | None = None
    digest: str | None = None

    def is_broken(self) -> bool:
        """Whether the converted model is missing, damaged, or another one."""
        if self.converted is None:
            return False
        model = ConvertedModel.open(self.converted)
        return model is None or model.digest != self.digest


@dataclass(frozen=True, eq=False)
class AnsweredWindow:
    """A window, or the end of its clip, with the answer.

    Attributes:
        answer: Its value has `logits` and `seconds`; None for the end of a clip.
        end: Why there will be no further answers; None while there may be.
    """

    window: ClipWindow
    answer: Answer | None
    end: Failure | None = None


class ModelSession:
    """One subject's model in a worker; the `with` block ends the worker.

    With `side_by_side`, `answers` computes several windows at once, a thread each or as a batch; else one at a time
    with all threads, as latency is measured. A session that converts names the folder of the converted models of its
    checkpoint as `writable`.
    """

    def __init__(
        self,
        subject: Subject,
        implementation: Implementation,
        *,
        threads: int,
        settings: Settings,
        side_by_side: bool = False,
        writable: Sequence[Path] = (),
    ) -> None:
        self.subject = subject
        self.implementation = implementation
        self._settings = settings
        engine = implementation.engine
        on_gpu = engine.device != "cpu"
        self._batch = engine.batch if side_by_side else 1
        at_once = side_by_side and not on_gpu and self._batch == 1 and not subject.is_foreign
        self._streams = Streams(count=threads) if at_once else Streams(threads=threads)
        # A GPU is done so soon that the time of a window's way to the worker would count.
        self._pipelined = at_once or on_gpu or self._batch > 1
        limits = Limits(threads=self._streams.threads)
        self._worker = Worker(
            _ACTOR,
            log=log_path(subject, settings),
            limits=limits,
            kind=WorkerKind.FOREIGN if subject.is_foreign else WorkerKind.COMPUTE,
            writable=writable,
            preloaded=not subject.is_foreign,
        )
        self._is_idle = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    @property
    def is_reusable(self) -> bool:
        """Whether the worker of a loaded model lives, and owes no answer."""
        return self._is_idle and not self.has_ended

    @property
    def has_ended(self) -> bool:
        """Whether the worker of a loaded model has crashed or exceeded a time limit."""
        return self._worker.pid is None

    @property
    def has_crashed(self) -> bool:
        """Whether the worker's process has ended in the middle of a call."""
        return isinstance(self._worker.end, Crashed)

    def load(self) -> LoadReport | Failure:
        """Load the model."""
        chosen, converted = self.implementation, None
        if chosen.converted is not None:
            converted = {"folder": str(chosen.converted.absolute()), "digest": chosen.digest}
        answer = self._worker.call(
            "load",
            str(self.subject.folder),
            asdict(load_options(self.subject, chosen.engine, self._settings)),
            asdict(replace(chosen.engine, batch=self._batch)),
            asdict(self._streams),
            converted,
            timeout_s=start_limit_s(self._settings) if self.subject.is_foreign else self._settings.load_timeout_s,
        )
        if not isinstance(answer, Returned):
            return answer
        report = LoadReport.from_plain(answer.value)
        return _CHANGED if self.subject.is_foreign and not _is_as_verified(self.subject, report) else report

    def convert(self, backend: str, folder: Path) -> Answer:
        """Convert the loaded checkpoint; the value has `digest` and `seconds`."""
        return self._worker.call("convert", backend, str(folder.absolute()), timeout_s=self._settings.load_timeout_s)

    def computes_in(self, dtype: str) -> Answer:
        """Find out whether OpenVINO really computes in a number format on this processor."""
        return self._worker.call("computes_in", dtype, timeout_s=self._settings.load_timeout_s)

    def answers(self, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        """Compute windows of many clips, in their order; if the worker ends, the last one has an `end`.

        Side by side, several are sent ahead, so that no stream waits for audio.
        """
        self._is_idle = False
        yield from self._answers(windows)
        self._is_idle = True

    def _answers(self, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        if not self._pipelined:
            for window in windows:
                answer = None if window.samples is None else self.predict(window.samples)
                yield AnsweredWindow(window, answer, end=answer if isinstance(answer, Crashed | TimedOut) else None)
            return
        waiting: deque[ClipWindow] = deque()  # sent windows, and ends of clips behind them
        received: deque[Answer] = deque()
        pending = 0
        for next_window in chain(windows, repeat(None)):
            if next_window is not None:
                waiting.append(next_window)
            elif not waiting:
                return
            if next_window is None or next_window.samples is not None:
                sent = [] if next_window is None or next_window.samples is None else [next_window.samples]
                pending += len(sent)
                # The rest is received one by one: the time limit is for one window.
                answer = self.exchange(sent, self._most_pending if sent else max(0, pending - 1))
                if not isinstance(answer, Returned):  # the worker may live, but nobody knows which windows it has
                    yield AnsweredWindow(waiting[0], None, end=answer)
                    return
                received.extend(map(from_plain, answer.value))
                pending -= len(answer.value)
            while waiting and (waiting[0].samples is None or received):
                first = waiting.popleft()
                yield AnsweredWindow(first, None if first.samples is None else received.popleft())

    @property
    def _window_timeout_s(self) -> float:
        """How long one window may take; a program is given its own time in its worker, which may start it again."""
        return window_limit_s(self._settings) if self.subject.is_foreign else self._settings.clip_timeout_s

    @property
    def _most_pending(self) -> int:
        """Windows that are sent ahead: with batches one that is computed, and one that is filled meanwhile."""
        return 2 * self._batch if self._batch > 1 else self._streams.count * (1 + _QUEUED_PER_STREAM)

    def exchange(self, windows: Sequence[NDArray[np.float32]], most_pending: int) -> Answer:
        """Send windows, and wait until no more than `most_pending` are on their way."""
        # The oldest of them may be the last of a batch behind another.
        timeout_s = self._window_timeout_s * (self._most_pending if self._batch > 1 else 1)
        return self._worker.call("exchange", list(windows), most_pending, timeout_s=timeout_s)

    def predict(self, samples: NDArray[np.float32]) -> Answer:
        """Compute one window; the value has `logits` and `seconds`."""
        return self._worker.call("predict", samples, timeout_s=self._window_timeout_s)

    def time_calls(self, segments: Sequence[NDArray[np.float32]], *, warmup: int, calls: int) -> Answer:
        """Time single calls; the value is a list of milliseconds."""
        timeout_s = self._window_timeout_s * (warmup + calls)
        return self._worker.call("time_calls", list(segments), warmup, calls, timeout_s=timeout_s)

    def peak_memory_mb(self) -> float | None:
        """The most memory used so far, in MB (10⁶ bytes); None where the worker has ended."""
        answer = self._worker.call("peak_memory_mb", timeout_s=_QUICK_S)
        return float(answer.value) if isinstance(answer, Returned) else None


class LoadedModels:
    """The models that one candidate is computed with; a `with` block ends their workers.

    Args:
        keep: Whether models stay loaded between uses, for somebody who computes one part of a run after another.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self._keep = keep
        self._kept: dict[tuple[Implementation, bool], tuple[ModelSession, LoadReport]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for session, _report in self._kept.values():
            session.close()
        self._kept.clear()

    @contextmanager
    def open(
        self, implementation: Implementation, *, side_by_side: bool, new: Callable[[], ModelSession]
    ) -> Iterator[tuple[ModelSession, LoadReport | Failure]]:
        """Open a model, which is loaded unless it was kept.

        Args:
            implementation: What computes.
            side_by_side: As of `ModelSession`.
            new: Makes the session.
        """
        key = (implementation, side_by_side)
        kept = self._kept.pop(key, None)
        session = new() if kept is None else kept[0]
        try:
            report = session.load() if kept is None else kept[1]
            yield session, report
            if self._keep and isinstance(report, LoadReport) and session.is_reusable:
                self._kept[key] = session, report
        finally:
            if key not in self._kept:
                session.close()


def load_options(subject: Subject, engine: Engine, settings: Settings) -> LoadOptions:
    """How a subject's checkpoint is loaded for an engine, or its program started."""
    return LoadOptions(
        preprocessor=subject.preprocessor,
        device=engine.device,
        dtype=engine.dtype,
        head=subject.head,
        command=foreign_command(subject.candidate, settings),
        onnx=subject.onnx,
        prompts=subject.prompts,
    )


def _is_as_verified(subject: Subject, report: LoadReport) -> bool:
    verified = subject.verification
    return (
        report.labels == verified.labels
        and report.sampling_rate == verified.sampling_rate
        and report.window_s == verified.window_s
        and report.head_parameters == verified.head_parameters
    )


def log_path(subject: Subject, settings: Settings) -> Path:
    """The file that keeps what the subject's workers print."""
    return settings.logs / f"{candidate_slug(subject.candidate.id)}.log"
