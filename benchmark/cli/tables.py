"""Tables on standard output: fitted to a terminal, at full width in a pipe or a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.cli.process import ASCII_SPELLINGS
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.wrapping import least_width, print_wrapped, terminal_columns, wrapped

# In a pipe each row is one line, for grep and the like.
_PIPE_WIDTH = 2_000
_BETWEEN_COLUMNS = 3
_INDENT = 2
# rich ignores the width unless a height is set.
_ANY_HEIGHT = 25


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: Its heading.
        number: Align the cells to the right and do not break them.
        optional: Leave it out where the terminal is too narrow; the last of these columns first.
    """

    title: str
    number: bool = False
    optional: bool = False


@dataclass(frozen=True)
class _FilledColumn:
    column: Column
    cells: Sequence[str]

    @property
    def least_width(self) -> int:
        """At which no number is broken, and no word but a long name."""
        title = least_width(self.column.title)
        return max(title, *map(cell_len if self.column.number else least_width, self.cells))

    @property
    def full_width(self) -> int:
        return max(cell_len(self.column.title), *map(cell_len, self.cells))


def result_console() -> Console:
    """Create a console on standard output, which never breaks lines outside a terminal."""
    # rich takes every dumb terminal for 80 columns wide.
    return Console(highlight=False, width=terminal_columns() or _PIPE_WIDTH, height=_ANY_HEIGHT)


def print_line(text: str, *, style: str = "", prefix: str = "") -> None:
    """Print a text as `print_wrapped` does; markup and control characters in it have no effect."""
    console = result_console()
    print_wrapped(console, Text(fitting(console, plain_text(text)), style=style), prefix=prefix)


def print_table(
    headings: Sequence[Column | str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    rest: str = "",
    console: Console | None = None,
) -> None:
    """Print a table; markup and control characters in its cells have no effect.

    In a window that is too narrow even without the optional columns, each row becomes a few lines.

    Args:
        headings: Columns, or the titles of columns of text. Columns that are empty in all rows are left out.
        rows: One cell per column.
        title: A line above the table.
        rest: Where to find the optional columns, if they are left out: a sentence.
        console: `result_console` by default.
    """
    console = console or result_console()
    columns = [Column(heading) if isinstance(heading, str) else heading for heading in headings]
    cells = [[fitting(console, plain_text(cell)) for cell in row] for row in rows]
    filled = [_FilledColumn(column, own) for column, *own in zip(columns, *cells, strict=True) if any(own)]
    if title:
        print_wrapped(console, Text(fitting(console, plain_text(title)), style="italic"))
    if not filled:
        return
    fitted = _without_optional(filled, console.width)
    if fitted:
        _print_lines(console, fitted)
        if left_out := [own.column.title for own in filled if own not in fitted]:
            print_line(f"Not shown for want of room: {', '.join(left_out)}. {rest}", style="dim")
    else:
        _print_records(console, filled)
    console.print()


def fitting(console: Console, text: str) -> str:
    """Replace typographic characters if the encoding of the console lacks them."""
    return text.translate(ASCII_SPELLINGS) if console.options.ascii_only else text


def _without_optional(columns: Sequence[_FilledColumn], width: int) -> list[_FilledColumn]:
    """Drop the last optional columns until the others fit; empty if they never do."""
    kept = list(columns)
    while _spare(kept, width) < 0:
        optional = [place for place, own in enumerate(kept) if own.column.optional]
        if not optional:
            return []
        del kept[optional[-1]]
    return kept


def _spare(columns: Sequence[_FilledColumn], width: int) -> int:
    return width - sum(own.least_width + _BETWEEN_COLUMNS for own in columns) + _BETWEEN_COLUMNS


def _widths(columns: Sequence[_FilledColumn], width: int) -> list[int]:
    """The least width of each column, and an even part of what is left for those that need more."""
    widths, spare = [own.least_width for own in columns], _spare(columns, width)
    needs = {index: own.full_width - own.least_width for index, own in enumerate(columns)}
    # The smallest first, which leave more to the others.
    for done, index in enumerate(sorted(needs, key=needs.__getitem__)):
        given = min(needs[index], spare // (len(columns) - done))
        widths[index] += given
        spare -= given
    return widths


def _print_lines(console: Console, columns: Sequence[_FilledColumn]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    texts = []
    # rich, which does not know where names may be broken, only gets lines that fit.
    for own, width in zip(columns, _widths(columns, console.width), strict=True):
        justify: Literal["left", "right"] = "right" if own.column.number else "left"
        table.add_column(_in_lines(own.column.title, width), justify=justify, width=width)
        texts.append([_in_lines(cell, width) for cell in own.cells])
    for row in zip(*texts, strict=True):
        table.add_row(*row)
    with console.capture() as captured:
        console.print(table)
    # rich pads every row to the width of the widest.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    console.out("\n".join(lines), highlight=False)


def _in_lines(text: str, width: int) -> Text:
    return Text("\n").join(wrapped(Text(text), width))


def _print_records(console: Console, columns: Sequence[_FilledColumn]) -> None:
    for row in zip(*(own.cells for own in columns), strict=True):
        head = next((cell for own, cell in zip(columns, row, strict=True) if cell and not own.column.number), "")
        for line in wrapped(Text(head, style="bold"), console.width):
            console.print(line)
        for own, cell in zip(columns, row, strict=True):
            if cell and cell != head:
                text = Text.assemble((f"{own.column.title}: ", "dim"), cell)
                for line in wrapped(text, console.width - _INDENT):
                    console.print(Text(" " * _INDENT).append_text(line))
