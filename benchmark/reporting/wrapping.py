"""Text in the lines of a terminal: words stay whole, and names longer than a line are broken after `/`, `-` or `_`."""

import os
import re
import sys
from collections.abc import Iterator
from typing import IO

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

_USUAL_COLUMNS = 80
_LONGEST_WORD = 24
"""Cells up to which a column is made wide enough for a whole word."""
_WORD = re.compile(r"\S+\s*|\s+")
_PIECE = re.compile(r"[^/_-]*[/_-]+\s*|[^/_-]+")


def terminal_columns(stream: IO[str] | None = None) -> int | None:
    """Width of the terminal at a stream, by default standard output, by `$COLUMNS` if set; None without a terminal."""
    stream = sys.stdout if stream is None else stream
    if not stream.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_COLUMNS
    except (OSError, ValueError):
        return _USUAL_COLUMNS


def wrapped(text: Text, width: int) -> list[Text]:
    """Split a text into lines of at most `width` cells, in its styles.

    Examples:
        >>> [line.plain for line in wrapped(Text("the best is organisation/hubert-large-emotion"), 20)]
        ['the best is', 'organisation/hubert-', 'large-emotion']
    """
    starts, used, start = [], 0, 0
    for piece in _pieces(text.plain, width):
        if used and used + cell_len(piece.rstrip()) > width:
            starts.append(start)
            used = 0
        used += cell_len(piece)
        start += len(piece)
    lines = list(text.divide(starts))
    for line in lines:
        line.rstrip()
    return lines


def least_width(text: str) -> int:
    """The cells of a column at which no word of usual length is broken, and no longer one except where names may be."""
    return max((min(cell_len(word), max(_LONGEST_WORD, _longest_piece(word))) for word in text.split()), default=0)


def print_wrapped(console: Console, text: Text, *, prefix: str = "", end: str = "\n") -> None:
    """Print a text wrapped to the terminal; in a pipe or a file, on one line.

    Args:
        prefix: Stands before the first line; the others are indented as far.
    """
    width = terminal_columns(console.file)
    lines = [text] if width is None else wrapped(text, max(width - cell_len(prefix), 1))
    for number, line in enumerate(lines, start=1):
        before = prefix if number == 1 else " " * cell_len(prefix)
        last = end if number == len(lines) else "\n"
        console.print(Text(before).append_text(line), end=last, highlight=False, soft_wrap=True)


def _pieces(text: str, width: int) -> Iterator[str]:
    """Words with the spaces behind them, or the parts of one that is longer than a line."""
    for word in _WORD.findall(text):
        if cell_len(word.rstrip()) <= width:
            yield word
            continue
        for piece in _PIECE.findall(word):
            yield from [piece] if cell_len(piece.rstrip()) <= width else chop_cells(piece, width)


def _longest_piece(word: str) -> int:
    return max(map(cell_len, _PIECE.findall(word)))
