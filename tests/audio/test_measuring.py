from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from benchmark.audio.decoding import AudioStream, decode, open_audio
from benchmark.audio.measuring import Acoustics, measure
from benchmark.audio.waveform import Waveform, resample
from tests.audio.conftest import RATE, encoded


def measured(samples: NDArray[np.floating], cuts: list[int] | None = None, rate: int = RATE) -> Acoustics:
    return measure(AudioStream(rate, 1, iter(np.split(samples.astype(np.float32), cuts or []))))


def through_a_telephone(clip: Waveform) -> Waveform:
    """Sample at 8 kHz, µ-law, and save at 16 kHz with 16 bits: as call centres keep their recordings."""
    call = decode(encoded(resample(clip, 8000).samples, subtype="ULAW", rate=8000))
    return decode(encoded(resample(call, RATE).samples))


@pytest.mark.parametrize("level", [1.0, 0.1, 0.001])
def test_the_level_is_the_root_mean_square(level: float) -> None:
    noise = np.random.default_rng(0).normal(0, level, RATE)
    assert measured(noise).level_db == pytest.approx(20 * np.log10(np.sqrt(np.mean(noise**2))), abs=1e-4)


def test_digital_silence_has_neither_level_nor_band_and_a_clip_shorter_than_a_frame_no_band() -> None:
    silence = measured(np.zeros(RATE))
    assert (silence.level_db, silence.bandwidth_hz, silence.clipped_share) == (None, None, 0.0)
    assert measured(np.ones(100) / 2).bandwidth_hz is None


@pytest.mark.parametrize("cuts", [[], [3], [4], [5], [4, 5, 6], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]])
def test_runs_at_full_scale_are_clipped_wherever_the_blocks_are_cut(cuts: list[int]) -> None:
    #                      one    two        three               four at the end
    samples = np.array([0, 1, 0, -1, -1, 0, 1, 1, 1, 0.5, 0, 0, -1, -1, -1, -1.0])
    assert measured(samples, cuts).clipped_share == pytest.approx(7 / 16)


def test_recordings_of_people_have_a_wide_band_and_a_narrow_one_after_a_telephone(shared: Path) -> None:
    for corpus in ("ravdess", "emodb_4class"):
        for path in sorted((shared / "corpora" / corpus / "audio").glob("*"))[::90]:
            with open_audio(path) as stream:
                assert (measure(stream).bandwidth_hz or 0) > 7000
            call = through_a_telephone(decode(path))
            assert 3500 < (measured(call.samples).bandwidth_hz or 0) < 4100


@pytest.mark.parametrize("edge", [1000, 3400, 6000])
def test_the_band_ends_where_filtered_noise_does(edge: int) -> None:
    noise = np.fft.rfft(np.random.default_rng(1).normal(0, 0.1, 4 * RATE))
    noise[np.fft.rfftfreq(4 * RATE, 1 / RATE) > edge] = 0
    assert measured(np.fft.irfft(noise)).bandwidth_hz == pytest.approx(edge, abs=150)


def test_a_long_recording_measures_as_its_blocks_do(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, (1_200_000, 2))  # a block holds 2**20 values
    soundfile.write(tmp_path / "long.wav", noise, 44_100)
    with open_audio(tmp_path / "long.wav") as stream:
        acoustics = measure(stream)
    whole = measured(decode(tmp_path / "long.wav").samples, rate=44_100)
    assert (acoustics.channels, acoustics.sampling_rate) == (2, 44_100)
    assert acoustics.level_db == pytest.approx(whole.level_db)
    assert acoustics.bandwidth_hz == whole.bandwidth_hz


@pytest.mark.parametrize(("level", "expected"), [(1.0, 30.0), (0.01, 30.0), (0.0, None)])
def test_speech_is_measured_against_the_noise_of_its_pauses_at_any_level(level: float, expected: float | None) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 4 * RATE)
    noise[: 2 * RATE] *= 10 ** (-30 / 20)
    snr_db = measured(level * noise).snr_db
    assert snr_db == (None if expected is None else pytest.approx(expected, abs=1.5))
