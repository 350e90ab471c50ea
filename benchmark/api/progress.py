"""Progress on a terminal, in a log, in a script and in a notebook."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from html import escape as escape_html
from typing import TYPE_CHECKING

from rich.console import Console
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
from rich.text import Text

from benchmark.errors import RequestError
from benchmark.plugins import plugin_files
from benchmark.progress import Progress, ProgressOption, Silent, Stage
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.wrapping import print_wrapped

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

_LINE_EVERY_S = 30.0
_SCRIPT_PAUSE_S = 5.0
_DRAW_EVERY_S = 0.5


def open_progress(chosen: ProgressOption) -> Progress:
    """Open what a Python function shows its progress by, and say there whose code it runs.

    With `auto`, a notebook shows one block that is drawn over, a terminal shows bars, and a log or a test gets a line
    per stage, at most one in five seconds, so that short work says nothing. Messages and warnings are always shown.

    Raises:
        RequestError: It is another word.
    """
    if isinstance(chosen, str) and chosen not in {"auto", "silent"}:
        raise RequestError(f"progress={chosen!r} is unknown: give 'auto', 'silent', or an object that shows progress.")
    progress = _opened(chosen)
    for file in plugin_files():
        progress.note(f"Running the code of {file}, as --plugin asks.")
    return progress


def _opened(chosen: ProgressOption) -> Progress:
    if chosen is None or chosen == "silent":
        return Silent()
    if chosen != "auto":
        return chosen
    if _is_notebook():
        return NotebookProgress()
    has_errors_shown = sys.stderr is not None  # a program with windows has no standard error
    return ConsoleProgress(pause_s=_SCRIPT_PAUSE_S) if has_errors_shown else Silent()


def _is_notebook() -> bool:
    """Whether a kernel runs this, which shows what is displayed; IPython in a terminal has none."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


class _BarStage:
    def __init__(self, bars: RichProgress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, amount: float = 1) -> None:
        self._bars.advance(self._task, amount)

    def describe(self, text: str) -> None:
        self._bars.update(self._task, description=escape(one_line(text)))


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
            line = _amount_done(self._description, self._done, self._total, self._unit)
        print_wrapped(self._console, Text(one_line(line)))

    def describe(self, text: str) -> None:
        self._description = text


class ConsoleProgress:
    """Shows stages as bars with the time left on a terminal, and as plain lines elsewhere; only warnings if quiet.

    Args:
        pause_s: Elsewhere than on a terminal, a stage that begins sooner after the last one has no line.
    """

    def __init__(self, *, quiet: bool = False, pause_s: float = 0.0) -> None:
        self._console = Console(stderr=True)
        self._quiet = quiet
        self._pause_s = pause_s
        self._last_stage = time.monotonic()
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
        if time.monotonic() - self._last_stage >= self._pause_s:
            self._last_stage = time.monotonic()
            amount = f" ({total:g} {unit.removesuffix('s') if total == 1 else unit})" if total else ""
            self.note(f"{description}{amount}")
        return nullcontext(_LineStage(self._console, description, total, unit))

    def note(self, text: str) -> None:
        """Print a message."""
        if not self._quiet:
            print_wrapped(self._console, Text(one_line(text)))

    def warn(self, text: str) -> None:
        """Print a warning, each text once."""
        if text not in self._warned:
            self._warned.add(text)
            print_wrapped(self._console, Text.assemble(("Warning:", "yellow"), " ", one_line(text)))

    def confirm(self, question: str) -> bool | None:
        """Ask for a yes or no; None without a terminal."""
        if self._quiet or not sys.stderr.isatty() or not sys.stdin.isatty():
            return None
        print_wrapped(self._console, Text(one_line(f"{question} [y/N]")), end=" ")
        return sys.stdin.readline().strip().casefold() in {"y", "yes"}

    @contextmanager
    def _bar(self, description: str, total: float | None, unit: str) -> Iterator[Stage]:
        bars = self._bars
        if bars is None:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            times = (TextColumn("{task.fields[unit]}"), TimeElapsedColumn(), TimeRemainingColumn())
            self._bars = bars = RichProgress(*columns, *times, console=self._console, transient=True)
            bars.start()
        task = bars.add_task(escape(one_line(description)), total=total, unit=unit)
        try:
            yield _BarStage(bars, task)
        finally:
            bars.remove_task(task)
            if not bars.tasks:
                bars.stop()
                self._bars = None


class _BlockStage:
    def __init__(self, progress: "NotebookProgress", description: str, total: float | None, unit: str) -> None:
        self._progress = progress
        self._description = description
        self._total = total
        self._unit = unit
        self._done = 0.0

    def advance(self, amount: float = 1) -> None:
        with self._progress.drawing(only_if_due=True):
            self._done += amount

    def describe(self, text: str) -> None:
        with self._progress.drawing(only_if_due=True):
            self._description = text

    @property
    def text(self) -> str:
        return plain_text(_amount_done(self._description, self._done, self._total, self._unit))

    @property
    def html(self) -> str:
        bar = f'<progress value="{self._done:g}" max="{self._total:g}"></progress> ' if self._total else ""
        return f"{bar}{escape_html(self.text)}"


class NotebookProgress:
    """Shows the warnings, the messages and the running stages in one output of a notebook's cell, which is replaced."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None
        self._lock = threading.Lock()
        self._begin = time.monotonic()
        self._drawn = -_DRAW_EVERY_S
        self._stages: list[_BlockStage] = []
        self._texts: dict[str, None] = {}

    @contextmanager
    def stage(self, description: str, *, total: float | None, unit: str = "") -> Iterator[Stage]:
        """Open a stage."""
        opened = _BlockStage(self, description, total, unit)
        with self.drawing():
            self._stages.append(opened)
        try:
            yield opened
        finally:
            with self.drawing():
                self._stages.remove(opened)

    def note(self, text: str) -> None:
        """Add a message."""
        with self.drawing():
            self._texts[plain_text(text)] = None

    def warn(self, text: str) -> None:
        """Add a warning, each text once."""
        self.note(f"Warning: {text}")

    @contextmanager
    def drawing(self, *, only_if_due: bool = False) -> Iterator[None]:
        """Change what is shown, and show it; if asked for, only where that was not done just before."""
        with self._lock:
            yield
            if not only_if_due or time.monotonic() - self._drawn >= _DRAW_EVERY_S:
                self._draw()

    def _draw(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - a notebook has it

        self._drawn = time.monotonic()
        passed = f"{self._drawn - self._begin:.0f} s"
        html = [*map(escape_html, self._texts), *(stage.html for stage in self._stages), passed]
        lines = [*self._texts, *(stage.text for stage in self._stages), passed]
        content = {"text/html": "<br>".join(html), "text/plain": "\n".join(lines)}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(content, raw=True)  # type: ignore[no-untyped-call]


def _amount_done(description: str, done: float, total: float | None, unit: str) -> str:
    of_all = f" of {total:g}" if total else ""
    return f"{description}: {round(done, 1):g}{of_all} {unit}".rstrip()


def one_line(text: str) -> str:
    """Reduce a text, which may come from outside, to what can be seen of it on one line."""
    return text if text.isprintable() else plain_text(text)
