"""Overlapping windows over a recording of any length, with one of them in memory at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.windows import window_size

# No model makes a frame of less, so that there is nothing in it to hear.
_FRAME_S = 0.025


@dataclass(frozen=True, eq=False)
class SlidingWindow:
    """A stretch of a recording, with its samples.

    Attributes:
        start: Its first sample, counted from the beginning of the recording.
        samples: Mono samples, shape (samples,).
    """

    start: int
    samples: NDArray[np.float32]

    @property
    def stop(self) -> int:
        """The sample after its last."""
        return self.start + self.samples.size


def sliding_windows(
    blocks: Iterable[NDArray[np.float32]], sampling_rate: int, *, window_s: float, hop_s: float
) -> Iterator[SlidingWindow]:
    """Cut audio that comes in blocks into windows of one length that overlap.

    A window begins every `hop_s` seconds. Where the last of them ends before the recording does, one more ends with the
    recording, so that nothing goes unheard; only a recording that is shorter than a window gives a shorter one.

    Args:
        blocks: Mono samples, shape (samples,).
        sampling_rate: Samples per second.
        window_s: Length of a window in seconds.
        hop_s: From the beginning of one window to that of the next, in seconds; at most `window_s`.

    Yields:
        The windows in their order; none where there is no sample.

    Raises:
        ValueError: A window or a hop holds no sample, or a hop is longer than a window.

    Examples:
        >>> blocks = [np.zeros(25, dtype=np.float32)] * 3
        >>> [(window.start, window.stop) for window in sliding_windows(blocks, 10, window_s=3, hop_s=2)]
        [(0, 30), (20, 50), (40, 70), (45, 75)]
    """
    size, hop = window_size(sampling_rate, window_s), window_size(sampling_rate, hop_s)
    if hop > size:
        raise ValueError(f"a hop of {hop_s} s is longer than a window of {window_s} s")
    start, waiting = 0, np.zeros(0, dtype=np.float32)
    last: SlidingWindow | None = None
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while waiting.size >= size:
            last = SlidingWindow(start, waiting[:size].copy())
            yield last
            start, waiting = start + hop, waiting[hop:]
    if last is None:
        if waiting.size:
            yield SlidingWindow(0, waiting)
        return
    end = start + waiting.size
    if end - last.stop >= _FRAME_S * sampling_rate:
        joined = np.concatenate([last.samples, waiting[last.stop - start :]])
        yield SlidingWindow(end - size, joined[-size:])
