"""Emotions over time for other programs: JSON, CSV, and label tracks for Audacity."""

import csv
import io
import json

from benchmark.reporting.escaping import csv_text, json_text, plain_text
from benchmark.results.timelines import Timeline, Timelines

_DECIMALS = 6


def timelines_json(timelines: Timelines) -> str:
    """Write everything; each timeline has its merged `stretches` and `mean_probabilities` beside the windows.

    Args:
        timelines: What was heard.

    Returns:
        A JSON document that ends in a line end.
    """
    content = timelines.model_dump(mode="json")
    for plain, timeline in zip(content["timelines"], timelines.timelines, strict=True):
        plain["mean_probabilities"] = list(timeline.mean_probabilities())
        plain["stretches"] = [span.model_dump() for span in timeline.stretches()]
    return json_text(json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def timelines_csv(timelines: Timelines) -> str:
    """Write a row per window: what is most probable in it, and a column per emotion that any of the models knows.

    Args:
        timelines: What was heard.

    Returns:
        A table with a heading; empty cells where a model does not know an emotion.
    """
    emotions = tuple(dict.fromkeys(name for each in timelines.timelines for name in each.emotions))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["recording", "model", "revision", "start_s", "end_s", "emotion", "probability", *emotions])
    for each in timelines.timelines:
        named = [csv_text(each.recording), csv_text(each.model), each.revision or ""]
        for window, span in zip(each.windows, each.spans(), strict=False):
            by_emotion = dict(zip(each.emotions, window.probabilities, strict=True))
            times = [_number(window.start_s), _number(window.end_s)]
            cells = ["" if name not in by_emotion else _number(by_emotion[name]) for name in emotions]
            writer.writerow([*named, *times, span.emotion, _number(span.probability), *cells])
    return text.getvalue()


def audacity_labels(timeline: Timeline) -> str:
    r"""Write a label track for Audacity (File, Import, Labels): a label per stretch of the same emotion.

    Args:
        timeline: What one model says to one recording.

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
