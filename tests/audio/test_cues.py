import numpy as np
import pytest

from benchmark.audio.cues import equal_loudness, pauses_alone, scrambled, sections
from tests.audio.conftest import RATE, Samples, tone


class Unchanged(np.random.Generator):
    """Leaves the order as it is."""

    def permutation(self, x: object, axis: int = 0) -> object:  # type: ignore[override]
        return np.arange(x)  # type: ignore[call-overload]


def speech_and_pauses() -> Samples:
    """A second of silence with faint noise, one of speech, and one of faint noise again."""
    faint = np.random.default_rng(2).normal(0, 1e-4, 3 * RATE).astype(np.float32)
    faint[RATE : 2 * RATE] += tone(200, seconds=1)
    return faint


def test_clips_of_any_level_become_equally_loud_and_silence_stays() -> None:
    loud = speech_and_pauses()
    results = [equal_loudness(loud * np.float32(factor), RATE) for factor in (0.01, 1, 3)]
    for result in results:
        np.testing.assert_allclose(result, results[0], rtol=1e-4)
    speech = results[0][RATE : 2 * RATE].astype(float)
    assert 10 * np.log10((speech**2).mean()) == pytest.approx(-23, abs=0.1)
    assert not equal_loudness(np.zeros(9, np.float32), RATE).any()


def test_pieces_in_their_old_order_are_the_clip_as_it_was_and_scrambled_all_its_pieces() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 16_500).astype(np.float32)
    same = scrambled(samples, RATE, 0.1, Unchanged(np.random.PCG64()))
    np.testing.assert_allclose(same, samples, atol=1e-6)
    steps = np.repeat(np.arange(10, dtype=np.float32), RATE // 10)
    mixed = scrambled(steps, RATE, 0.1, np.random.default_rng(0))
    middles = mixed.reshape(10, -1)[:, RATE // 20]
    assert sorted(middles) == list(range(10))
    assert list(middles) != list(range(10))
    assert mixed.size == steps.size


def test_of_the_pauses_alone_nothing_of_the_speech_is_left() -> None:
    samples = speech_and_pauses()
    alone = pauses_alone(samples, RATE)
    edge = RATE // 10
    np.testing.assert_array_equal(alone[: RATE - edge], samples[: RATE - edge])
    np.testing.assert_array_equal(alone[2 * RATE + edge :], samples[2 * RATE + edge :])
    assert not alone[RATE - edge // 2 : 2 * RATE + edge // 2].any()
    assert not pauses_alone(tone(200), RATE).any(), "without pauses nothing is left"


def test_long_clips_come_in_sections_of_30_s_whatever_the_blocks() -> None:
    samples = np.arange(70 * 100, dtype=np.float32)
    for size in (7, 5_000):
        pieces = list(sections(np.split(samples, range(size, samples.size, size)), 100))
        assert [piece.size for piece in pieces] == [3000, 3000, 1000]
        np.testing.assert_array_equal(np.concatenate(pieces), samples)
