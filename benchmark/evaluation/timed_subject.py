"""A candidate under the clock: its loaded model, the audio at its rate, and the calls timed so far."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.resampling import resample
from benchmark.audio.waveform import Waveform
from benchmark.evaluation.segments import SEGMENT_RATE
from benchmark.evaluation.sessions import ModelSession
from benchmark.evaluation.stopping import stopped_by
from benchmark.evaluation.subjects import Subject
from benchmark.models.reports import LoadReport
from benchmark.results.inference import Stopped
from benchmark.workers.answers import Returned

WARMUP_CALLS = 5
BLOCK_CALLS = 10


@dataclass
class TimedSubject:
    """A candidate under the clock.

    Attributes:
        subject: The candidate.
        session: Its model.
        loaded: What the load found out; None where it failed.
        segments: What is timed, at the model's rate.
        calls_ms: The timed calls so far.
        failure: Why there will be no more; None where nothing failed.
    """

    subject: Subject
    session: ModelSession
    loaded: LoadReport | None
    segments: tuple[NDArray[np.float32], ...]
    calls_ms: list[float] = field(default_factory=list)
    failure: str | None = None

    @classmethod
    def load(
        cls, stack: ExitStack, subject: Subject, session: ModelSession, segments: Sequence[Waveform]
    ) -> "TimedSubject":
        """Load a candidate to be timed; where that fails, say so in its `failure`.

        Args:
            stack: Ends the session.
            subject: The candidate.
            session: Its model, not loaded yet.
            segments: The stretches of speech that all candidates are timed on.
        """
        loaded = stack.enter_context(session).load()
        if not isinstance(loaded, LoadReport):
            failure = f"It could not be loaded to be timed: {loaded.reason}."
            return cls(subject, session, None, (), failure=failure)
        rate = loaded.sampling_rate or SEGMENT_RATE
        return cls(subject, session, loaded, tuple(resample(segment, rate).samples for segment in segments))

    def stopped_by(self, budget_s: float) -> Stopped | None:
        """Say why no more calls are timed; None where it goes on."""
        return Stopped.FAILED if self.failure is not None else stopped_by(self.calls_ms, budget_s=budget_s)

    def take_turn(self) -> int:
        """Time one block of calls, after a warm-up where it is the first.

        Returns:
            How many calls were timed.
        """
        warmup = 0 if self.calls_ms else WARMUP_CALLS
        answer = self.session.time_calls(self.segments, warmup=warmup, calls=BLOCK_CALLS)
        if not isinstance(answer, Returned):
            self.failure = f"Its worker ended while it was timed: {answer.reason}."
            return 0
        self.calls_ms += [float(call) for call in answer.value]
        return len(answer.value)

    def median_ms(self) -> float | None:
        """The median of the calls so far; None without any."""
        return float(np.median(self.calls_ms)) if self.calls_ms else None
