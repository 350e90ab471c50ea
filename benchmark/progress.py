"""Progress of long work, reported to whatever shows it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Stage(Protocol):
    """A piece of long work that is under way."""

    def advance(self, amount: float = 1) -> None:
        """Report `amount` more units as done."""

    def describe(self, text: str) -> None:
        """Change the text beside the bar."""


class Progress(Protocol):
    """What shows the progress of work: a terminal, a log, a notebook, or nothing.

    Implementations must be safe to call from several threads.
    """

    def stage(self, description: str, *, total: float | None, unit: str = "") -> AbstractContextManager[Stage]:
        """Open a stage of `total` units (None where nobody can know), closed at the end of the `with` block."""

    def note(self, text: str) -> None:
        """Show a message."""

    def warn(self, text: str) -> None:
        """Show a warning: what changes how a result is to be read, or failed and did not stop the work."""


class _SilentStage:
    def advance(self, amount: float = 1) -> None:
        """Do nothing."""

    def describe(self, text: str) -> None:
        """Do nothing."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, description: str, *, total: float | None, unit: str = "") -> Iterator[Stage]:
        """Open a stage that shows nothing."""
        yield _SilentStage()

    def note(self, text: str) -> None:
        """Do nothing."""

    def warn(self, text: str) -> None:
        """Do nothing."""
