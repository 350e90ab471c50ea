"""What nobody foresaw costs one candidate, and not the whole batch."""

import logging
from collections.abc import Callable
from typing import TypeVar

from benchmark.errors import BenchError

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger(__name__)


def spared(task: Callable[[T], R], lost: Callable[[T, Exception], R]) -> Callable[[T], R]:
    """Let what nobody foresaw, such as a want of memory, cost the item that it happened to, and no other.

    Args:
        task: What to do.
        lost: What to give for an item whose task raised.

    Returns:
        The task, which raises only what ends all: a wrong request, a full disk, an interruption.

    Examples:
        >>> [spared(len, lambda item, error: -1)(item) for item in ("ab", 3)]
        [2, -1]
    """

    def do(item: T) -> R:
        try:
            return task(item)
        except (BenchError, InterruptedError):
            raise
        except Exception as error:  # the edge of one candidate: whatever it is becomes its verdict
            logger.info("unforeseen", exc_info=error)
            return lost(item, error)

    return do
