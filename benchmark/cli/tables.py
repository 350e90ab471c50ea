"""Tables on standard output: fitted to a terminal, at full width in a pipe or a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmark.reporting.escaping import plain_text

# Wide enough that nothing is cut where no one's window sets the width.
_PIPE_WIDTH = 240


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
    """Give a console on standard output."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


def print_table(console: Console, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Print a table whose cells are text from anywhere: no markup and no control character in them works.

    Args:
        console: Where to.
        columns: The headings.
        rows: One cell per column; columns that are empty in all rows are left out.
        title: A line above it.
    """
    cells = [[plain_text(cell) for cell in row] for row in rows]
    shown = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    table = Table(box=box.SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left", pad_edge=False)
    for index in shown:
        column = columns[index]
        table.add_column(column.title, justify="right" if column.number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(row[index]) for index in shown))
    console.print(table)
