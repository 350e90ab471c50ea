"""Timelines: predictions for recordings over time: as windows, as stretches of one emotion, and as one answer."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby, pairwise

from benchmark.audio.channels import Channel
from benchmark.results.environment import Environment
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.status import Status
from benchmark.results.tuning import REJECTED_ANSWER, AppliedTuning


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


class Turn(Stored):
    """A stretch of a recording in which one person speaks, from the user's table.

    Attributes:
        row: Its row in the table, counted from 1 below the heading.
        start_s: Where it begins in the recording; None where the table's times are wrong.
        end_s: Where it ends.
    """

    row: int
    start_s: float | None = None
    end_s: float | None = None
    speaker: str | None = None


class Timeline(Stored):
    """The predictions of one model for one recording, or for one turn of it.

    Attributes:
        id: A repository, or a local folder.
        multi_label: Whether the head was trained with one sigmoid per label; softmax is taken all the same.
        duration_s: Of the audio that was decoded; of a turn, without the rest of its recording.
        window_s: Length of a window; the only window of a shorter recording is shorter.
        hop_s: From the beginning of one window to that of the next.
        emotions: The classes that the model distinguishes, after merges.
        windows: In the order of time; they may overlap.
        tuning: What was applied to the probabilities; None where they are the model's own.
        failure: Why there is no prediction, or none for the rest of the recording.
        side: Which side of a call it is, where each is heard alone; `recording` then ends in `#left` or `#right`.
        turn: The turn that was heard; None for the whole recording.
        engine: What computed, such as `openvino float32`.
        rerun_windows: Windows whose two best answers were close, so that the reference answered instead.
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
    tuning: AppliedTuning | None = None
    failure: str | None = None
    notes: tuple[str, ...] = ()
    side: Channel | None = None
    turn: Turn | None = None
    engine: str | None = None
    rerun_windows: int = 0

    @property
    def call(self) -> str:
        """The recording with both sides."""
        return self.recording if self.side is None else self.recording.removesuffix(f"#{self.side}")

    @property
    def start_s(self) -> float:
        """Where the audio begins in the recording."""
        return 0.0 if self.turn is None or self.turn.start_s is None else self.turn.start_s

    @property
    def end_s(self) -> float:
        """Where the audio that was decoded ends in the recording."""
        return self.start_s + self.duration_s

    def decide(self, probabilities: Sequence[float]) -> tuple[str, float]:
        """The most probable emotion and its probability; with a tuning, `none` for an emotion below its threshold."""
        best = max(range(len(self.emotions)), key=probabilities.__getitem__)
        emotion, probability = self.emotions[best], probabilities[best]
        if self.tuning is not None and not self.tuning.accepts(emotion, probability):
            emotion = REJECTED_ANSWER
        return emotion, probability

    def spans(self) -> tuple[Span, ...]:
        """Assign to each window the time that is nearest to its middle: spans cover the recording, or the turn, once.

        With a tuning, the emotion of a window below its threshold is `none`; the probability stays that of the most
        probable emotion.

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
        bounds = [self.start_s, *((before + after) / 2 for before, after in pairwise(middles)), self.end_s]
        spans = []
        for window, (start, end) in zip(self.windows, pairwise(bounds), strict=True):
            emotion, probability = self.decide(window.probabilities)
            spans.append(Span(start_s=start, end_s=end, emotion=emotion, probability=probability))
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
        return _mean_probabilities([self])[0]


class Level(StrEnum):
    """What an answer is about: a whole call, one side of it, or one turn."""

    RECORDING = "recording"
    SIDE = "side"
    TURN = "turn"


class RecordingAnswer(Stored):
    """The answer of one model to a whole recording, to one side of a call, or to one turn (protocol, Recordings).

    Attributes:
        recording: As in the timelines; at the level of the recording without the side.
        seconds: Of the audio that was heard: what the windows speak for.
        windows: How many there are.
        emotion: The most probable one, or `none` below the threshold of a tuning; None where nothing was heard.
        probabilities: One per emotion: the mean over the windows, each weighted by the length of its span; empty where
            nothing was heard.
        failure: Why nothing, or not all, was heard.
    """

    level: Level
    recording: str
    side: Channel | None = None
    turn: Turn | None = None
    model: str
    revision: str | None
    engine: str | None = None
    seconds: float
    windows: int
    emotions: tuple[str, ...]
    emotion: str | None = None
    probability: float | None = None
    probabilities: tuple[float, ...] = ()
    failure: str | None = None


def _mean_probabilities(parts: Sequence[Timeline]) -> tuple[tuple[float, ...], float]:
    """Average over all windows of some timelines of one model, weighted by their spans; and the sum of these."""
    weighted = [
        (span.end_s - span.start_s, window.probabilities)
        for part in parts
        for span, window in zip(part.spans(), part.windows, strict=False)
    ]
    seconds = sum(weight for weight, _ in weighted)
    if not seconds:
        return (), 0.0
    means = tuple(
        sum(weight / seconds * probabilities[index] for weight, probabilities in weighted)
        for index in range(len(parts[0].emotions))
    )
    return means, seconds


def _answer(level: Level, parts: Sequence[Timeline]) -> RecordingAnswer:
    """Answer for all the audio of some timelines, which are of one model and one recording."""
    first, failures = parts[0], [part.failure for part in parts if part.failure is not None]
    probabilities, seconds = _mean_probabilities(parts)
    emotion, probability = first.decide(probabilities) if probabilities else (None, None)
    count = f"{len(failures)} of {len(parts)} parts: " if len(parts) > 1 else ""
    return RecordingAnswer(
        level=level,
        recording=first.call if level is Level.RECORDING else first.recording,
        side=None if level is Level.RECORDING else first.side,
        turn=first.turn if level is Level.TURN else None,
        model=first.model,
        revision=first.revision,
        engine=first.engine,
        seconds=seconds,
        windows=sum(len(part.windows) for part in parts),
        emotions=first.emotions,
        emotion=emotion,
        probability=probability,
        probabilities=probabilities,
        failure=f"{count}{failures[0]}" if failures else None,
    )


class RefusedModel(Stored):
    """A model that the user named and that cannot be used."""

    model: str
    status: Status
    reason: str


class Timelines(StoredFile):
    """Timelines of several models for several recordings; the models of one recording stand together.

    Attributes:
        calibrated: Whether the probabilities are tuned on labelled clips (`--tuned`), so that 0.9 means right nine
            times in ten on such recordings; else they are the models' own.
    """

    created: datetime
    environment: Environment
    calibrated: bool = False
    timelines: tuple[Timeline, ...]
    refused: tuple[RefusedModel, ...] = ()

    def answers(self) -> tuple[RecordingAnswer, ...]:
        """Answer for each recording and model, followed by those for its sides and turns where it has some."""
        by_call: dict[str, dict[str, list[Timeline]]] = {}
        for timeline in self.timelines:
            by_call.setdefault(timeline.call, {}).setdefault(timeline.model, []).append(timeline)
        answers = []
        for parts in (parts for by_model in by_call.values() for parts in by_model.values()):
            answers.append(_answer(Level.RECORDING, parts))
            by_side: dict[Channel, list[Timeline]] = {}
            for part in parts:
                if part.side is not None:
                    by_side.setdefault(part.side, []).append(part)
            answers += [_answer(Level.SIDE, of_side) for of_side in by_side.values()]
            answers += [_answer(Level.TURN, [part]) for part in parts if part.turn is not None]
        return tuple(answers)
