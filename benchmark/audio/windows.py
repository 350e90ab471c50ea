"""Windows of long recordings: consecutive ones for scoring (docs/protocol.md), and overlapping ones for timelines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SHORTEST_TAIL_S = 1.0
# Models make no frame of less.
_FRAME_S = 0.025


def window_blocks(
    blocks: Iterable[NDArray[np.float32]], sampling_rate: int, window_s: float
) -> Iterator[NDArray[np.float32]]:
    """Cut audio that comes in blocks into consecutive windows, with one of them in memory at a time.

    An incomplete last window of less than a second is dropped, unless it is the only one.

    Args:
        blocks: Mono samples, shape (samples,).
        window_s: Length of a window in seconds; the last one may be shorter.

    Yields:
        The samples of each window, without gap or overlap; nothing where there is no sample.

    Raises:
        ValueError: A window holds no sample.

    Examples:
        >>> tens = [np.zeros(10, dtype=np.float32)] * 7
        >>> [window.size for window in window_blocks(tens, 10, window_s=3)]
        [30, 30, 10]
    """
    size = window_size(sampling_rate, window_s)
    kept: list[NDArray[np.float32]] = []
    length, cut = 0, 0
    for block in blocks:
        kept.append(block)
        length += block.size
        while length >= size:
            joined = np.concatenate(kept)
            yield joined[:size].copy()
            kept, length, cut = [joined[size:]], length - size, cut + 1
    if length and (not cut or length >= round(_SHORTEST_TAIL_S * sampling_rate)):
        yield np.concatenate(kept)


def window_size(sampling_rate: int, window_s: float) -> int:
    """Samples of a whole window.

    Raises:
        ValueError: A window holds no sample.
    """
    size = round(window_s * sampling_rate)
    if size < 1:
        raise ValueError(f"a window of {window_s} s at {sampling_rate} Hz holds no sample")
    return size


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
    recording, so that all of it is covered; only a recording that is shorter than a window gives a shorter one.

    Args:
        blocks: Mono samples, shape (samples,).
        window_s: Length of a window in seconds.
        hop_s: From the beginning of one window to that of the next, in seconds; at most `window_s`.

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
