"""What can go wrong for a user, each with the exit code it ends in and one sentence that tells the fix."""

from typing import ClassVar


class BenchError(Exception):
    """A failure that a user can understand; the command line prints its message in one line, without a traceback."""

    exit_code: ClassVar[int] = 3


class RequestError(BenchError):
    """What was asked for is wrong: a missing file, an unknown field, a bad option. The message says how to fix it."""

    exit_code: ClassVar[int] = 2


class UnavailableError(BenchError):
    """The machine or the network failed: no candidate could be reached, the disk is full, a folder can't be written."""

    exit_code: ClassVar[int] = 3
