"""Ctrl-C during the start, and streams that survive a closed pipe or an old encoding."""

import codecs
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, TextIO

from benchmark.errors import EXIT_INTERRUPTED

INTERRUPTED = "Interrupted; what was finished is kept."

EXIT_CLOSED_PIPE = 141
"""128 + SIGPIPE, as shells report a program that wrote into a closed pipe."""

ASCII_SPELLINGS = str.maketrans(
    {"–": "-", "—": "-", "…": "...", "·": "-", "×": "x", "≥": ">=", "≤": "<=", "“": '"', "”": '"', "’": "'"}
    | {"⁶": "^6", "⁹": "^9", "→": "->", "−": "-", "±": "+/-"}
)
"""Replacements for typographic characters in old encodings."""

_USUAL_COLUMNS = 80
_STANDARD_ERROR = 2
_ESCAPES, _SPELLINGS = "bench.escapes", "bench.spellings"


@contextmanager
def interrupted_in_a_line() -> Iterator[None]:
    """End with one line and the usual exit code on Ctrl-C while the command line is imported.

    An exception is not enough, since a running import may turn it into another one. Handlers other than Python's own
    stay, as do those of other threads.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    with suppress(OSError):
        os.write(_STANDARD_ERROR, f"Error: {INTERRUPTED}\n".encode())
    os._exit(EXIT_INTERRUPTED)


def prepare_streams() -> None:
    """Let standard output and standard error accept any text, and end quietly when their reader has gone.

    On standard output, characters that the encoding lacks are escaped as in JSON, which keeps data intact.
    """
    codecs.register_error(_ESCAPES, _escape)
    codecs.register_error(_SPELLINGS, _spell)
    sys.stdout = _prepared(sys.stdout, _ESCAPES)
    sys.stderr = _prepared(sys.stderr, _SPELLINGS)


def terminal_columns() -> int | None:
    """Width of the terminal at standard output, by `$COLUMNS` if set; None without a terminal."""
    if not sys.stdout.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL_COLUMNS
    except (OSError, ValueError):
        return _USUAL_COLUMNS


class _QuietPipe(io.TextIOWrapper):
    """A stream that ends the process with exit code 141 when its reader has gone."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            self._end()

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            self._end()

    def _end(self) -> NoReturn:
        # The interpreter would complain when it flushes the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        raise SystemExit(EXIT_CLOSED_PIPE)


def _prepared(stream: TextIO | None, errors: str) -> TextIO:
    if stream is None:  # closed by the caller, as by `>&-`
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, _QuietPipe):
        return stream  # a notebook's
    encoding, line_buffering, write_through = stream.encoding, stream.line_buffering, stream.write_through
    return _QuietPipe(
        stream.detach(),
        encoding=encoding,
        errors=errors,
        newline=None if os.name == "nt" else "\n",
        line_buffering=line_buffering,
        write_through=write_through,
    )


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)), error.end


def _spell(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    spelt = error.object[error.start : error.end].translate(ASCII_SPELLINGS)
    return "".join(character if character.isascii() else "?" for character in spelt), error.end
