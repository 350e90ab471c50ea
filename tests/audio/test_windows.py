import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.audio.windows import sliding_windows, window_blocks


def blocks_of(audio: NDArray[np.float32], block: int) -> list[NDArray[np.float32]]:
    return [audio[start : start + block] for start in range(0, audio.size, block)]


@pytest.mark.parametrize("block", [1, 7, 1000])
@pytest.mark.parametrize(
    ("samples", "window_s", "sizes"),
    [
        (0, 3, []),
        (1, 3, [1]),
        (29, 3, [29]),
        (30, 3, [30]),
        (39, 3, [30]),  # a tail of under a second
        (40, 3, [30, 10]),
        (69, 3, [30, 30]),
        (345, 3, [30] * 11 + [15]),
        (14, 0.5, [5, 5]),
        (15, 1.1, [11]),
    ],
)
def test_windows_are_consecutive_and_cover_the_clip_but_for_a_short_tail(
    samples: int, window_s: float, sizes: list[int], block: int
) -> None:
    clip = np.arange(samples, dtype=np.float32)
    windows = list(window_blocks(blocks_of(clip, block), 10, window_s))
    assert [window.size for window in windows] == sizes
    assert np.concatenate([clip[:0], *windows]).tolist() == clip[: sum(sizes)].tolist()


@pytest.mark.parametrize("window_s", [0.0, -3.0, 1e-9])
def test_a_window_without_samples_is_refused(window_s: float) -> None:
    with pytest.raises(ValueError, match="holds no sample"):
        list(window_blocks([np.zeros(10, np.float32)], 16_000, window_s))


RATE = 100


def cut(samples: int, *, block: int, window_s: float, hop_s: float) -> list[tuple[int, int]]:
    audio = np.arange(samples, dtype=np.float32)
    windows = list(sliding_windows(blocks_of(audio, block), RATE, window_s=window_s, hop_s=hop_s))
    assert all(window.samples.tolist() == audio[window.start : window.stop].tolist() for window in windows)
    return [(window.start, window.stop) for window in windows]


@pytest.mark.parametrize("block", [1, 7, 10_000])
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
