"""Emotions over time for other programs: JSON, CSV, and label tracks for Audacity."""

from benchmark.reporting.csv_and_json import csv_table, json_document
from benchmark.reporting.escaping import plain_text
from benchmark.results.timelines import Timeline, Timelines

_DECIMALS = 6


def timelines_json(timelines: Timelines) -> str:
    """Write everything as JSON, each timeline with its merged `stretches` and `mean_probabilities`."""
    content = timelines.model_dump(mode="json")
    for plain, timeline in zip(content["timelines"], timelines.timelines, strict=True):
        plain["mean_probabilities"] = list(timeline.mean_probabilities())
        plain["stretches"] = [span.model_dump() for span in timeline.stretches()]
    return json_document(content)


def timelines_csv(timelines: Timelines) -> str:
    """Write a row per window with the most probable emotion, and a column per emotion of any model.

    The cell of an emotion that a model cannot express is empty.
    """
    emotions = dict.fromkeys(name for timeline in timelines.timelines for name in timeline.emotions)
    columns = ("recording", "model", "revision", "start_s", "end_s", "emotion", "probability", *emotions)
    rows = (
        dict.fromkeys(emotions)
        | dict(zip(timeline.emotions, map(_number, window.probabilities), strict=True))
        | {"recording": timeline.recording, "model": timeline.model, "revision": timeline.revision}
        | {"start_s": _number(window.start_s), "end_s": _number(window.end_s)}
        | {"emotion": span.emotion, "probability": _number(span.probability)}
        for timeline in timelines.timelines
        for window, span in zip(timeline.windows, timeline.spans(), strict=False)
    )
    return csv_table(columns, rows)


def audacity_labels(timeline: Timeline) -> str:
    r"""Write a label track for Audacity (File, Import, Labels): a label per stretch of the same emotion.

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
        for span in timeline.stretches()
    )


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}"
