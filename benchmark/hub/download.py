"""The bytes of a download: told to whoever listens, and the sign that there is reason to wait on."""

import threading
from typing import Any, Self

from benchmark.hub.deadline import Patience
from benchmark.progress import Stage

SLOWEST_BYTES_PER_S = 50_000
"""A line slower than that counts as broken."""

_CHUNK_BYTES = 10 * 1024 * 1024
"""The library tells of a download in steps of this size."""


class ByteWatch:
    """Follows the bytes of one file.

    Args:
        stage: Who listens; None where nobody does.
        size: Bytes of the file; None where nobody knows.
        timeout_s: How long the server may think before it sends.
    """

    def __init__(self, stage: Stage | None, size: int | None, timeout_s: float) -> None:
        self._stage = stage
        self._size = size
        self._timeout_s = timeout_s
        self._seen = 0
        self._lock = threading.Lock()
        self.patience = Patience(self._silence())

    def advance(self, amount: float) -> None:
        """Count `amount` more bytes; fewer where the library begins anew."""
        with self._lock:
            self._seen += int(amount)
        if amount > 0:
            self.patience.renew(self._silence())
        if self._stage is not None:
            self._stage.advance(amount)

    def complete(self) -> None:
        """Count what was there already and what the library did not tell of."""
        missing = (self._size or 0) - self._seen
        if missing and self._stage is not None:
            self._stage.advance(missing)

    def _silence(self) -> float:
        """Seconds until the next step is overdue."""
        left = _CHUNK_BYTES if self._size is None else max(0, self._size - self._seen)
        return self._timeout_s + min(left, _CHUNK_BYTES) / SLOWEST_BYTES_PER_S


def byte_bar(watch: ByteWatch) -> type:
    """Make what the library takes for a progress bar: a class, of which it makes an instance per attempt.

    Returns:
        A class with the part of tqdm's interface that huggingface_hub uses, for plain and for xet downloads.
    """

    class ByteBar:
        def __init__(self, *_positional: Any, total: float | None = None, **_named: Any) -> None:
            self.total = total

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def update(self, amount: float | None = 1) -> None:
            watch.advance(amount or 0)

        def update_transfer(self, _amount: float | None = 1) -> None:
            # With xet the network is ahead of the file; the bytes of the file are those that count.
            watch.advance(0)

        def set_postfix_str(self, *_positional: Any, **_named: Any) -> None:
            pass

        def set_transfer_postfix_str(self, *_positional: Any, **_named: Any) -> None:
            pass

        def refresh(self) -> None:
            pass

        def close(self) -> None:
            pass

    return ByteBar
