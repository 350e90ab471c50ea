"""Output of `bench predict`: a chart, JSON, CSV, or label tracks for Audacity."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from benchmark.cli.console import print_note
from benchmark.cli.tables import fitting, result_console
from benchmark.errors import RequestError
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.numbers import clock
from benchmark.reporting.timelines import audacity_labels, recordings_csv, timelines_csv, timelines_json
from benchmark.reporting.wrapping import print_wrapped
from benchmark.results.files import FileSet, check_writable
from benchmark.results.timelines import Level, RecordingAnswer, Timeline, Timelines
from benchmark.settings import expanded

_BY_SUFFIX = {".json": "json", ".csv": "csv", ".txt": "audacity"}
_STEM = "predictions"
_RECORDINGS = "recordings.csv"
_REMEDY = "choose another place with -o"
_ONE_TRACK = "A label track holds what one model says to one recording: name a folder for them with -o FOLDER."

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = " .:-=+*#@"
_COLOURS = ("red", "yellow", "green", "cyan", "blue", "magenta", "bright_red", "bright_green", "bright_cyan")
_LONGEST_NAME = 14
_SHORTEST_ROW = 8
_WIDEST_ROW = 100
_PERCENT = " 100%"
_SHOWN_STRETCHES = 20


@dataclass(frozen=True)
class TimelineFile:
    """Target and format of timelines.

    Attributes:
        form: `chart`, `json`, `csv` or `audacity`.
        path: A file or a folder; None for standard output.
        rows: What charts and tables show: `windows` or `recordings`; None for what is usual there.
    """

    form: str
    path: Path | None
    rows: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the path is a folder, existing or to be created."""
        return self.path is not None and (self.path.is_dir() or not self.path.suffix)

    def check(self, *, several: bool) -> None:
        """Check before inference that the result can be written.

        Args:
            several: Whether there are several models or recordings.

        Raises:
            RequestError: One label track cannot hold several timelines, or the path cannot be written.
            UnavailableError: The disk is full.
        """
        if self.form == "audacity" and several and not self.is_folder:
            raise RequestError(_ONE_TRACK)
        if self.path is not None:
            check_writable(self.path if self.is_folder else self.path.parent, remedy=_REMEDY)

    def write(self, result: Timelines, *, quiet: bool) -> None:
        """Write the result to the path, or print it.

        Raises:
            RequestError: One label track cannot hold several timelines, or the path cannot be written.
            UnavailableError: The disk is full.
        """
        if self.form == "chart":
            _print_charts(result, whole=self.rows == "recordings")
            return
        if self.form == "audacity":
            files = _tracks(result)
            if len(files) > 1 and not self.is_folder:
                raise RequestError(_ONE_TRACK)
        elif self.form == "json":
            files = {f"{_STEM}.json": timelines_json(result)}
        else:
            files = self._tables(result)
        if self.path is None:
            print(*files.values(), sep="", end="")
            return
        with FileSet(remedy=_REMEDY) as together:
            paths = [
                together.write(self.path / name if self.is_folder else self.path, text) for name, text in files.items()
            ]
        if not quiet:
            for path in paths:
                print_note(f"Written: {path}")

    def _tables(self, result: Timelines) -> dict[str, str]:
        """The rows that were asked for; in a folder both kinds, unless one was."""
        tables = {}
        if self.rows != "recordings":
            tables[f"{_STEM}.csv"] = timelines_csv(result)
        if self.rows == "recordings" or (self.rows is None and self.is_folder):
            tables[_RECORDINGS] = recordings_csv(result)
        return tables


def timeline_file(path: Path | None, form: str | None, *, as_json: bool, rows: str | None = None) -> TimelineFile:
    """Choose target, format and rows from `-o`, `--format`, `--json` and `--rows`.

    Raises:
        RequestError: Two of them contradict each other, or the file's suffix names no format.
    """
    if as_json and form not in {None, "json"}:
        raise RequestError(f"--json and --format {form} contradict each other: leave one out.")
    form = "json" if as_json else form
    if path is None:
        form = form or "chart"
    else:
        path = expanded(path)
        form = form or _BY_SUFFIX.get(path.suffix.lower())
        if form in {None, "chart"}:
            raise RequestError(f"In which form shall {path} be written? Add --format json, csv or audacity.")
    if rows is not None and form not in {"chart", "csv"}:
        raise RequestError(f"--rows {rows} is about charts and CSV: leave it out, or {form}.")
    return TimelineFile(form or "", path, rows)


def _tracks(result: Timelines) -> dict[str, str]:
    """Label tracks by file name: that of the recording, and of the model if there are several."""
    by_track: dict[tuple[str, str], list[Timeline]] = {}
    for timeline in result.timelines:
        if timeline.windows:
            by_track.setdefault((timeline.recording, timeline.model), []).append(timeline)
    models = {model for _, model in by_track}
    tracks: dict[str, str] = {}
    for (name, model), timelines in by_track.items():
        recording = Path(name)
        channel = recording.suffix.partition("#")[2]
        stem = _safe(f"{recording.stem}-{channel}" if channel else recording.stem)
        if len(models) > 1:
            stem += f".{_safe(model)}"
        names = [f"{stem}.txt", *(f"{stem}-{number}.txt" for number in range(2, len(tracks) + 2))]
        tracks[next(name for name in names if name not in tracks)] = audacity_labels(*timelines)
    return tracks


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or _STEM


