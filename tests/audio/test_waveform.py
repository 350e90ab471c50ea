import numpy as np
import pytest
import soxr

from benchmark.audio.waveform import ContentHash, Waveform, resample, resampled_blocks
from tests.audio.conftest import tone

TONE = np.sin(np.arange(160, dtype=np.float32))


def test_the_hash_knows_samples_and_rate_and_nothing_else() -> None:
    reference = Waveform(TONE, 16000).content_hash
    assert len(reference) == 32
    assert Waveform(TONE.copy(), 16000).content_hash == reference
    assert Waveform(np.repeat(TONE, 2)[::2], 16000).content_hash == reference, "memory layout must not matter"
    assert Waveform(TONE, 16001).content_hash != reference
    assert Waveform(TONE[:-1], 16000).content_hash != reference
    assert Waveform(-TONE, 16000).content_hash != reference


@pytest.mark.parametrize(
    ("samples", "rate"), [(TONE.astype(np.float64), 16000), (TONE.reshape(2, -1), 16000), (TONE, 0)]
)
def test_what_is_not_one_row_of_float32_is_refused(samples: np.ndarray, rate: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        Waveform(samples, rate)


@pytest.mark.parametrize("cuts", [[], [1], [3, 3, 500], [999]])
def test_a_hash_of_pieces_is_that_of_the_whole(cuts: list[int]) -> None:
    whole = np.random.default_rng(3).normal(0, 0.1, 1000).astype(np.float32)
    pieces = ContentHash(16_000)
    for piece in np.split(whole, cuts):
        pieces.update(piece)
    assert pieces.digits == Waveform(whole, 16_000).content_hash


def test_the_rate_it_already_has_costs_nothing() -> None:
    waveform = Waveform(TONE, 16000)
    assert resample(waveform, 16000) is waveform
    assert waveform.duration_s == 0.01


@pytest.mark.parametrize("rate", [8000, 44100])
def test_a_tone_stays_the_same_tone_if_the_new_rate_can_hold_it(rate: int) -> None:
    resampled = resample(Waveform(tone(1000, rate=rate), rate), 16000)
    assert resampled.sampling_rate == 16000
    assert resampled.samples.dtype == np.float32
    np.testing.assert_allclose(resampled.samples[2000:-2000], tone(1000)[2000:-2000], atol=1e-3)
    too_high = resample(Waveform(tone(12000, rate=48000), 48000), 16000)
    assert np.abs(too_high.samples[1000:-1000]).max() < 1e-3


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_few_samples_stay_at_least_one(count: int) -> None:
    resampled = resample(Waveform(np.full(count, 0.25, dtype=np.float32), 48000), 8000)
    assert resampled.samples.size == min(count, 1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("block", [1_000, 70_001])
def test_a_stream_gives_exactly_what_soxr_makes_of_the_whole_clip(rate: int, block: int) -> None:
    clip = np.random.default_rng(rate).normal(0, 0.1, 5 * rate + 17).astype(np.float32)
    blocks = [clip[start : start + block] for start in range(0, clip.size, block)]
    streamed = np.concatenate(list(resampled_blocks(blocks, rate, 16_000)))
    np.testing.assert_array_equal(streamed, soxr.resample(clip, rate, 16_000, quality="HQ"))
