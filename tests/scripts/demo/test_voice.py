from itertools import combinations

import numpy as np
import pytest
from scipy import signal

from scripts.demo.phonetics import invent_text
from scripts.demo.speakers import EMOTIONS, Prosody, Speaker, invent_speaker
from scripts.demo.voice import glottal_flow, mouth_noise, speak, through_tract

SPEAKERS = [invent_speaker(str(seed), "female" if seed % 2 else "male", seed) for seed in range(6)]


def brightness(samples: np.ndarray) -> float:
    """Share of the power above 800 Hz, in dB."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(samples.size, 1 / 16000)
    return float(10 * np.log10(power[hertz > 800].sum() / power.sum()))


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_emotion_can_be_said_by_every_speaker(emotion: str) -> None:
    for seed, speaker in enumerate(SPEAKERS):
        clip = speak(emotion, speaker, invent_text(seed), seed)

        assert clip.sampling_rate == 16000
        assert clip.samples.dtype == np.float32
        assert np.isfinite(clip.samples).all()
        assert 0.01 < np.abs(clip.samples).max() <= 0.981
        assert 0.8 < clip.duration_s < 6.0


def test_the_same_arguments_give_the_same_clip_and_any_other_gives_another() -> None:
    speaker, other = SPEAKERS[:2]
    clip = speak("fear", speaker, "mola tuki", 7).content_hash
    assert speak("fear", speaker, "mola tuki", 7).content_hash == clip
    assert speak("fear", speaker, "mola tuki", 8).content_hash != clip
    assert speak("fear", speaker, "mola tuka", 7).content_hash != clip
    assert speak("fear", other, "mola tuki", 7).content_hash != clip
    assert speak("neutral", speaker, "mola tuki", 7).content_hash != clip


def test_clips_differ_in_more_than_their_gain() -> None:
    clips = [speak(emotion, SPEAKERS[0], "mola tuki rane", 3).samples for emotion in EMOTIONS]
    for first, second in combinations(clips, 2):
        size = min(first.size, second.size)
        assert abs(np.corrcoef(first[:size], second[:size])[0, 1]) < 0.5


def test_anger_is_louder_brighter_and_faster_than_sadness() -> None:
    # Without fricatives, whose noise is as bright in any emotion.
    text = "mola wani rejo lume"
    angry = [speak("anger", speaker, text, seed) for seed, speaker in enumerate(SPEAKERS)]
    sad = [speak("sadness", speaker, text, seed) for seed, speaker in enumerate(SPEAKERS)]

    for shouted, wept in zip(angry, sad, strict=True):
        assert np.std(shouted.samples) > np.std(wept.samples)
        assert shouted.duration_s < wept.duration_s
    shares = [np.mean([brightness(clip.samples) for clip in clips]) for clips in (angry, sad)]
    assert shares[0] > 2 + shares[1]


def test_another_rate_is_the_same_speech() -> None:
    reference = speak("surprise", SPEAKERS[0], "mola tuki", 1)
    for rate in (8000, 22050, 48000):
        clip = speak("surprise", SPEAKERS[0], "mola tuki", 1, sampling_rate=rate)
        assert clip.sampling_rate == rate
        assert clip.duration_s == pytest.approx(reference.duration_s, abs=0.001)


@pytest.mark.parametrize(
    ("emotion", "text", "message"),
    [("boredom", "mola", "no emotion 'boredom'")]
    + [("neutral", text, "needs one of the vowels") for text in ("", "   ", "?!", "pst", "사랑")],
)
def test_an_unknown_emotion_and_a_text_without_a_vowel_are_refused(emotion: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        speak(emotion, SPEAKERS[0], text, 1)


@pytest.mark.parametrize("pitch_hz", [55.0, 400.0])
def test_extreme_voices_stay_finite(pitch_hz: float) -> None:
    extreme = Speaker(
        name="x", sex="male", pitch_hz=pitch_hz, tract_length=0.7, tempo=2.0, tilt_db=-20.0, breathiness=0.5,
        liveliness=3.0, expressiveness=3.0,
    )  # fmt: skip
    for emotion in EMOTIONS:
        samples = speak(emotion, extreme, "zoc", 5).samples
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() <= 0.981


RATE = 16000
STEADY = np.full(RATE, 100.0)
SPEAKER = Speaker(name="x", sex="male", pitch_hz=100.0, breathiness=0.0)


def flow(**prosody: float) -> np.ndarray:
    settings = {"open_quotient": 0.6, "tilt_db": 6.0} | prosody
    return glottal_flow(STEADY, Prosody(**settings), SPEAKER, RATE, np.random.default_rng(0))


def level_db(samples: np.ndarray, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(samples.size, 1 / RATE)
    return float(10 * np.log10(power[(hertz >= low) & (hertz < high)].sum()))


def test_a_steady_voice_repeats_itself_every_period_and_jitter_breaks_the_repetition() -> None:
    # At 0.6 a sample falls exactly on the closure, where rounding decides.
    steady, rough = flow(open_quotient=0.613), flow(jitter=0.02)
    np.testing.assert_allclose(steady[1600:3200], steady[1760:3360], atol=1e-3)
    assert np.abs(rough[8000:9600] - rough[8160:9760]).max() > 0.1
    assert abs(flow().mean()) < 0.01, "no constant air flow"


@pytest.mark.parametrize("loss_db", [3.0, 9.0, 20.0])
def test_tilt_is_the_loss_at_3_khz(loss_db: float) -> None:
    difference = level_db(flow(tilt_db=0.1), 2950, 3050) - level_db(flow(tilt_db=loss_db), 2950, 3050)
    assert difference == pytest.approx(loss_db, abs=0.5)


def test_mouth_noise_stays_in_its_band() -> None:
    teeth = mouth_noise(np.tile([1.0, 0.0, 0.0], (RATE, 1)), RATE, np.random.default_rng(0))
    assert level_db(teeth, 4500, 7500) > level_db(teeth, 0, 2500) + 20


FORMANTS = np.array([700.0, 1200.0, 2500.0, 3500.0, 4500.0])


def test_a_steady_tract_rings_at_its_formants_and_those_above_the_rate_fade() -> None:
    click = np.zeros(4096)
    click[0] = 1.0
    response = np.abs(np.fft.rfft(through_tract(click, np.tile(FORMANTS, (26, 1)), 160, RATE)))

    peaks = signal.find_peaks(response)[0] * RATE / 4096
    np.testing.assert_allclose(peaks[:3], FORMANTS[:3], atol=30)
    too_high = through_tract(click, np.tile(FORMANTS * 3, (26, 1)), 160, RATE)
    assert np.abs(too_high[-100:]).max() < 1e-6


@pytest.mark.parametrize("blocks", [1, 5, 26])
def test_blocks_leave_no_seam(blocks: int) -> None:
    noise = np.random.default_rng(0).standard_normal(4096)
    whole = through_tract(noise, FORMANTS[None], 4096, RATE)
    cut = through_tract(noise, np.tile(FORMANTS, (blocks, 1)), 160, RATE)
    np.testing.assert_allclose(cut, whole, atol=1e-9)
