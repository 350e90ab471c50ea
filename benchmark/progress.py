"""How long work tells that it goes on, without knowing who listens."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Stage(Protocol):
    """One piece of long work that is under way."""

    def advance(self, amount: float = 1) -> None:
        """Say that `amount` more units are done."""

    def describe(self, text: str) -> None:
        """Change the words beside the bar, to name what is being worked on now."""


class Progress(Protocol):
    """Whoever listens to the work: a terminal, a log, a notebook, or nobody.

    Implementations must be safe to call from several threads.
    """

    def stage(self, description: str, *, total: float | None, unit: str = "") -> AbstractContextManager[Stage]:
        """Open a stage of `total` units (None where nobody can know), closed at the end of the `with` block."""

    def note(self, text: str) -> None:
        """Tell something that a person would want to know, once."""

    def warn(self, text: str) -> None:
        """Tell something that changes how a result is to be read, or that failed and did not stop the work."""


class _SilentStage:
    def advance(self, amount: float = 1) -> None:
        """Do nothing."""

    def describe(self, text: str) -> None:
        """Do nothing."""


class Silent:
    """The listener of those who do not listen."""

    @contextmanager
    def stage(self, description: str, *, total: float | None, unit: str = "") -> Iterator[Stage]:
        """Open a stage that nobody watches."""
        yield _SilentStage()

    def note(self, text: str) -> None:
        """Do nothing."""

    def warn(self, text: str) -> None:
        """Do nothing."""
