"""Emotions over time for other programs: JSON, CSV, and label tracks for Audacity."""

from collections.abc import Sequence

from benchmark.audio.channels import Channel
from benchmark.reporting.csv_and_json import Cell, csv_table, json_document
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.numbers import counted, fraction, moment, quantity
from benchmark.results.timelines import Timeline, Timelines, Turn
from benchmark.results.tuning import REJECTED_ANSWER

_DECIMALS = 6
_REFERENCE = "torch float32"


def timelines_json(timelines: Timelines) -> str:
    """Write everything as JSON: timelines with merged `stretches` and `mean_probabilities`, and the `answers`."""
    content = timelines.model_dump(mode="json")
    for plain, timeline in zip(content["timelines"], timelines.timelines, strict=True):
        plain["mean_probabilities"] = list(timeline.mean_probabilities())
        plain["stretches"] = [span.model_dump() for span in timeline.stretches()]
    content["answers"] = [answer.model_dump(mode="json") for answer in timelines.answers()]
    return json_document(content)


_PART_COLUMNS = ("side", "turn", "speaker")


def timelines_csv(timelines: Timelines) -> str:
    """Write a row per window with the most probable emotion, and a column per emotion of any model.

    The cell of an emotion that a model cannot express is empty.
    """
    emotions = dict.fromkeys(name for timeline in timelines.timelines for name in timeline.emotions)
    columns = ("recording", "model", "revision", "start_s", "end_s", "emotion", "probability", *emotions)
    columns += (*_PART_COLUMNS, "engine")
    rows = (
        dict.fromkeys((*emotions, *_PART_COLUMNS))
        | dict(zip(timeline.emotions, map(_number, window.probabilities), strict=True))
        | {"recording": timeline.recording, "model": timeline.model, "revision": timeline.revision}
        | {"engine": timeline.engine}
        | {"start_s": _number(window.start_s), "end_s": _number(window.end_s)}
        | {"emotion": span.emotion, "probability": _number(span.probability)}
        | _part(timeline.side, timeline.turn)
        for timeline in timelines.timelines
        for window, span in zip(timeline.windows, timeline.spans(), strict=False)
    )
    return csv_table(columns, rows)


def recordings_csv(timelines: Timelines) -> str:
    """Write a row per recording and model, then one for each side and each turn of it where it has some.

    What was not heard has a row, too, with the reason in `failure`.
    """
    emotions = dict.fromkeys(name for timeline in timelines.timelines for name in timeline.emotions)
    columns = (
        *(
            "level",
            "recording",
            *_PART_COLUMNS,
            "start_s",
            "end_s",
            "model",
            "revision",
            "engine",
            "seconds",
            "windows",
        ),
        *("emotion", "probability", "failure", *emotions),
    )
    rows = (
        dict.fromkeys(columns)
        | dict(zip(answer.emotions, map(_number, answer.probabilities), strict=False))
        | _part(answer.side, answer.turn)
        | _times(answer.turn)
        | {"level": answer.level.value, "recording": answer.recording, "failure": answer.failure}
        | {"model": answer.model, "revision": answer.revision, "engine": answer.engine}
        | {"seconds": _number(answer.seconds), "windows": answer.windows}
        | {"emotion": answer.emotion, "probability": _known(answer.probability)}
        for answer in timelines.answers()
    )
    return csv_table(columns, rows)


def _part(side: Channel | None, turn: Turn | None) -> dict[str, Cell]:
    """The cells that say which part of a recording a row is about."""
    cells: dict[str, Cell] = {"side": None if side is None else side.value}
    return cells if turn is None else cells | {"turn": turn.row, "speaker": turn.speaker}


def audacity_labels(*timelines: Timeline) -> str:
    r"""Write a label track for Audacity (File, Import, Labels): a label per stretch of the same emotion.

    Args:
        timelines: A recording of one model, or all its turns.

    Returns:
        Lines of `start<TAB>end<TAB>emotion probability`, times in seconds.

    Examples:
        >>> from benchmark.results.status import Status
        >>> from benchmark.results.timelines import WindowAnswer
        >>> answer = WindowAnswer(start_s=0, end_s=2.5, probabilities=(0.8, 0.2))
        >>> audacity_labels(Timeline(model="a", id="a", revision=None, status=Status.USABLE, recording="a.wav",
        ...     duration_s=2.5, window_s=3, hop_s=1, emotions=("anger", "fear"), windows=(answer,)))
        '0.000000\t2.500000\tanger 0.80\n'
    """
    return "".join(
        f"{_number(span.start_s)}\t{_number(span.end_s)}\t{plain_text(span.emotion)} {span.probability:.2f}\n"
        for timeline in timelines
        for span in timeline.stretches()
    )


def engine_note(timelines: Sequence[Timeline]) -> str:
    """Say what computed the answers of one model where that is not the reference alone; else empty."""
    faster = [timeline for timeline in timelines if timeline.engine not in {None, _REFERENCE}]
    if not faster:
        return ""
    windows, rerun = sum(len(own.windows) for own in faster), sum(own.rerun_windows for own in faster)
    engines = " and ".join(dict.fromkeys(own.engine or "" for own in faster))
    return (
        f"{faster[0].model} was computed by {engines}; {rerun:,} of {counted(windows, 'window')}, whose two best "
        f"answers were close, by {_REFERENCE}."
    )


def tuning_note(timeline: Timeline) -> str:
    """Say what was applied to the probabilities of a model, and what it rests on; empty without a tuning."""
    tuning = timeline.tuning
    if tuning is None:
        return ""
    thresholds = sum(own.threshold is not None for own in tuning.emotions)
    return (
        f"{timeline.model} is tuned on whole clips of {tuning.corpus} ({moment(tuning.created)}): temperature "
        f"{quantity(tuning.temperature)}, {'a prior' if any(own.bias for own in tuning.emotions) else 'no prior'}, "
        f"{counted(thresholds, 'emotion')} of {len(tuning.emotions)} accepted above a threshold, of whose answers at "
        f"most {fraction(tuning.max_error)} shall be wrong on such clips; other answers are {REJECTED_ANSWER}."
    )


def _times(turn: Turn | None) -> dict[str, Cell]:
    return {} if turn is None else {"start_s": _known(turn.start_s), "end_s": _known(turn.end_s)}


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"


def _known(value: float | None) -> str | None:
    return None if value is None else _number(value)
