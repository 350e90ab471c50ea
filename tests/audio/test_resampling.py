import numpy as np
import pytest

from benchmark.audio.resampling import resample, resampled_blocks
from benchmark.audio.waveform import Waveform


def tone(rate: int, hertz: float, seconds: float = 1.0) -> Waveform:
    time = np.arange(round(rate * seconds)) / rate
    return Waveform((0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def test_the_rate_it_already_has_costs_nothing() -> None:
    waveform = tone(16000, 440)
    assert resample(waveform, 16000) is waveform


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_a_tone_stays_the_same_tone(rate: int) -> None:
    resampled = resample(tone(rate, 1000), 16000)

    assert resampled.sampling_rate == 16000
    assert resampled.samples.dtype == np.float32
    middle = slice(2000, -2000)
    np.testing.assert_allclose(resampled.samples[middle], tone(16000, 1000).samples[middle], atol=1e-3)


def test_what_the_new_rate_cannot_hold_is_filtered_out() -> None:
    resampled = resample(tone(48000, 12000), 16000)
    assert np.abs(resampled.samples[1000:-1000]).max() < 1e-3


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_samples_stay_at_least_one(count: int) -> None:
    assert resample(Waveform(np.full(count, 0.25, dtype=np.float32), 48000), 8000).samples.size >= 1


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("block", [1_000, 70_001])
def test_a_stream_gives_exactly_what_the_whole_clip_gives(rate: int, block: int) -> None:
    clip = np.random.default_rng(rate).normal(0, 0.1, 5 * rate + 17).astype(np.float32)
    blocks = [clip[start : start + block] for start in range(0, clip.size, block)]
    streamed = np.concatenate(list(resampled_blocks(blocks, rate, 16_000)))
    np.testing.assert_array_equal(streamed, resample(Waveform(clip, rate), 16_000).samples)


def test_a_stream_of_a_single_sample_still_gives_one() -> None:
    one = np.full(1, 0.5, dtype=np.float32)
    np.testing.assert_array_equal(
        np.concatenate(list(resampled_blocks([one], 48_000, 16_000))), resample(Waveform(one, 48_000), 16_000).samples
    )
