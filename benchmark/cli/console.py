"""Progress, messages and the log: everything that is not a result goes to standard error."""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from benchmark.errors import RequestError
from benchmark.options.shared import ConsoleOptions
from benchmark.progress import Silent, Stage
from benchmark.reporting.escaping import plain_text

_LINE_EVERY_S = 30.0


class _BarStage:
    def __init__(self, bars: RichProgress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, amount: float = 1) -> None:
        self._bars.advance(self._task, amount)

    def describe(self, text: str) -> None:
        self._bars.update(self._task, description=_line(text))


class _LineStage:
    """A stage in a CI log or a pipe, which prints a line from time to time."""

    def __init__(self, console: Console, description: str, total: float | None, unit: str) -> None:
        self._console = console
        self._description = description
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._last_line = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, amount: float = 1) -> None:
        with self._lock:
            self._done += amount
            if time.monotonic() - self._last_line < _LINE_EVERY_S:
                return
            self._last_line = time.monotonic()
            of_all = f" of {self._total:g}" if self._total else ""
            line = f"{self._description}: {round(self._done, 1):g}{of_all} {self._unit}"
        self._console.print(_line(line.rstrip()), highlight=False, soft_wrap=True)

    def describe(self, text: str) -> None:
        self._description = text


class ConsoleProgress:
    """Shows stages as bars with the time left on a terminal, and as plain lines elsewhere; only warnings if quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True)
        self._quiet = quiet
        in_ci = os.environ.get("CI", "").casefold() not in {"", "0", "false"}
        # With FORCE_COLOR, rich takes anything for a terminal.
        self._draws_bars = sys.stderr.isatty() and not self._console.is_dumb_terminal and not in_ci
        self._bars: RichProgress | None = None
        self._warned: set[str] = set()

    def stage(self, description: str, *, total: float | None, unit: str = "") -> AbstractContextManager[Stage]:
        """Open a stage."""
        if self._quiet:
            return Silent().stage(description, total=total, unit=unit)
        if self._draws_bars:
            return self._bar(description, total, unit)
        amount = f" ({total:g} {unit.removesuffix('s') if total == 1 else unit})" if total else ""
        self.note(f"{description}{amount}")
        return nullcontext(_LineStage(self._console, description, total, unit))

    def note(self, text: str) -> None:
        """Print a message."""
        if not self._quiet:
            self._console.print(_line(text), highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning, each text once."""
        if text not in self._warned:
            self._warned.add(text)
            self._console.print(f"[yellow]Warning:[/yellow] {_line(text)}", highlight=False, soft_wrap=True)

    def confirm(self, question: str) -> bool | None:
        """Ask for a yes or no; None without a terminal."""
        if self._quiet or not sys.stderr.isatty() or not sys.stdin.isatty():
            return None
        self._console.print(_line(f"{question} [y/N] "), end="", highlight=False, soft_wrap=True)
        return sys.stdin.readline().strip().casefold() in {"y", "yes"}

    @contextmanager
    def _bar(self, description: str, total: float | None, unit: str) -> Iterator[Stage]:
        bars = self._bars
        if bars is None:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            times = (TextColumn("{task.fields[unit]}"), TimeElapsedColumn(), TimeRemainingColumn())
            self._bars = bars = RichProgress(*columns, *times, console=self._console, transient=True)
            bars.start()
        task = bars.add_task(_line(description), total=total, unit=unit)
        try:
            yield _BarStage(bars, task)
        finally:
            bars.remove_task(task)
            if not bars.tasks:
                bars.stop()
                self._bars = None


def _line(text: str) -> str:
    """Neutralise markup and control characters in a text, which may come from outside."""
    return escape(text if text.isprintable() else plain_text(text))


def open_console(options: ConsoleOptions) -> ConsoleProgress:
    """Send bench's log messages to standard error (`--verbose`) and to `--log-file`, and show progress.

    Raises:
        RequestError: The log file cannot be written.
    """
    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.DEBUG if options.verbose or options.log_file else logging.WARNING)
    logger.handlers.clear()
    if options.verbose:
        logger.addHandler(RichHandler(console=Console(stderr=True), show_path=False))
    if path := options.log_file:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.FileHandler(path, encoding="utf-8")
        except OSError as error:
            reason = error.strerror or error
            raise RequestError(f"Cannot write {path} ({reason}): choose another file with --log-file.") from error
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
    return ConsoleProgress(quiet=options.quiet)


def print_note(text: str) -> None:
    """Print a message to standard error."""
    Console(stderr=True).print(_line(text), highlight=False, soft_wrap=True)


def print_error(text: str) -> None:
    """Print an error to standard error."""
    Console(stderr=True).print(f"[red]Error:[/red] {_line(text)}", highlight=False, soft_wrap=True)
