"""Tables on standard output: fitted to a terminal, at full width in a pipe or a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from benchmark.cli.process import ASCII_SPELLINGS, terminal_columns
from benchmark.reporting.escaping import plain_text

# In a pipe each row is one line, for grep and the like.
_PIPE_WIDTH = 2_000
# A longer word than this may be broken.
_LONGEST_WORD = 24
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
    """

    title: str
    number: bool = False


def result_console() -> Console:
    """Create a console on standard output, which never breaks lines outside a terminal."""
    # rich takes every dumb terminal for 80 columns wide.
    return Console(highlight=False, width=terminal_columns() or _PIPE_WIDTH, height=_ANY_HEIGHT)


def print_table(
    headings: Sequence[Column | str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    console: Console | None = None,
) -> None:
    """Print a table; markup and control characters in its cells have no effect.

    In a window so narrow that words would be broken, each row becomes a few lines.

    Args:
        headings: Columns, or the titles of columns of text. Columns that are empty in all rows are left out.
        rows: One cell per column.
        title: A line above the table.
        console: `result_console` by default.
    """
    console = console or result_console()
    columns = [Column(heading) if isinstance(heading, str) else heading for heading in headings]
    cells = [[fitting(console, plain_text(cell)) for cell in row] for row in rows]
    shown = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    columns, cells = [columns[index] for index in shown], [[row[index] for index in shown] for row in cells]
    if title:
        console.print(Text(fitting(console, plain_text(title)), style="italic"), soft_wrap=True)
    if not columns:
        return
    if sum(_least_widths(columns, cells)) + _BETWEEN_COLUMNS * len(columns) > console.width:
        _print_records(console, columns, cells)
    else:
        _print_lines(console, columns, cells)


def fitting(console: Console, text: str) -> str:
    """Replace typographic characters if the encoding of the console lacks them."""
    return text.translate(ASCII_SPELLINGS) if console.options.ascii_only else text


def _least_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """The least width of each column at which no number, and no word of usual length, is broken."""
    widths = []
    for index, column in enumerate(columns):
        cells = [row[index] for row in rows]
        words = column.title.split() + (cells if column.number else " ".join(cells).split())
        widths.append(min(max(map(cell_len, words), default=0), _LONGEST_WORD))
    return widths


def _print_lines(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    # Without a least width rich breaks words of one column, though others have spaces.
    for column, width in zip(columns, _least_widths(columns, rows), strict=True):
        justify: Literal["left", "right"] = "right" if column.number else "left"
        table.add_column(column.title, justify=justify, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(table)
    # rich pads every row to the width of the widest.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    console.out("\n".join(lines), highlight=False)
    console.print()


def _print_records(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    for row in rows:
        head = next((cell for column, cell in zip(columns, row, strict=True) if cell and not column.number), "")
        console.print(Text(head, style="bold", overflow="fold"))
        for column, cell in zip(columns, row, strict=True):
            if cell and cell != head:
                line = Text.assemble((f"{column.title}: ", "dim"), cell, overflow="fold")
                console.print(Padding(line, (0, 0, 0, _INDENT), expand=False))
    console.print()
