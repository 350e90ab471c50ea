"""What `bench predict` writes: a chart in a terminal, JSON, CSV, or label tracks for Audacity."""

import re
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from benchmark.cli.console import print_note
from benchmark.cli.tables import fitting, result_console
from benchmark.errors import RequestError
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.timelines import audacity_labels, timelines_csv, timelines_json
from benchmark.results.files import check_writable, write_atomically
from benchmark.results.timelines import Timeline, Timelines
from benchmark.settings import expanded

_BY_SUFFIX = {".json": "json", ".csv": "csv", ".txt": "audacity"}
_STEM = "predictions"
_REMEDY = "choose another place with -o"
_ONE_TRACK = "A label track holds what one model says to one recording: name a folder for them with -o FOLDER."

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = " .:-=+*#@"
# Emotions take these in turn; without colour the heights say the same.
_COLOURS = ("red", "yellow", "green", "cyan", "blue", "magenta", "bright_red", "bright_green", "bright_cyan")
_LONGEST_NAME = 14
_SHORTEST_ROW = 8
_WIDEST_ROW = 100
_PERCENT = " 100%"
_HOUR_S = 3600
# What of a long list of stretches is shown to a person; other programs ask for CSV.
_SHOWN_STRETCHES = 20


@dataclass(frozen=True)
class TimelineFile:
    """Where timelines are written, and in which form.

    Attributes:
        form: `chart`, `json`, `csv` or `audacity`.
        path: A file or a folder; None for standard output.
    """

    form: str
    path: Path | None

    @property
    def is_folder(self) -> bool:
        """Whether the path is a folder, there already or to be made."""
        return self.path is not None and (self.path.is_dir() or not self.path.suffix)

    def check(self, *, several: bool) -> None:
        """Find out before the work whether the result will have a place.

        Args:
            several: Whether there are several models or recordings.

        Raises:
            RequestError: One label track cannot hold several answers, or the place cannot be written.
            UnavailableError: The disk is full.
        """
        if self.form == "audacity" and several and not self.is_folder:
            raise RequestError(_ONE_TRACK)
        if self.path is not None:
            check_writable(self.path if self.is_folder else self.path.parent, remedy=_REMEDY)

    def write(self, result: Timelines, *, quiet: bool) -> None:
        """Write the result.

        Raises:
            RequestError: One label track cannot hold several answers, or the place cannot be written.
            UnavailableError: The disk is full.
        """
        if self.form == "chart":
            _print_charts(result)
            return
        if self.form == "audacity":
            files = self._tracks(result)
        else:
            written = timelines_json if self.form == "json" else timelines_csv
            files = {f"{_STEM}.{self.form}": written(result)}
        if self.path is None:
            for text in files.values():
                print(text, end="")
            return
        for name, text in files.items():
            path = write_atomically(self.path / name if self.is_folder else self.path, text, remedy=_REMEDY)
            if not quiet:
                print_note(f"Written: {path}")

    def _tracks(self, result: Timelines) -> dict[str, str]:
        answered = [timeline for timeline in result.timelines if timeline.windows]
        if len(answered) > 1 and not self.is_folder:
            raise RequestError(_ONE_TRACK)
        names: dict[str, str] = {}
        for timeline in answered:
            names[_track_name(timeline, answered, taken=names)] = audacity_labels(timeline)
        return names


def timeline_file(path: Path | None, form: str | None, *, as_json: bool) -> TimelineFile:
    """Choose where timelines are written, and in which form, from what the user says.

    Raises:
        RequestError: `--json` and `--format` contradict each other, or the form cannot be told from the file's name.
    """
    if as_json and form not in {None, "json"}:
        raise RequestError(f"--json and --format {form} contradict each other: leave one out.")
    form = "json" if as_json else form
    if path is None:
        return TimelineFile(form or "chart", None)
    path = expanded(path)
    form = form or _BY_SUFFIX.get(path.suffix.lower())
    if form in {None, "chart"}:
        raise RequestError(f"In which form shall {path} be written? Add --format json, csv or audacity.")
    return TimelineFile(form or "", path)


def _print_charts(result: Timelines) -> None:
    console = result_console()
    for place, timeline in enumerate(line for line in result.timelines if line.windows):
        if place:
            console.print()
        print_timeline(console, timeline, all_stretches=not console.is_terminal)


