"""Timelines: predictions of models for recordings over time, as windows and as stretches of one emotion."""

from datetime import datetime
from itertools import groupby, pairwise

from benchmark.results.environment import Environment
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.status import Status


class WindowAnswer(Stored):
    """The prediction for one window; times are seconds from the beginning of the recording.

    Attributes:
        probabilities: One per emotion, in the order of the timeline's `emotions`. They sum to less than 1 if labels of
            the model map to no emotion.
    """

    start_s: float
    end_s: float
    probabilities: tuple[float, ...]


class Span(Stored):
    """A stretch of a recording with one most probable emotion, whose probability is averaged over the stretch."""

    start_s: float
    end_s: float
    emotion: str
    probability: float


class Timeline(Stored):
    """The predictions of one model for one recording.

    Attributes:
        id: A repository, or a local folder.
        multi_label: Whether the head was trained with one sigmoid per label; softmax is taken all the same.
        duration_s: Of the audio that was decoded.
        window_s: Length of a window; the only window of a shorter recording is shorter.
        hop_s: From the beginning of one window to that of the next.
        emotions: The classes that the model distinguishes, after merges.
        windows: In the order of time; they may overlap.
        failure: Why there is no prediction, or none for the rest of the recording.
    """

    model: str
    id: str
    revision: str | None
    status: Status
    multi_label: bool = False
    recording: str
    duration_s: float = 0.0
    window_s: float
    hop_s: float
    emotions: tuple[str, ...]
    windows: tuple[WindowAnswer, ...] = ()
    failure: str | None = None
    notes: tuple[str, ...] = ()

    def spans(self) -> tuple[Span, ...]:
        """Assign to each window the time that is nearest to its middle, so that spans cover the recording once.

        Examples:
            >>> answers = (WindowAnswer(start_s=0, end_s=3, probabilities=(0.9, 0.1)),
            ...     WindowAnswer(start_s=1, end_s=4, probabilities=(0.4, 0.6)))
            >>> timeline = Timeline(model="a", id="a", revision=None, status=Status.USABLE, recording="a.wav",
            ...     duration_s=4, window_s=3, hop_s=1, emotions=("anger", "fear"), windows=answers)
            >>> [(span.start_s, span.end_s, span.emotion) for span in timeline.spans()]
            [(0.0, 2.0, 'anger'), (2.0, 4.0, 'fear')]
        """
        if not self.windows or not self.emotions:
            return ()
        middles = [(window.start_s + window.end_s) / 2 for window in self.windows]
        bounds = [0.0, *((before + after) / 2 for before, after in pairwise(middles)), self.duration_s]
        spans = []
        for window, (start, end) in zip(self.windows, pairwise(bounds), strict=True):
            best = max(range(len(self.emotions)), key=window.probabilities.__getitem__)
            spans.append(
                Span(start_s=start, end_s=end, emotion=self.emotions[best], probability=window.probabilities[best])
            )
        return tuple(spans)

    def stretches(self) -> tuple[Span, ...]:
        """Merge neighbouring windows of the same most probable emotion."""
        merged = []
        for emotion, group in groupby(self.spans(), key=lambda span: span.emotion):
            spans = list(group)
            seconds = sum(span.end_s - span.start_s for span in spans)
            weighted = sum(span.probability * (span.end_s - span.start_s) for span in spans)
            merged.append(
                Span(
                    start_s=spans[0].start_s,
                    end_s=spans[-1].end_s,
                    emotion=emotion,
                    probability=weighted / seconds if seconds else spans[0].probability,
                )
            )
        return tuple(merged)

    def mean_probabilities(self) -> tuple[float, ...]:
        """Average the probabilities over the recording, each window weighted by the length of its span."""
        spans = self.spans()
        whole = sum(span.end_s - span.start_s for span in spans)
        if not whole:
            return ()
        weights = [(span.end_s - span.start_s) / whole for span in spans]
        return tuple(
            sum(weight * window.probabilities[index] for weight, window in zip(weights, self.windows, strict=True))
            for index in range(len(self.emotions))
        )


class RefusedModel(Stored):
    """A model that the user named and that cannot be used."""

    model: str
    status: Status
    reason: str


class Timelines(StoredFile):
    """Timelines of several models for several recordings; the models of one recording stand together.

    Attributes:
        calibrated: Whether a probability of 0.9 means right nine times in ten. It does not: these are the models' own.
    """

    created: datetime
    environment: Environment
    calibrated: bool = False
    timelines: tuple[Timeline, ...]
    refused: tuple[RefusedModel, ...] = ()
