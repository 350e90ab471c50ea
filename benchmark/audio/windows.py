"""How a clip that is longer than what a model reads at once is cut (PROTOCOL, From audio to a decision)."""

from dataclasses import dataclass


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


def windows(samples: int, sampling_rate: int, window_s: float, min_tail_s: float = 1.0) -> tuple[Window, ...]:
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
    size = round(window_s * sampling_rate)
    if samples < 0 or size < 1:
        raise ValueError(f"cannot cut {samples} samples at {sampling_rate} Hz into windows of {window_s} s")
    cut = [Window(start, min(start + size, samples)) for start in range(0, samples, size)]
    if len(cut) > 1 and cut[-1].size < min(size, round(min_tail_s * sampling_rate)):
        cut.pop()
    return tuple(cut)
