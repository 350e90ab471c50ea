"""Windows of long recordings: consecutive ones for scoring (docs/protocol.md), and overlapping ones for timelines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_TAIL_S = 1.0


@dataclass(frozen=True)
class Window:
    """A stretch of a clip, in samples.

    Attributes:
        start: Its first sample.
        stop: The sample after its last.
    """

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Its length in samples."""
        return self.stop - self.start


def windows(samples: int, sampling_rate: int, window_s: float, min_tail_s: float = MIN_TAIL_S) -> tuple[Window, ...]:
    """Cut a clip into consecutive windows.

    Args:
        samples: Length of the clip in samples.
        sampling_rate: Samples per second.
        window_s: Length of a window in seconds; the last one may be shorter.
        min_tail_s: A last window shorter than this is dropped, unless it is the only one.

    Returns:
        Windows without gap or overlap that begin at 0 and, but for a dropped tail, end at `samples`; none for an empty
        clip.

    Raises:
        ValueError: A length is negative, or a window holds no sample.

    Examples:
        >>> [(window.start, window.stop) for window in windows(70, 10, window_s=3)]
        [(0, 30), (30, 60), (60, 70)]
        >>> [(window.start, window.stop) for window in windows(69, 10, window_s=3)]
        [(0, 30), (30, 60)]
        >>> windows(5, 10, window_s=3)
        (Window(start=0, stop=5),)
    """
    size = window_size(sampling_rate, window_s)
    if samples < 0:
        raise ValueError(f"cannot cut {samples} samples into windows")
    cut = [Window(start, min(start + size, samples)) for start in range(0, samples, size)]
    if len(cut) > 1 and cut[-1].size < _shortest_tail(size, sampling_rate, min_tail_s):
        cut.pop()
    return tuple(cut)


def window_size(sampling_rate: int, window_s: float) -> int:
    """Samples of a whole window.

    Raises:
        ValueError: A window holds no sample.

    Examples:
        >>> window_size(16000, 30.0)
        480000
    """
    size = round(window_s * sampling_rate)
    if size < 1:
        raise ValueError(f"a window of {window_s} s at {sampling_rate} Hz holds no sample")
    return size


def window_blocks(
    blocks: Iterable[NDArray[np.float32]], sampling_rate: int, window_s: float, min_tail_s: float = MIN_TAIL_S
) -> Iterator[NDArray[np.float32]]:
    """Cut audio that comes in blocks into the windows that `windows` gives, with one of them in memory at a time.

    Args:
        blocks: Mono samples, shape (samples,).
        sampling_rate: Samples per second.
        window_s: As in `windows`.
        min_tail_s: As in `windows`.

    Yields:
        The samples of each window.

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
    if length and (not cut or length >= _shortest_tail(size, sampling_rate, min_tail_s)):
        yield np.concatenate(kept)


def _shortest_tail(size: int, sampling_rate: int, min_tail_s: float) -> int:
    return min(size, round(min_tail_s * sampling_rate))


# Models make no frame of less.
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
    recording, so that all of it is covered; only a recording that is shorter than a window gives a shorter one.

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
