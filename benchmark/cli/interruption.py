"""Ctrl-C while the command line is being imported, which takes a while and ends in a traceback of Python's own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmark.errors import EXIT_INTERRUPTED

INTERRUPTED = "Interrupted; what was finished is kept."
_STANDARD_ERROR = 2


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """End the process with one line and the usual exit code on Ctrl-C, as long as nothing has been begun.

    Not by an exception, of which an import that is under way may make one of another kind. Whoever has Ctrl-C do
    something else already, or imports in a thread, keeps it so.
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
