import itertools
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.audio.windows import Window, sliding_windows, window_blocks, windows

RATES = (8000, 16000, 22050, 44100, 48000)
WINDOW_S = (0.5, 1.0, 1.1, 10.24, 30.0)
LENGTHS_S = (0.0001, 0.3, 0.999, 1.0, 1.001, 5.0, 10.24, 10.25, 29.99, 30.0, 30.5, 31.0, 61.0, 95.3)


@pytest.mark.parametrize(("rate", "window_s", "length_s"), list(itertools.product(RATES, WINDOW_S, LENGTHS_S)))
def test_windows_are_consecutive_and_cover_the_clip_but_for_a_short_tail(
    rate: int, window_s: float, length_s: float
) -> None:
    samples = max(1, round(length_s * rate))

    cut = windows(samples, rate, window_s)

    assert cut[0].start == 0
    assert all(former.stop == latter.start for former, latter in itertools.pairwise(cut))
    assert all(window.size == round(window_s * rate) for window in cut[:-1])
    assert 0 < cut[-1].size <= round(window_s * rate)
    dropped = samples - cut[-1].stop
    assert 0 <= dropped < min(rate, round(window_s * rate))
    assert all(isinstance(bound, int) for window in cut for bound in (window.start, window.stop))
    if len(cut) > 1:
        assert cut[-1].size >= min(rate, round(window_s * rate))


def test_an_empty_clip_has_no_window() -> None:
    assert windows(0, 16000, 30.0) == ()


def test_a_tail_of_exactly_one_second_is_kept() -> None:
    assert windows(31 * 16000, 16000, 30.0) == (Window(0, 480000), Window(480000, 496000))


def test_a_tail_one_sample_under_one_second_is_dropped() -> None:
    assert windows(31 * 16000 - 1, 16000, 30.0) == (Window(0, 480000),)


def test_a_clip_under_one_second_is_one_window() -> None:
    assert windows(100, 16000, 30.0) == (Window(0, 100),)


def test_whole_windows_below_the_least_tail_are_all_kept() -> None:
    assert len(windows(16000, 16000, 0.5)) == 2


@pytest.mark.parametrize(("samples", "window_s"), [(-1, 30.0), (16000, 0.0), (16000, -3.0), (16000, 1e-9)])
def test_impossible_lengths_are_refused(samples: int, window_s: float) -> None:
    with pytest.raises(ValueError, match=r"cannot cut|holds no sample"):
        windows(samples, 16000, window_s)


@pytest.mark.parametrize("block", [1, 7, 100, 1000])
@pytest.mark.parametrize("samples", [1, 5, 9, 10, 29, 30, 31, 39, 40, 60, 61, 69, 70, 90, 345])
def test_windows_of_a_stream_are_those_of_the_whole_clip(samples: int, block: int) -> None:
    clip = np.arange(samples, dtype=np.float32)
    blocks = [clip[start : start + block] for start in range(0, samples, block)]
    cut = list(window_blocks(blocks, 10, window_s=3))
    expected = windows(samples, 10, window_s=3)
    assert len(cut) == len(expected)
    for window, place in zip(cut, expected, strict=True):
        np.testing.assert_array_equal(window, clip[place.start : place.stop])


def test_a_stream_without_samples_has_no_windows() -> None:
    assert list(window_blocks([], 10, window_s=3)) == []


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
