"""The protocol that long work reports its progress to."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol


class Stage(Protocol):
    """A running piece of long work."""

    def advance(self, amount: float = 1) -> None:
        """Report `amount` more units as done."""

    def describe(self, text: str) -> None:
        """Change the text beside the bar."""


class Progress(Protocol):
    """Shows the progress of work: on a terminal, in a log, in a notebook, or not at all.

    Implementations must be safe to call from several threads.
    """

    def stage(self, description: str, *, total: float | None, unit: str = "") -> AbstractContextManager[Stage]:
        """Open a stage of `total` units (None if unknown), closed at the end of the `with` block."""

    def note(self, text: str) -> None:
        """Show a message."""

    def warn(self, text: str) -> None:
        """Show a warning: a failure that did not stop the work, or a fact that changes how to read a result."""


ProgressOption = Progress | Literal["auto", "silent"] | None
"""What Python functions take: an object, `auto` for what fits where the code runs, `silent` or None for nothing."""


class _SilentStage:
    def advance(self, amount: float = 1) -> None:
        pass

    def describe(self, text: str) -> None:
        pass


class Silent:
    """Shows nothing."""

    def stage(self, description: str, *, total: float | None, unit: str = "") -> AbstractContextManager[Stage]:
        """Open a stage that shows nothing."""
        return nullcontext(_SilentStage())

    def note(self, text: str) -> None:
        """Do nothing."""

    def warn(self, text: str) -> None:
        """Do nothing."""
