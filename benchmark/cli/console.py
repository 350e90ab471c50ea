"""Messages and the log: everything that is not a result goes to standard error."""

import logging

from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from benchmark.api.progress import ConsoleProgress, one_line
from benchmark.errors import RequestError
from benchmark.options.shared import ConsoleOptions
from benchmark.reporting.wrapping import print_wrapped

__all__ = ["ConsoleProgress", "open_console", "print_error", "print_note"]


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
    print_wrapped(Console(stderr=True), Text(one_line(text)))


def print_error(text: str) -> None:
    """Print an error to standard error."""
    print_wrapped(Console(stderr=True), Text.assemble(("Error:", "red"), " ", one_line(text)))
