import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.audio.pitch import flatten_pitch, track_pitch
from tests.audio.conftest import RATE, Samples


def voice(hertz: NDArray[np.float64]) -> Samples:
    """A vowel whose fundamental frequency is given for each sample."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    harmonics = [np.cos(number * phase) / number for number in range(1, 9)]
    return np.asarray(0.1 * np.sum(harmonics, axis=0), dtype=np.float32)


def glide(low: float, high: float, seconds: float = 1.5) -> Samples:
    return voice(np.geomspace(low, high, round(seconds * RATE)))


def spectral_pitch(samples: Samples) -> NDArray[np.float64]:
    """The strongest frequency in windows of 100 ms, which knows nothing of the tracker."""
    size = RATE // 10
    windows = samples[: samples.size // size * size].reshape(-1, size) * np.hanning(size)
    return np.asarray(np.abs(np.fft.rfft(windows, 2**16)).argmax(axis=1) * RATE / 2**16)


def semitones(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 12 * np.log2(hertz / np.median(hertz))


@pytest.mark.parametrize(("low", "high"), [(80, 110), (100, 200), (180, 400), (400, 250)])
def test_a_glide_is_tracked_and_flattened_to_its_median_at_the_same_duration(low: float, high: float) -> None:
    samples = glide(low, high)
    track = track_pitch(samples, RATE)
    expected = np.geomspace(low, high, track.hertz.size)
    middle = slice(5, -5)
    np.testing.assert_allclose(track.hertz[middle], expected[middle], rtol=0.02)
    flat = flatten_pitch(samples, RATE)
    assert flat.size == samples.size
    before, after = spectral_pitch(samples)[1:-1], spectral_pitch(flat)[1:-1]
    assert np.ptp(semitones(before)) > 4
    assert np.ptp(semitones(after)) < 0.5
    assert np.median(after) == pytest.approx((low * high) ** 0.5, rel=0.02)


def test_loudness_over_time_stays_within_2_db() -> None:
    swell = np.linspace(0.2, 1.0, RATE).astype(np.float32)
    samples = glide(120, 240, seconds=1.0) * swell
    flat = flatten_pitch(samples, RATE)
    tenths = [np.sqrt((part.reshape(10, -1).astype(float) ** 2).mean(axis=1)) for part in (samples, flat)]
    assert np.abs(20 * np.log10(tenths[1] / tenths[0])).max() < 2


def test_what_has_no_pitch_comes_as_it_is() -> None:
    hiss = np.random.default_rng(3).normal(0, 0.1, RATE).astype(np.float32)
    assert track_pitch(hiss, RATE).voiced.mean() < 0.05
    for samples in (np.zeros(RATE, np.float32), np.zeros(1, np.float32)):
        np.testing.assert_array_equal(flatten_pitch(samples, RATE), samples)
    joined = np.concatenate([hiss, glide(120, 240), hiss])
    flat = flatten_pitch(joined, RATE)
    far = slice(0, RATE - RATE // 20)
    np.testing.assert_allclose(flat[far], joined[far], atol=1e-4)
