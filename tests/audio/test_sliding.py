import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.audio.sliding import sliding_windows

RATE = 100


def cut(samples: int, *, block: int, window_s: float, hop_s: float) -> list[tuple[int, int]]:
    audio = np.arange(samples, dtype=np.float32)
    blocks = [audio[start : start + block] for start in range(0, samples, block)]
    found = []
    for window in sliding_windows(blocks, RATE, window_s=window_s, hop_s=hop_s):
        assert window.samples.tolist() == audio[window.start : window.stop].tolist()
        found.append((window.start, window.stop))
    return found


@pytest.mark.parametrize("block", [1, 7, 100, 10_000])
@pytest.mark.parametrize(
    ("samples", "window_s", "hop_s", "expected"),
    [
        (0, 3, 1, []),
        (1, 3, 1, [(0, 1)]),
        (299, 3, 1, [(0, 299)]),
        (300, 3, 1, [(0, 300)]),
        (301, 3, 1, [(0, 300)]),  # a hundredth of a second is less than a frame of any model
        (350, 3, 1, [(0, 300), (50, 350)]),
        (500, 3, 1, [(0, 300), (100, 400), (200, 500)]),
        (550, 3, 3, [(0, 300), (250, 550)]),
        (900, 3, 3, [(0, 300), (300, 600), (600, 900)]),
    ],
)
def test_windows_of_one_length_cover_the_whole_recording_however_it_is_read(
    block: int, samples: int, window_s: float, hop_s: float, expected: list[tuple[int, int]]
) -> None:
    assert cut(samples, block=block, window_s=window_s, hop_s=hop_s) == expected


def test_a_hop_longer_than_a_window_would_leave_audio_unheard() -> None:
    with pytest.raises(ValueError, match="longer than a window"):
        cut(900, block=100, window_s=1, hop_s=2)


def test_an_hour_is_never_in_memory() -> None:
    def hour() -> Iterator[NDArray[np.float32]]:
        for _ in range(3600):
            yield np.zeros(16_000, dtype=np.float32)

    tracemalloc.start()
    windows = sum(1 for _ in sliding_windows(hour(), 16_000, window_s=3, hop_s=1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert windows == 3598
    assert peak < 2_000_000
