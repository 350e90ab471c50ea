"""Downloads from the Hub: their progress, and how long they may stall."""

import threading
from typing import Any, Self

from benchmark.hub.retries import Deadline
from benchmark.progress import Stage

SLOWEST_BYTES_PER_S = 50_000
"""A slower connection counts as broken."""

_CHUNK_BYTES = 10 * 1024 * 1024  # huggingface_hub reports a download in steps of this size


class DownloadWatch:
    """Follows the bytes of one file: reports them, and extends the deadline of the download.

    Args:
        stage: Shows the progress; None where nothing does.
        size: Bytes of the file; None where unknown.
        timeout_s: How long the server may take before it sends.
    """

    def __init__(self, stage: Stage | None, size: int | None, timeout_s: float) -> None:
        self._stage = stage
        self._size = size
        self._timeout_s = timeout_s
        self._seen = 0
        self._lock = threading.Lock()
        self.deadline = Deadline(self._longest_pause())

    def advance(self, amount: float) -> None:
        """Count bytes; a negative amount where the library starts the file again."""
        with self._lock:
            self._seen += int(amount)
        if amount > 0:
            self.deadline.extend(self._longest_pause())
        if self._stage is not None:
            self._stage.advance(amount)

    def complete(self) -> None:
        """Report the bytes that were there already and those that the library did not report."""
        missing = (self._size or 0) - self._seen
        if missing and self._stage is not None:
            self._stage.advance(missing)

    def _longest_pause(self) -> float:
        """Seconds until the next step is overdue."""
        left = _CHUNK_BYTES if self._size is None else max(0, self._size - self._seen)
        return self._timeout_s + min(left, _CHUNK_BYTES) / SLOWEST_BYTES_PER_S


def progress_class(watch: DownloadWatch) -> type:
    """Make the `tqdm_class` of a download.

    Returns:
        A class with the part of tqdm's interface that huggingface_hub uses, for plain and for xet downloads.
    """

    class WatchedBar:
        def __init__(self, *_positional: Any, total: float | None = None, **_named: Any) -> None:
            self.total = total

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def update(self, amount: float | None = 1) -> None:
            watch.advance(amount or 0)

        def ignore(self, *_positional: Any, **_named: Any) -> None:
            # Among them what xet transfers, which is ahead of the file; the bytes of the file are those that count.
            pass

        update_transfer = set_postfix_str = set_transfer_postfix_str = refresh = close = ignore

    return WatchedBar
