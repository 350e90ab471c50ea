"""A timeline in a terminal: a row of blocks per emotion, as high as it is probable, and the stretches in words."""

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from benchmark.cli.tables import fitting
from benchmark.reporting.escaping import plain_text
from benchmark.results.timelines import Timeline

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