def _print_charts(result: Timelines, *, whole: bool) -> None:
    """Print a chart of each long recording, and a line for each short one, each turn, and what they make together.

    Args:
        whole: Print lines only.
    """
    console = result_console()
    charts = {(line.recording, line.model): line for line in result.timelines if not whole and _is_long(line)}
    answers = [answer for answer in result.answers() if answer.windows]
    models = len({answer.model for answer in answers})
    was_chart = False
    for index, answer in enumerate(answers):
        chart = charts.pop((answer.recording, answer.model), None)
        if index and (was_chart or chart is not None):
            console.print()
        was_chart = chart is not None
        if chart is not None:
            print_timeline(console, chart, all_stretches=not console.is_terminal)
        else:
            _print_answer(console, answer, with_model=models > 1)


def _is_long(timeline: Timeline) -> bool:
    """Whether there is something to draw: several windows of a whole recording."""
    return timeline.turn is None and len(timeline.windows) > 1


def _print_answer(console: Console, answer: RecordingAnswer, *, with_model: bool) -> None:
    words, turn = [answer.recording], answer.turn
    if turn is not None and turn.start_s is not None:
        words += [f"{clock(turn.start_s)}–{clock(turn.start_s + answer.seconds)}", turn.speaker or ""]
    words.append(answer.model if with_model else "")
    length = "" if answer.level is Level.TURN else f" of {clock(answer.seconds)}"
    words.append(f"{answer.emotion} {_percent(answer.probability or 0).strip()}{length}")
    _print_line(console, plain_text(" · ".join(filter(None, words))))


def print_timeline(console: Console, timeline: Timeline, *, all_stretches: bool) -> None:
    """Print a timeline that has windows, as wide as the console, with all stretches or the first 20."""
    _print_line(console, plain_text(f"{timeline.recording}  ·  {timeline.model}"), style="bold")
    _print_rows(console, timeline)
    stretches = timeline.stretches()
    shown = stretches if all_stretches else stretches[:_SHOWN_STRETCHES]
    width = max(len(clock(timeline.duration_s)), len("0:00.0"))
    emotion, probability = timeline.decide(timeline.mean_probabilities())
    whole = f"{clock(0):>{width}}–{clock(timeline.duration_s):<{width}}"
    _print_line(console, f"{whole}  {plain_text(emotion)} {_percent(probability).strip()} on average", style="bold")
    for span in shown:
        times = f"{clock(span.start_s):>{width}}–{clock(span.end_s):<{width}}"
        _print_line(console, f"{times}  {plain_text(span.emotion)} {_percent(span.probability).strip()}")
    if len(shown) < len(stretches):
        _print_line(console, f"and {len(stretches) - len(shown)} more stretches: --format csv or audacity has all")


def _print_rows(console: Console, timeline: Timeline) -> None:
    means = timeline.mean_probabilities()
    names = [plain_text(name) for name in timeline.emotions]
    name_width = min(max(map(cell_len, names)), _LONGEST_NAME)
    cells = min(max(console.width - name_width - len(_PERCENT) - 3, _SHORTEST_ROW), _WIDEST_ROW)
    blocks = _ASCII_BLOCKS if console.options.ascii_only else _BLOCKS
    averages = _averages(timeline, cells)
    winners = averages.argmax(axis=1)
    for index, (name, heights) in enumerate(zip(names, averages.T * (len(blocks) - 1), strict=True)):
        colour = _COLOURS[index % len(_COLOURS)]
        row = Text(set_cell_size(name, name_width) + " ", no_wrap=True)
        row.append("[" if console.options.ascii_only else "▕")
        for height, winner in zip(heights, winners, strict=True):
            block = blocks[min(int(height + 0.5), len(blocks) - 1)]
            row.append(block, style=f"bold {colour}" if winner == index else colour)
        row.append("]" if console.options.ascii_only else "▏")
        row.append(_percent(means[index]))
        console.print(row, soft_wrap=True)
    end = clock(timeline.duration_s)
    axis = f"{clock(0)}{end:>{max(cells - len(clock(0)), len(end) + 1)}}"
    _print_line(console, " " * (name_width + 2) + axis, style="dim")


def _averages(timeline: Timeline, cells: int) -> NDArray[np.float64]:
    """Average the probabilities over equal stretches of time, one row per cell and one column per emotion."""
    spans = timeline.spans()
    edges = np.linspace(0, timeline.duration_s, cells + 1)
    starts, ends = np.array([span.start_s for span in spans]), np.array([span.end_s for span in spans])
    overlaps = np.maximum(np.minimum(edges[1:, None], ends) - np.maximum(edges[:-1, None], starts), 0)
    probabilities = np.array([window.probabilities for window in timeline.windows])
    return np.asarray(overlaps @ probabilities / (timeline.duration_s / cells))


def _percent(value: float) -> str:
    return f"{value:5.0%}"


def _print_line(console: Console, text: str, *, style: str = "") -> None:
    print_wrapped(console, Text(fitting(console, text), style=style))
