import numpy as np
import pytest

from benchmark.audio.waveform import ContentHash, Waveform

TONE = np.sin(np.arange(160, dtype=np.float32))


def test_the_duration_is_in_seconds() -> None:
    assert Waveform(TONE, 16000).duration_s == 0.01


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
