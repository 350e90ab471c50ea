import math
import re

import numpy as np
import pytest
from scipy import signal

from benchmark.audio import perturbation
from benchmark.errors import RequestError
from tests.audio.conftest import RATE, Samples, tone


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("noise:20dB", "noise:20dB"),
        ("noise:20.0db", "noise:20dB"),
        ("gain:-12dB", "gain:-12dB"),
        ("gain:+6 dB", "gain:6dB"),
        ("lowpass:4000Hz", "lowpass:4k"),
        ("lowpass:3.4kHz", "lowpass:3.4k"),
        ("Telephone", "telephone"),
        ("clip", "clip:0.3"),
        (" speed:1.10 ", "speed:1.1"),
        ("scramble: 100 MS", "scramble:100ms"),
        ("flat-pitch", "flat-pitch"),
    ],
)
def test_what_is_the_same_has_one_name_however_it_is_written(written: str, name: str) -> None:
    assert perturbation.parse_perturbation(written).name == name
    assert perturbation.parse_perturbation(name) == perturbation.parse_perturbation(written)


def test_forms_come_several_to_a_text_or_one_by_one_and_none_twice() -> None:
    together = perturbation.parse_perturbations(["noise:20dB, telephone,", "speed:1.1"])
    assert together == perturbation.parse_perturbations(["noise:20dB", "telephone", "speed:1.1"])
    assert perturbation.parse_perturbations([]) == perturbation.parse_perturbations([""]) == ()
    ablations = perturbation.parse_perturbations(["clip", "lowpass:400Hz"], ablate=True)
    assert sorted(form.name for form in ablations) == sorted(["clip:0.3", *perturbation.CUES])
    for twice in ("clip,clip:0.3", "lowpass:4k,lowpass:4000Hz"):
        with pytest.raises(RequestError, match="twice"):
            perturbation.parse_perturbations([twice])


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("hiss:20dB", "is unknown"),
        ("noise", "has no amount"),
        ("noise:20", "lacks its unit"),
        ("noise:infdB", "has no amount"),
        ("noise:٢٠dB", "has no amount"),
        ("noise:500dB", "out of range, which is -20 to 100 dB"),
        ("gain:0dB", "changes nothing"),
        ("lowpass:0k", "out of range, which is 100 to 96000 Hz"),
        ("telephone:8k", "takes no amount"),
        ("clip:30%", "has no amount"),
        ("clip:0", "out of range"),
        ("speed:0", "out of range, which is 0.25 to 4:"),
        ("speed:1.0", "changes nothing"),
        ("speed:1.1x", "has no amount"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence_that_lists_the_forms(written: str, complaint: str) -> None:
    with pytest.raises(RequestError, match=re.escape(complaint)) as refused:
        perturbation.parse_perturbations([written])
    assert repr(written) in str(refused.value)
    assert all(form in str(refused.value) for form in perturbation.FORMS)
    assert "\n" not in str(refused.value)


def test_only_a_lowpass_above_the_band_leaves_audio_alone() -> None:
    lowpass = perturbation.Perturbation(perturbation.Kind.LOWPASS, 4000.0)
    assert lowpass.leaves_alone(8_000)
    assert not lowpass.leaves_alone(8_001)
    others = perturbation.parse_perturbations(["noise:20dB,gain:-12dB,telephone,clip,speed:1.1"])
    assert not any(other.leaves_alone(8_000) for other in others)


def noise(samples: int, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def perturbed(form: str, samples: Samples, *, block: int = 1 << 30, rate: int = RATE, seed: str = "hash") -> Samples:
    parsed = perturbation.parse_perturbation(form)
    blocks = [samples[start : start + block] for start in range(0, samples.size, block)]
    level = perturbation.measure_level(blocks) if perturbation.needs_level(parsed) else None
    return np.concatenate(list(perturbation.perturbed_blocks(blocks, rate, parsed, seed=seed, level=level)))


def level_db(samples: Samples) -> float:
    return 10 * math.log10(float(np.mean(samples.astype(np.float64) ** 2)) + 1e-20)


@pytest.mark.parametrize("form", perturbation.FORMS)
@pytest.mark.parametrize(("block", "size"), [(17, 5_001), (65_536, 100_001)])
def test_the_samples_do_not_depend_on_the_blocks(form: str, block: int, size: int) -> None:
    samples = noise(size)
    whole, pieces = perturbed(form, samples), perturbed(form, samples, block=block)
    assert whole.dtype == pieces.dtype == np.float32
    np.testing.assert_array_equal(pieces, whole)


@pytest.mark.parametrize("form", perturbation.FORMS)
def test_silence_and_the_shortest_clips_come_through_as_finite_samples(form: str) -> None:
    for samples in (np.zeros(1, np.float32), np.zeros(9, np.float32), noise(1), noise(2)):
        result = perturbed(form, samples)
        assert result.size
        assert np.isfinite(result).all()
        assert samples.any() or np.abs(result).max() < 1e-4  # µ-law has no zero


@pytest.mark.parametrize("ratio_db", [0, 20])
def test_noise_lies_so_many_decibels_below_the_clip(ratio_db: int) -> None:
    samples = np.concatenate([tone(300, seconds=5), np.zeros(5 * RATE, np.float32)])
    added = perturbed(f"noise:{ratio_db}dB", samples) - samples
    assert level_db(samples) - level_db(added) == pytest.approx(ratio_db, abs=0.05)
    power = np.abs(np.fft.rfft(added)) ** 2
    quarters = [part.mean() for part in np.array_split(power, 4)]
    assert max(quarters) / min(quarters) < 1.05


def test_noise_depends_on_the_clip_alone_and_does_not_change_from_one_version_to_the_next() -> None:
    samples = noise(RATE)
    np.testing.assert_array_equal(perturbed("noise:20dB", samples), perturbed("noise:20dB", samples))
    assert (perturbed("noise:20dB", samples, seed="other") != perturbed("noise:20dB", samples)).mean() > 0.99
    soft, loud = (perturbed(form, samples).astype(float) - samples for form in ("noise:20dB", "noise:0dB"))
    np.testing.assert_allclose(10 * soft, loud, atol=1e-6)
    # What is stored was computed with these samples.
    stored = perturbed("noise:0dB", np.array([1, -1, 1, -1], np.float32), seed="clip")
    np.testing.assert_allclose(stored, [-0.06789599, -0.02580197, 0.9877357, -1.9366287], atol=1e-6)


def test_gain_multiplies_and_cuts_nothing_off() -> None:
    samples = tone(300)
    np.testing.assert_allclose(perturbed("gain:-12dB", samples), samples * 10 ** (-12 / 20), rtol=1e-6)
    assert np.abs(perturbed("gain:12dB", samples)).max() == pytest.approx(0.5 * 10 ** (12 / 20), rel=1e-4)


def test_a_lowpass_is_scipys_filter_of_the_whole_clip() -> None:
    samples = noise(RATE)
    sections = signal.butter(8, 4000, fs=RATE, output="sos")
    np.testing.assert_array_equal(perturbed("lowpass:4k", samples), signal.sosfilt(sections, samples).astype("f4"))
    np.testing.assert_array_equal(perturbed("lowpass:4k", samples, rate=8_000), samples)  # it has nothing to remove


def test_a_telephone_has_its_band_and_keeps_what_is_louder_than_full_scale_below_it() -> None:
    middle = slice(RATE // 2, -RATE // 2)
    for hertz in (60, 1000, 3000, 3900, 5000):
        samples = tone(hertz, seconds=2)
        loss_db = level_db(samples[middle]) - level_db(perturbed("telephone", samples)[middle])
        assert loss_db < 1 if hertz in (1000, 3000) else loss_db > 15
    assert 0.9 < np.abs(perturbed("telephone", tone(1000, peak=3.0))).max() < 1.4


def test_a_telephone_has_the_eight_bits_of_g711() -> None:
    samples = noise(8_000) * 4
    result = perturbed("telephone", samples, rate=8_000)
    band = signal.sosfilt(signal.butter(4, (300, 3400), "bandpass", fs=8_000, output="sos"), samples)
    assert len(np.unique(result)) <= 255 < len(np.unique(band))
    # Each step of µ-law is about a sixteenth of the octave it lies in; below the first, a step is 1/4096.
    assert (np.abs(result - np.clip(band, -1, 1)) <= np.abs(band) / 30 + 1 / 4096).all()


def test_clipping_is_measured_against_the_clips_own_peak() -> None:
    samples = tone(300, peak=0.02)
    result = perturbed("clip:0.5", samples)
    assert np.abs(result).max() == np.float32(0.5 * np.abs(samples).max())
    inside = np.abs(samples) < 0.01
    np.testing.assert_array_equal(result[inside], samples[inside])


def test_speed_changes_length_and_pitch_alike() -> None:
    result = perturbed("speed:1.25", tone(1000, seconds=2))
    assert result.size == round(2 * RATE / 1.25)
    assert np.abs(np.fft.rfft(result)).argmax() / 1.6 == pytest.approx(1250, abs=1)


def test_the_level_is_that_of_the_whole_clip_and_must_be_given_where_it_is_needed() -> None:
    assert perturbation.measure_level([]) == perturbation.Level(0.0, 0.0)
    samples = noise(50_000)
    level = perturbation.measure_level(np.split(samples, [7, 7, *range(1_000, 50_000, 997)]))
    assert level == perturbation.measure_level([samples])
    assert level.rms == pytest.approx(np.sqrt(np.mean(samples.astype(float) ** 2)))
    assert level.peak == np.abs(samples).max()
    with pytest.raises(ValueError, match="level"):
        list(
            perturbation.perturbed_blocks([samples], RATE, perturbation.parse_perturbation("clip"), seed="", level=None)
        )
