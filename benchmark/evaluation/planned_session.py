"""Windows of recordings on the fastest engine of a plan; where the two best answers are close, on the reference."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.evaluation.decoding import ClipSet, decode_corpus
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.parity import CLIPS_COMPARED
from benchmark.evaluation.plan import InferencePlan
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.models.load_reports import LoadReport
from benchmark.progress import Progress
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Failure, Raised, Returned


class WindowSession(Protocol):
    """A loaded model that answers windows."""

    @property
    def subject(self) -> Subject:
        """The candidate."""

    @property
    def implementation(self) -> Implementation:
        """What answers."""

    def predict(self, samples: NDArray[np.float32]) -> Answer:
        """Compute one window; the value has `logits`."""


class PlannedSession:
    """The fastest engine of a plan that has passed, in a worker; the `with` block ends it.

    Attributes:
        accepted_margin: The smallest distance of the two best answers at which this engine's own answer was taken,
            since `begin`.
        rerun_windows: The windows that the reference answered instead, since `begin`.
    """

    def __init__(self, plan: InferencePlan, *, threads: int, settings: Settings) -> None:
        self.plan, self.planned = plan, plan.current
        self.accepted_margin, self.rerun_windows = math.inf, 0
        self._threads, self._settings = threads, settings
        self._fast = self._session(self.planned.implementation)
        self._reference: ModelSession | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for session in self._sessions:
            session.__exit__(*error)

    @property
    def subject(self) -> Subject:
        """The candidate."""
        return self.plan.subject

    @property
    def implementation(self) -> Implementation:
        """The engine that answers what is not close."""
        return self.planned.implementation

    @property
    def has_ended(self) -> bool:
        """Whether a worker has crashed or exceeded a time limit."""
        return any(session.has_ended for session in self._sessions)

    @property
    def has_crashed(self) -> bool:
        """Whether the process of a worker has ended in the middle of a call."""
        return any(session.has_crashed for session in self._sessions)

    def load(self) -> LoadReport | Failure:
        """Load the model."""
        return self._fast.load()

    def begin(self) -> None:
        """Begin a recording."""
        self.accepted_margin, self.rerun_windows = math.inf, 0

    def predict(self, samples: NDArray[np.float32]) -> Answer:
        """Compute one window, again on the reference if the two best answers are close, or if the engine cannot."""
        if self.planned.is_reference:
            return self._fast.predict(samples)
        answer = self._fast.predict(samples)
        if not isinstance(answer, Returned | Raised):
            return answer
        decisions = self.plan.decisions
        if isinstance(answer, Returned) and not self.planned.has_failed:
            margin = float(decisions.margins(answer.value["logits"][np.newaxis])[0])
            if margin >= self.planned.margin:
                self.accepted_margin = min(self.accepted_margin, margin)
                return answer
        exact = self._predict_exactly(samples)
        self.rerun_windows += 1
        if isinstance(answer, Returned) and isinstance(exact, Returned):
            pair = (own.value["logits"][np.newaxis] for own in (exact, answer))
            self.plan.record_difference(self.planned, decisions.difference(*pair))
        return exact

    def is_outdated(self, accepted_margin: float) -> bool:
        """Whether answers that were taken at this margin would not be taken any more."""
        return accepted_margin < (math.inf if self.planned.has_failed else self.planned.margin)

    @property
    def _sessions(self) -> Sequence[ModelSession]:
        return [self._fast] if self._reference is None else [self._fast, self._reference]

    def _session(self, implementation: Implementation) -> ModelSession:
        return ModelSession(self.subject, implementation, threads=self._threads, settings=self._settings)

    def _predict_exactly(self, samples: NDArray[np.float32]) -> Answer:
        if self._reference is None:
            self._reference = self._session(self.plan.reference.implementation)
            loaded = self._reference.load()
            if not isinstance(loaded, LoadReport):
                return loaded
        return self._reference.predict(samples)


def count_windows(length_s: float | None, *, window_s: float, hop_s: float) -> int:
    """Count the windows of a recording; at least one, where its length is unknown.

    Examples:
        >>> count_windows(10.0, window_s=3, hop_s=1), count_windows(2.0, window_s=3, hop_s=1)
        (8, 1)
    """
    return 1 if length_s is None else 1 + max(0, math.ceil((length_s - window_s) / hop_s))


def windows_to_compare(
    recordings: Sequence[tuple[Clip, float | None]], *, window_s: float, reader: AudioReader, progress: Progress
) -> ClipSet:
    """Decode as many windows as a parity test compares: the first of each recording, then the second, and so on.

    Args:
        recordings: Each with its length in seconds; None where that is unknown.
        window_s: Length of a window in seconds.
        reader: Decodes.
        progress: Shows it.
    """
    stretches = tuple(islice(_stretches(recordings, window_s), CLIPS_COMPARED))
    corpus = Corpus(name="windows to compare", source="", clips=stretches, available_clips=len(stretches))
    return ClipSet.of([decode_corpus(corpus, reader, progress)])


def _stretches(recordings: Sequence[tuple[Clip, float | None]], window_s: float) -> Iterator[Clip]:
    """Stretches as long as a window, side by side; a shorter recording is one."""
    left = list(recordings)
    for index in count():
        start = index * window_s
        left = [own for own in left if index == 0 or (own[1] is not None and start + window_s <= own[1])]
        if not left:
            return
        for clip, length_s in left:
            if isinstance(clip.audio, AudioFile):
                begin = (clip.audio.start_s or 0.0) + start
                end = begin + (window_s if length_s is None else min(window_s, length_s))
                yield replace(clip, audio=replace(clip.audio, start_s=begin, stop_s=end))
