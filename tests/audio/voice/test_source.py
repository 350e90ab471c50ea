import numpy as np
import pytest

from benchmark.audio.voice.prosody import Prosody
from benchmark.audio.voice.source import glottal_flow, mouth_noise
from benchmark.audio.voice.speaker import Speaker

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


def test_a_steady_voice_repeats_itself_every_period() -> None:
    # At 0.6 a sample falls exactly on the closure, where rounding decides.
    steady = flow(open_quotient=0.613)
    np.testing.assert_allclose(steady[1600:3200], steady[1760:3360], atol=1e-3)


def test_jitter_breaks_the_repetition() -> None:
    rough = flow(jitter=0.02)
    assert np.abs(rough[8000:9600] - rough[8160:9760]).max() > 0.1


@pytest.mark.parametrize("loss_db", [3.0, 9.0, 20.0])
def test_tilt_is_the_loss_at_3_khz(loss_db: float) -> None:
    difference = level_db(flow(tilt_db=0.1), 2950, 3050) - level_db(flow(tilt_db=loss_db), 2950, 3050)
    assert difference == pytest.approx(loss_db, abs=0.5)


def test_a_steady_vowel_has_no_constant_air_flow() -> None:
    assert abs(flow().mean()) < 0.01


def test_mouth_noise_stays_in_its_band() -> None:
    teeth = mouth_noise(np.tile([1.0, 0.0, 0.0], (RATE, 1)), RATE, np.random.default_rng(0))
    assert level_db(teeth, 4500, 7500) > level_db(teeth, 0, 2500) + 20
