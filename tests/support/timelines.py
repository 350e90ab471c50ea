"""Timelines without a model."""

from collections.abc import Sequence
from datetime import UTC, datetime

from benchmark.audio.channels import Channel
from benchmark.results.environment import Environment
from benchmark.results.status import Status
from benchmark.results.timelines import Timeline, Timelines, Turn, WindowAnswer

EMOTIONS = ("anger", "happiness", "neutral")


def timeline(
    rows: Sequence[Sequence[float]],
    *,
    recording: str = "call.wav",
    model: str = "one",
    turn: Turn | None = None,
) -> Timeline:
    """Make a timeline of windows of 3 s, one a second, from the probabilities of each; `call.wav#left` is one side."""
    begin = (turn and turn.start_s) or 0.0
    windows = tuple(
        WindowAnswer(start_s=begin + index, end_s=begin + index + 3, probabilities=tuple(row))
        for index, row in enumerate(rows)
    )
    _, _, side = recording.partition("#")
    return Timeline(
        model=model, id=f"org/{model}", revision="0" * 40, status=Status.USABLE, recording=recording,
        duration_s=windows[-1].end_s - begin if windows else 0.0, window_s=3, hop_s=1, emotions=EMOTIONS,
        windows=windows, failure=None if windows else "It is no audio.", side=Channel(side) if side else None,
        turn=turn,
    )  # fmt: skip


def timelines(*each: Timeline) -> Timelines:
    """Put timelines together."""
    return Timelines(created=datetime(2026, 11, 21, tzinfo=UTC), environment=Environment.here(), timelines=each)