def _track_name(timeline: Timeline, answered: list[Timeline], *, taken: dict[str, str]) -> str:
    """Give a label track a name of its own: that of the recording, and of the model where there are several."""
    stem = _safe(Path(timeline.recording).stem + (f"-{side}" if (side := _side(timeline.recording)) else ""))
    if len({line.model for line in answered}) > 1:
        stem += f".{_safe(timeline.model)}"
    numbers = (f"{stem}{f'-{number}' if number > 1 else ''}.txt" for number in range(1, len(taken) + 2))
    return next(name for name in numbers if name not in taken)


def _side(recording: str) -> str:
    suffix = Path(recording).suffix
    return suffix.partition("#")[2]


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or _STEM


def print_timeline(console: Console, timeline: Timeline, *, all_stretches: bool) -> None:
    """Print one timeline, as wide as the console.

    Args:
        console: Where to.
        timeline: What one model says to one recording; not nothing.
        all_stretches: Whether every stretch is listed; else the first of them.
    """
    _print_line(console, plain_text(f"{timeline.recording}  ·  {timeline.model}"), style="bold")
    _print_rows(console, timeline)
    stretches = timeline.stretches()
    shown = stretches if all_stretches else stretches[:_SHOWN_STRETCHES]
    width = max(len(clock(timeline.duration_s)), len("0:00.0"))
    for span in shown:
        times = f"{clock(span.start_s):>{width}}–{clock(span.end_s):<{width}}"
        _print_line(console, f"{times}  {plain_text(span.emotion)} {_percent(span.probability).strip()}")
    if len(shown) < len(stretches):
        _print_line(console, f"and {len(stretches) - len(shown)} more stretches: --format csv or audacity has all")


def clock(seconds: float) -> str:
    """Write a place in a recording as people read it.

    Examples:
        >>> clock(7.25), clock(83.0), clock(3671.5)
        ('0:07.2', '1:23.0', '1:01:11.5')
    """
    tenths = round(seconds * 10)
    whole, tenth = divmod(tenths, 10)
    minutes, second = divmod(whole, 60)
    if whole < _HOUR_S:
        return f"{minutes}:{second:02d}.{tenth}"
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}.{tenth}"


def _print_rows(console: Console, timeline: Timeline) -> None:
    means = timeline.mean_probabilities()
    names = [plain_text(name) for name in timeline.emotions]
    name_width = min(max(map(cell_len, names)), _LONGEST_NAME)
    cells = min(max(console.width - name_width - len(_PERCENT) - 3, _SHORTEST_ROW), _WIDEST_ROW)
    blocks = _ASCII_BLOCKS if console.options.ascii_only else _BLOCKS
    averages = _averages(timeline, cells)
    best = [max(range(len(names)), key=column.__getitem__) for column in averages]
    for place, name in enumerate(names):
        colour = _COLOURS[place % len(_COLOURS)]
        row = Text(set_cell_size(name, name_width) + " ", no_wrap=True)
        row.append("[" if console.options.ascii_only else "▕")
        for column, winner in zip(averages, best, strict=True):
            height = min(int(column[place] * (len(blocks) - 1) + 0.5), len(blocks) - 1)
            row.append(blocks[height], style=f"bold {colour}" if winner == place else colour)
        row.append("]" if console.options.ascii_only else "▏")
        row.append(_percent(means[place]))
        console.print(row, soft_wrap=True)
    end = clock(timeline.duration_s)
    axis = f"{clock(0)}{end:>{max(cells - len(clock(0)), len(end) + 1)}}"
    _print_line(console, " " * (name_width + 2) + axis, style="dim")


def _averages(timeline: Timeline, cells: int) -> list[list[float]]:
    """Average the probabilities over as many equal stretches of time as there are cells in a row."""
    spans = timeline.spans()
    width = timeline.duration_s / cells
    columns = []
    first = 0
    for cell in range(cells):
        begin, end = cell * width, (cell + 1) * width
        while first < len(spans) - 1 and spans[first].end_s <= begin:
            first += 1
        last = first
        while last < len(spans) - 1 and spans[last].end_s < end:
            last += 1
        shares = [max(min(end, span.end_s) - max(begin, span.start_s), 0.0) for span in spans[first : last + 1]]
        answers = timeline.windows[first : last + 1]
        columns.append(
            [
                sum(share * answer.probabilities[place] for share, answer in zip(shares, answers, strict=True))
                / (sum(shares) or 1.0)
                for place in range(len(timeline.emotions))
            ]
        )
    return columns


def _percent(value: float) -> str:
    return f"{value:5.0%}"


def _print_line(console: Console, text: str, *, style: str = "") -> None:
    console.print(Text(fitting(console, text), style=style), soft_wrap=True)
