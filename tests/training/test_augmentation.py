import numpy as np
import pytest

from benchmark.training.augmentation import MelCrops, augmented, changed_speed, mixed
from benchmark.training.clips_file import SAMPLING_RATE
from benchmark.training.recipe import Augmentation, WaveformAugmentation

TIME = np.arange(SAMPLING_RATE) / SAMPLING_RATE
TONE = np.sin(2 * np.pi * 1_000 * TIME).astype(np.float32)


def loudest_hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(spectrum.argmax() * SAMPLING_RATE / samples.size)


def test_speed_changes_length_and_pitch() -> None:
    fast = changed_speed(TONE, 1.1)
    assert fast.size == pytest.approx(TONE.size / 1.1, abs=2)
    assert loudest_hertz(fast) == pytest.approx(1_100, abs=3)


def test_noise_has_the_level_that_was_drawn() -> None:
    noisy = augmented(TONE, WaveformAugmentation(noise_db=(20.0, 20.0)), np.random.default_rng(1))
    noise = noisy - TONE
    assert 10 * np.log10(np.mean(TONE**2) / np.mean(noise**2)) == pytest.approx(20, abs=0.2)


def test_gain_stays_within_its_range_and_a_room_keeps_the_level_and_adds_a_tail() -> None:
    random = np.random.default_rng(1)
    gains = [20 * np.log10(np.abs(augmented(TONE, WaveformAugmentation(gain_db=6.0), random)).max()) for _ in range(50)]
    assert -6.1 < min(gains) < -4
    assert 4 < max(gains) < 6.1
    click = np.zeros(SAMPLING_RATE, np.float32)
    click[1_000] = 1
    wet = augmented(click, WaveformAugmentation(room=1.0), random)
    assert np.mean(wet**2) == pytest.approx(np.mean(click**2), rel=1e-3)
    assert np.abs(wet[1_001:]).max() > 0.001
    assert np.abs(wet[:999]).max() < 1e-6


def test_nothing_is_changed_where_nothing_was_asked_for() -> None:
    assert augmented(TONE, WaveformAugmentation(), np.random.default_rng(1)) is TONE


@pytest.mark.parametrize("frames", [1, 7, 40, 500])
def test_an_excerpt_has_its_length_and_masks_no_more_than_asked_for(frames: int) -> None:
    crops = MelCrops(40, Augmentation(mask_count=2, mask_bands=3, mask_frames=5))
    for seed in range(20):
        excerpt = crops.cut(np.ones((64, frames), np.float16), np.random.default_rng(seed))
        assert excerpt.shape == (64, 40)
        assert (excerpt == 0).all(axis=1).sum() <= 6
        assert (excerpt == 0).all(axis=0).sum() <= 10


def test_mixup_gives_the_same_weights_to_inputs_and_targets() -> None:
    inputs, targets = np.diag([1.0, 2.0, 3.0]).astype(np.float32), np.eye(3, dtype=np.float32)
    both, mix = mixed(inputs, targets, 0.4, np.random.default_rng(3))
    np.testing.assert_allclose(both, mix * np.array([1, 2, 3]), rtol=1e-6)
    np.testing.assert_allclose(mix.sum(axis=1), 1, rtol=1e-6)
    assert mixed(inputs, targets, 0.0, np.random.default_rng(3)) == (inputs, targets)
