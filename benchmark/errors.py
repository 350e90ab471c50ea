"""Errors that a user can understand: one sentence with the remedy, and an exit code."""

from typing import ClassVar

EXIT_UNMET = 1
"""Done, but a condition that the user set does not hold."""

EXIT_REQUEST = 2
"""The request is wrong."""

EXIT_ENVIRONMENT = 3
"""The machine, the network or the Hub failed."""

EXIT_INTERRUPTED = 130
"""Stopped by the user; what was finished is kept."""


class BenchError(Exception):
    """A failure that a user can understand; the command line prints its message in one line, without a traceback."""

    exit_code: ClassVar[int] = EXIT_ENVIRONMENT


class RequestError(BenchError):
    """The request is wrong: a missing file, an unknown field, a bad option. The message says how to fix it."""

    exit_code: ClassVar[int] = EXIT_REQUEST


class UnavailableError(BenchError):
    """The machine or the network failed: no candidate could be reached, the disk is full, a folder can't be written."""
