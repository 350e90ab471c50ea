"""Tables on standard output: fitted to a terminal, at full width in a pipe or a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from benchmark.cli.process import ASCII_SPELLINGS, terminal_columns
from benchmark.reporting.escaping import plain_text

# Wide enough that no row is broken where no one's window sets the width: a line is a row, for grep and its like.
_PIPE_WIDTH = 2_000
# A longer word than this may be broken.
_LONGEST_WORD = 24
_BETWEEN_COLUMNS = 3
_INDENT = 2
# A width of ours counts only beside a height; nothing is fitted to it.
_ANY_HEIGHT = 25


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: Its heading.
        number: Whether it holds numbers, which stand at the right.
    """

    title: str
    number: bool = False


def result_console() -> Console:
    """Give a console on standard output; where that is no terminal, one whose lines are as long as they need be."""
    # The width is asked for here, since rich takes every dumb terminal for 80 columns wide.
    return Console(highlight=False, width=terminal_columns() or _PIPE_WIDTH, height=_ANY_HEIGHT)


def print_table(console: Console, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Print a table whose cells are text from anywhere: no markup and no control character in them works.

    Where the window is so narrow that words would be broken, each row becomes a few lines of their own.

    Args:
        console: Where to.
        columns: The headings.
        rows: One cell per column; columns that are empty in all rows are left out, and a table that has none.
        title: A line above it.
    """
    cells = [[fitting(console, plain_text(cell)) for cell in row] for row in rows]
    shown = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    kept = [columns[index] for index in shown]
    content = [[row[index] for index in shown] for row in cells]
    if title:
        console.print(Text(fitting(console, plain_text(title)), style="italic"), soft_wrap=True)
    if not kept:
        return
    if _readable_width(kept, content) > console.width:
        _print_records(console, kept, content)
    else:
        _print_lines(console, kept, content)


def fitting(console: Console, text: str) -> str:
    """Write a text with the characters that the console's encoding has, where it is an old one."""
    return text.translate(ASCII_SPELLINGS) if console.options.ascii_only else text


def _readable_width(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """The least width at which no number, and no word of usual length, is broken."""
    width = 0
    for index, column in enumerate(columns):
        cells = [row[index] for row in rows]
        words = column.title.split() + (cells if column.number else [word for cell in cells for word in cell.split()])
        width += min(max(map(cell_len, words), default=0), _LONGEST_WORD) + _BETWEEN_COLUMNS
    return width


def _print_lines(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.title, justify="right" if column.number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(table)
    # Every row is padded to the width of the widest, which in a pipe is that of the longest reason.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    console.out("\n".join(lines), highlight=False)
    console.print()


def _print_records(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    for row in rows:
        named = [(column.title, cell) for column, cell in zip(columns, row, strict=True) if cell]
        head = next((cell for column, cell in zip(columns, row, strict=True) if cell and not column.number), "")
        console.print(Text(head, style="bold", overflow="fold"))
        for title, cell in named:
            if cell != head:
                line = Text.assemble((f"{title}: ", "dim"), cell, overflow="fold")
                console.print(Padding(line, (0, 0, 0, _INDENT), expand=False))
    console.print()
