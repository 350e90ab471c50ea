"""Many windows on their way through one model: computed side by side or together, handed back in their order."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmark.workers.answers import OutOfMemory, Raised, Returned, describe

Samples = NDArray[np.float32]


class Computing(Protocol):
    """Whatever computes windows in the background. Its answers are as `AnswerQueue.exchange` gives them."""

    def submit(self, window: Samples) -> Future[dict[str, Any]]:
        """Take a window."""

    def hurry(self, answer: Future[dict[str, Any]]) -> None:
        """Begin with this answer's window, if that waits for others to come."""

    def close(self) -> None:
        """Finish what is being computed, and forget the rest."""


class SideBySide:
    """Computes windows in threads of its own, one per stream.

    Args:
        answer: Gives the logits of one window; called from several threads at once.
        streams: How many.
    """

    def __init__(self, answer: Callable[[Samples], NDArray[np.float32]], *, streams: int) -> None:
        self._answer = answer
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix="stream")

    def submit(self, window: Samples) -> Future[dict[str, Any]]:
        """Take a window; the next thread that is free computes it."""
        return self._pool.submit(self._compute, window)

    def hurry(self, answer: Future[dict[str, Any]]) -> None:
        """Do nothing: no window waits for another."""

    def close(self) -> None:
        """Finish what is being computed, and forget the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _compute(self, window: Samples) -> dict[str, Any]:
        begin = time.perf_counter()
        try:
            logits = self._answer(window)
        except Exception as error:  # the edge of a worker: what a model raises is the answer to this window
            return failed(error)
        return {"logits": logits, "seconds": time.perf_counter() - begin}


class AnswerQueue:
    """Hands back answers in the order of the questions.

    Args:
        computing: What computes.
    """

    def __init__(self, computing: Computing) -> None:
        self._computing = computing
        self._waiting: deque[Future[dict[str, Any]]] = deque()

    def exchange(self, windows: Sequence[Samples], most_waiting: int) -> list[dict[str, Any]]:
        """Take more windows, and give back the oldest that are done.

        Args:
            windows: What is asked now.
            most_waiting: How many may be on their way when this returns: it waits for the oldest until it is so. What
                is done beyond that is given back, too.

        Returns:
            In the order in which they were asked, for each window `logits` and `seconds`, or `raised` or
            `out_of_memory` as a worker's own answers have them; `window_answer` takes them apart.
        """
        self._waiting.extend(map(self._computing.submit, windows))
        answers = []
        while self._waiting and (len(self._waiting) > most_waiting or self._waiting[0].done()):
            oldest = self._waiting.popleft()
            if not oldest.done():
                self._computing.hurry(oldest)
            answers.append(oldest.result())
        return answers

    def close(self) -> None:
        """Finish what is being computed, and forget the rest."""
        self._computing.close()


def failed(error: Exception) -> dict[str, Any]:
    """Say of a window what was raised in place of an answer."""
    answer = describe(error)
    if isinstance(answer, OutOfMemory):
        return {"out_of_memory": [answer.requested_bytes, answer.limit_bytes, answer.message]}
    return {"raised": [answer.kind, answer.message, answer.outer]}


def window_answer(plain: dict[str, Any]) -> Returned | Raised | OutOfMemory:
    """Give what `AnswerQueue.exchange` says of a window as an answer, whose value has `logits` and `seconds`.

    Examples:
        >>> window_answer({"raised": ["TooShortError", "too short", "TooShortError: too short"]}).reason
        'TooShortError: too short'
    """
    if "raised" in plain:
        return Raised(*plain["raised"])
    if "out_of_memory" in plain:
        return OutOfMemory(*plain["out_of_memory"])
    return Returned(plain)
