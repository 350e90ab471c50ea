"""A loaded model in a worker of its own, as the evaluation talks to it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.decoding import ClipWindow
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.answering import window_answer
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.protocol import TORCH, Engine, Streams
from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Crashed, Failure, Returned, TimedOut
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

_TORCH_ACTOR = "benchmark.models.actors:ModelActor"
_FAST_ACTOR = "benchmark.models.backends.fast_actor:FastActor"
_QUICK_S = 30.0
# Windows that wait in the worker for each one that is being computed, so that no stream waits for audio.
_WAITING_PER_STREAM = 2


@dataclass(frozen=True)
class Way:
    """How a model is computed.

    Attributes:
        engine: What computes.
        converted: Where the converted model lies; None where torch computes.
        digest: What tells the converted model that was held against the reference from any other.
    """

    engine: Engine
    converted: Path | None = None
    digest: str | None = None

    def is_broken(self) -> bool:
        """Whether the converted model that it needs is not there, not whole, or another one."""
        if self.converted is None:
            return False
        model = ConvertedModel.open(self.converted)
        return model is None or model.digest != self.digest


@dataclass(frozen=True, eq=False)
class AnsweredWindow:
    """A window, with what the model said.

    Attributes:
        window: The window, or the end of its clip.
        answer: What became of the question, whose value has `logits` and `seconds`; None for the end of a clip.
        end: Why there will be no further answers; None where there may be.
    """

    window: ClipWindow
    answer: Answer | None
    end: Failure | None = None


class ModelSession:
    """One subject's model in a worker; the `with` block ends the worker.

    Args:
        subject: Whose model.
        device: Where it computes.
        threads: Threads that it may compute with.
        settings: Limits and places.
        way: How it is computed; None for reference inference on that device.
        side_by_side: Whether `answers` computes several windows at once, a thread each or as a batch; else one at a
            time with all threads, as latency is measured.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        device: str,
        threads: int,
        settings: Settings,
        way: Way | None = None,
        side_by_side: bool = False,
    ) -> None:
        self._subject = subject
        self._settings = settings
        self._way = way or Way(Engine(device=device))
        on_gpu = self._way.engine.device != "cpu"
        self._batch = self._way.engine.batch if side_by_side else 1
        at_once = side_by_side and not on_gpu and self._batch == 1
        self._streams = Streams.side_by_side(threads) if at_once else Streams.one_at_a_time(threads)
        # A GPU is done so soon that what a window costs on its way to the worker would be felt.
        self._in_background = at_once or on_gpu or self._batch > 1
        actor = _TORCH_ACTOR if self._way.engine.backend == TORCH else _FAST_ACTOR
        self._worker = Worker(actor, log=log_path(subject, settings), limits=Limits(threads=self._streams.threads))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.close()

    def load(self) -> LoadReport | Failure:
        """Load the model."""
        answer = self._worker.call("load", *self._load_arguments(), timeout_s=self._settings.load_timeout_s)
        return LoadReport.from_plain(answer.value) if isinstance(answer, Returned) else answer

    def _load_arguments(self) -> tuple[object, ...]:
        engine, subject = self._way.engine, self._subject
        if engine.backend == TORCH:
            return str(subject.folder), load_options(subject, engine).as_plain(), self._streams.count, self._batch
        converted = str((self._way.converted or Path()).absolute())
        return (
            converted,
            self._way.digest,
            engine.as_plain(),
            self._streams.as_plain(),
            str(subject.folder),
            subject.preprocessor,
        )

    def predict(self, samples: NDArray[np.float32]) -> Answer:
        """Ask about one window; the value has `logits`, `windows` and `seconds`."""
        return self._worker.call("predict", samples, timeout_s=self._settings.clip_timeout_s)

    def answers(self, windows: Iterable[ClipWindow]) -> Iterator[AnsweredWindow]:
        """Ask about window after window; side by side, several are on their way, so that no stream waits for audio.

        Args:
            windows: Those of many clips, as they are heard.

        Yields:
            Each of them with its answer, in their order. The last one's answer says if the worker has ended.
        """
        if not self._in_background:
            for window in windows:
                answer = None if window.samples is None else self.predict(window.samples)
                yield AnsweredWindow(window, answer, end=answer if isinstance(answer, Crashed | TimedOut) else None)
            return
        under_way = _UnderWay()
        for window in windows:
            under_way.asked.append(window)
            if window.samples is not None:
                under_way.count += 1
                self._exchange(under_way, [window.samples], self._most_waiting)
            yield from under_way.in_order()
            if under_way.end is not None:
                return
        while under_way.asked and under_way.end is None:
            # One by one: the time limit is for one window.
            self._exchange(under_way, [], max(0, under_way.count - 1))
            yield from under_way.in_order()

    def _exchange(self, under_way: "_UnderWay", windows: Sequence[NDArray[np.float32]], most_waiting: int) -> None:
        answer = self.exchange(windows, most_waiting)
        if not isinstance(answer, Returned):
            # Even if the worker lives: nobody knows which windows it still has.
            under_way.end = answer
            return
        answers = [*map(window_answer, answer.value)]
        under_way.count -= len(answers)
        under_way.answered.extend(answers)

    @property
    def _most_waiting(self) -> int:
        """Windows that may be on their way; of batches one that is computed, and one that is filled meanwhile."""
        return 2 * self._batch if self._batch > 1 else self._streams.count * (1 + _WAITING_PER_STREAM)

    def exchange(self, windows: Sequence[NDArray[np.float32]], most_waiting: int) -> Answer:
        """Send windows, and wait until no more than `most_waiting` are on their way."""
        # The oldest of them may be the last of a batch behind another.
        timeout_s = self._settings.clip_timeout_s * (self._most_waiting if self._batch > 1 else 1)
        return self._worker.call("exchange", list(windows), most_waiting, timeout_s=timeout_s)

    def time_calls(self, segments: Sequence[NDArray[np.float32]], *, warmup: int, calls: int) -> Answer:
        """Time single calls; the value is a list of milliseconds."""
        timeout_s = self._settings.clip_timeout_s * (warmup + calls)
        return self._worker.call("time_calls", list(segments), warmup, calls, timeout_s=timeout_s)

    def peak_memory_mb(self) -> float | None:
        """The most memory used so far, in MB (10⁶ bytes); None where the worker has ended."""
        answer = self._worker.call("peak_memory_mb", timeout_s=_QUICK_S)
        return float(answer.value) if isinstance(answer, Returned) else None


def load_options(subject: Subject, engine: Engine) -> LoadOptions:
    """How torch loads a subject's checkpoint."""
    return LoadOptions(preprocessor=subject.preprocessor, device=engine.device, dtype=engine.dtype, head=subject.head)


def log_path(subject: Subject, settings: Settings) -> Path:
    """Where what the subject's workers print is kept."""
    return settings.logs / f"{subject.slug}.log"


@dataclass(eq=False)
class _UnderWay:
    """What was asked and not yet told, and the answers to the first of it."""

    asked: deque[ClipWindow] = field(default_factory=deque)
    answered: deque[Answer] = field(default_factory=deque)
    count: int = 0
    end: Failure | None = None

    def in_order(self) -> Iterator[AnsweredWindow]:
        """Take what is answered off the front, and the ends of clips behind it; last of all why there is no more."""
        while self.asked and (self.asked[0].samples is None or self.answered):
            window = self.asked.popleft()
            yield AnsweredWindow(window, None if window.samples is None else self.answered.popleft())
        if self.end is not None and self.asked:
            yield AnsweredWindow(self.asked[0], None, end=self.end)
