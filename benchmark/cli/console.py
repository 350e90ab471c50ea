"""The progress protocol on a terminal, with rich; everything that is not a result goes to standard error."""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """For a CI log or a pipe: a line at the start, and another now and then while it goes on."""

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
    """Shows stages as bars with the time left on a terminal, and as plain lines elsewhere.

    Args:
        quiet: Whether to show warnings only.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True)
        self._quiet = quiet
        # FORCE_COLOR makes a terminal of anything; bars that are drawn again and again are for people who watch.
        self._is_watched = sys.stderr.isatty() and not self._console.is_dumb_terminal and not _in_ci()
        self._bars: RichProgress | None = None
        self._open = 0
        self._warned: set[str] = set()

    @contextmanager
    def stage(self, description: str, *, total: float | None, unit: str = "") -> Iterator[Stage]:
        """Open a stage."""
        if self._quiet:
            with Silent().stage(description, total=total, unit=unit) as silent:
                yield silent
            return
        if not self._is_watched:
            amount = f" ({total:g} {unit.removesuffix('s') if total == 1 else unit})" if total else ""
            self._console.print(_line(f"{description}{amount}"), highlight=False, soft_wrap=True)
            yield _LineStage(self._console, description, total, unit)
            return
        bars = self._start()
        task = bars.add_task(_line(description), total=total, unit=unit)
        try:
            yield _BarStage(bars, task)
        finally:
            bars.remove_task(task)
            self._stop()

    def note(self, text: str) -> None:
        """Tell something, once."""
        if not self._quiet:
            self._console.print(_line(text), highlight=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Tell something that changes how a result is to be read; the same words only once."""
        if text not in self._warned:
            self._warned.add(text)
            self._console.print(f"[yellow]Warning:[/yellow] {_line(text)}", highlight=False, soft_wrap=True)

    def confirm(self, question: str) -> bool | None:
        """Ask a person; None at once where nobody sits at a terminal."""
        if self._quiet or not sys.stderr.isatty() or not sys.stdin.isatty():
            return None
        self._console.print(_line(f"{question} [y/N] "), end="", highlight=False, soft_wrap=True)
        return sys.stdin.readline().strip().casefold() in {"y", "yes"}

    def _start(self) -> RichProgress:
        if self._bars is None:
            self._bars = RichProgress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[unit]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bars.start()
        self._open += 1
        return self._bars

    def _stop(self) -> None:
        self._open -= 1
        if self._open == 0 and self._bars is not None:
            self._bars.stop()
            self._bars = None


def _line(text: str) -> str:
    """Let nothing in a text from anywhere, such as the name of a file, work as markup or move the cursor."""
    return escape(text if text.isprintable() else plain_text(text))


def _in_ci() -> bool:
    return os.environ.get("CI", "").casefold() not in {"", "0", "false"}


def open_console(options: ConsoleOptions) -> ConsoleProgress:
    """Set up the log, and show progress as the user wants it.

    Raises:
        RequestError: The log file cannot be written.
    """
    set_up_logging(verbose=options.verbose, log_file=options.log_file)
    return ConsoleProgress(quiet=options.quiet)


def set_up_logging(*, verbose: bool, log_file: Path | None) -> None:
    """Send bench's own log messages to standard error (`verbose`) and to a file, each if wanted.

    Raises:
        RequestError: The log file cannot be written.
    """
    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.DEBUG if verbose or log_file else logging.WARNING)
    logger.handlers.clear()
    if verbose:
        logger.addHandler(RichHandler(console=Console(stderr=True), show_path=False))
    if log_file:
        try:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.FileHandler(log_file, encoding="utf-8")
        except OSError as error:
            reason = error.strerror or error
            raise RequestError(f"Cannot write {log_file} ({reason}): choose another file with --log-file.") from error
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)


def print_note(text: str) -> None:
    """Write one line that is no part of the result to standard error."""
    Console(stderr=True).print(_line(text), highlight=False, soft_wrap=True)


def print_error(text: str) -> None:
    """Write one line about what went wrong to standard error."""
    Console(stderr=True).print(f"[red]Error:[/red] {_line(text)}", highlight=False, soft_wrap=True)
