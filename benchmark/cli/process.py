"""Signals, missing folders, and streams that survive a closed pipe or terminal or an old encoding."""

import codecs
import errno
import io
import os
import signal
import sys
import tempfile
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


def end_as_on_ctrl_c() -> None:
    """Handle SIGTERM, which service managers send, and SIGHUP, which comes with the end of a terminal, as Ctrl-C.

    Under `nohup` SIGHUP stays ignored.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(number: int, _frame: object) -> NoReturn:
    # `timeout` sends SIGTERM twice, shell and kernel both send SIGHUP, and the second must not stop the writing of what
    # is finished.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def missing_folder() -> str | None:
    """Say which folder is missing without which no command can run; None where none is."""
    try:
        Path.cwd()
    except OSError:
        return "The current folder does not exist any more: go to another one with cd."
    try:
        tempfile.gettempdir()
    except OSError:
        return "No folder for temporary files can be written to: name one with TMPDIR."
    return None


def prepare_streams() -> None:
    """Let standard output and standard error accept any text, and end quietly when their reader has gone.

    On standard output, characters that the encoding lacks are escaped as in JSON, which keeps data intact.
    """
    codecs.register_error(_ESCAPES, _escape)
    codecs.register_error(_SPELLINGS, _spell)
    sys.stdout = _prepared(sys.stdout, _ESCAPES)
    sys.stderr = _prepared(sys.stderr, _SPELLINGS)


class _QuietPipe(io.TextIOWrapper):
    """A stream that ends the process with exit code 141 when its reader has gone.

    When its terminal has gone, it takes no notice: SIGHUP has been sent, or is ignored on purpose.
    """

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._abandon(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._abandon(error)

    def _abandon(self, error: OSError) -> None:
        if not isinstance(error, BrokenPipeError) and error.errno != errno.EIO:
            raise error
        # The interpreter would complain when it flushes the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        if isinstance(error, BrokenPipeError):
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
