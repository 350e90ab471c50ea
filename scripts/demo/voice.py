"""A synthetic voice that shows emotions: glottal source, vocal tract and noises of the mouth. It stands for no person.

`scripts/write_recordings.py` makes the recordings of the demo and the probes of verification with it, and
`scripts/train_demo.py` the training clips of the demo's checkpoints. It says nothing about real speech.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from benchmark.audio.waveform import Waveform, resample
from scripts.demo.phonetics import FRAME_S, Score, write_score
from scripts.demo.speakers import Prosody, Speaker, plan_prosody

_SHIMMER_PER_JITTER = 6.0


_TILT_AT_HZ = 3000.0


# The bands of Segment.hiss, in Hz: s, sh, f.
_HISS_BANDS = ((4200.0, 7600.0), (1900.0, 4500.0), (500.0, 7600.0))


def glottal_flow(
    pitch_hz: NDArray[np.float64], prosody: Prosody, speaker: Speaker, rate: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Derivative of the air flow through the glottis, with the breath that its opening lets through.

    Args:
        pitch_hz: Pitch at every sample.
        prosody: Voice quality: open quotient, tilt, jitter, breath.
        speaker: The habitual tilt and breathiness.
        rate: Samples per second.
        random: Where irregularity and breath come from.

    Returns:
        Shape as `pitch_hz`, about 0.3 in root mean square.
    """
    steady = np.cumsum(pitch_hz) / rate
    periods = int(steady[-1]) + 2
    jitter = max(prosody.jitter, 0.0)
    lengths = 1 + jitter * random.standard_normal(periods).clip(-2.5, 2.5)
    strengths = 1 + _SHIMMER_PER_JITTER * jitter * random.standard_normal(periods).clip(-2.5, 2.5)
    phase = np.cumsum(pitch_hz * lengths[steady.astype(np.int64)]) / rate
    period = phase.astype(np.int64).clip(max=periods - 1)
    # The KLGLOTT88 pulse: while the glottis is open the flow is x² - x³, whose derivative falls to -1 as it closes.
    opening = (phase - np.floor(phase)) / np.clip(prosody.open_quotient, 0.3, 0.85)
    is_open = opening < 1
    pulses = np.where(is_open, 2 * opening - 3 * opening**2, 0.0) * strengths[period]
    breath = speaker.breathiness * math.exp(prosody.breath_log) * random.standard_normal(phase.size)
    return _tilted(pulses, prosody.tilt_db + speaker.tilt_db, rate) + breath * np.where(is_open, 1.0, 0.3)


def _tilted(flow: NDArray[np.float64], loss_db: float, rate: int) -> NDArray[np.float64]:
    """Lose `loss_db` at 3 kHz through a first-order filter with gain 1 at 0 Hz (Klatt and Klatt 1990)."""
    power = 10 ** (-max(loss_db, 0.1) / 10)
    cosine = math.cos(2 * math.pi * _TILT_AT_HZ / rate)
    middle = (1 - power * cosine) / (1 - power)
    pole = middle - math.sqrt(middle**2 - 1)
    return np.asarray(signal.lfilter([1 - pole], [1, -pole], flow))


def mouth_noise(amplitudes: NDArray[np.float64], rate: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Noise of fricatives and bursts.

    Args:
        amplitudes: Of the three bands, at every sample, shape (samples, 3).
        rate: Samples per second.
        random: Where the noise comes from.

    Returns:
        Their sum, shape (samples,).
    """
    white = random.standard_normal(len(amplitudes))
    return np.asarray(sum(amplitudes[:, band] * signal.sosfilt(_band(band, rate), white) for band in range(3)))


@lru_cache
def _band(band: int, rate: int) -> NDArray[np.float64]:
    return np.asarray(signal.butter(2, _HISS_BANDS[band], "bandpass", fs=rate, output="sos"))


_BANDWIDTHS_HZ = np.array([70.0, 90.0, 130.0, 200.0, 280.0])


_HIGHEST_SHARE = 0.47


def through_tract(
    sound: NDArray[np.float64], formants: NDArray[np.float64], block: int, rate: int
) -> NDArray[np.float64]:
    """Filter sound through the vocal tract (Klatt's cascade, with unit gain at 0 Hz).

    Args:
        sound: Shape (samples,).
        formants: In Hz, one row per block of samples, shape (blocks, 5).
        block: Samples per block.
        rate: Samples per second.

    Returns:
        Shape as `sound`.
    """
    sections = _sections(formants, rate)
    state = np.zeros((formants.shape[1], 2))
    filtered = np.empty_like(sound)
    for number, start in enumerate(range(0, sound.size, block)):
        row = sections[min(number, len(sections) - 1)]
        piece, state = signal.sosfilt(row, sound[start : start + block], zi=state)
        filtered[start : start + block] = piece
    return filtered


def _sections(formants: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    frequency = np.minimum(formants, _HIGHEST_SHARE * rate)
    radius = np.exp(-np.pi * _BANDWIDTHS_HZ / rate)
    first = -2 * radius * np.cos(2 * np.pi * frequency / rate)
    second = np.broadcast_to(radius**2, first.shape)
    sections = np.zeros((*formants.shape, 6))
    sections[..., 0] = 1 + first + second
    sections[..., 3] = 1.0
    sections[..., 4] = first
    sections[..., 5] = second
    return sections


SAMPLING_RATE = 16_000
"""The voice is made at this rate, and resampled to any other."""


_BLOCK_FRAMES = 2


_HABITUAL_LEVEL_DB = -26.0


_LARGEST_SAMPLE = 0.98


def speak(emotion: str, speaker: Speaker, text: str, seed: int, sampling_rate: int = 16_000) -> Waveform:
    """Say a text with an emotion.

    Args:
        emotion: One of `EMOTIONS`.
        speaker: Who speaks.
        text: What is said: words of Latin letters, each consonants and the vowels a, e, i, o, u.
        seed: Same arguments, same clip, on the same machine and library versions.
        sampling_rate: Of the clip, in Hz.

    Returns:
        Speech with a faint background noise, between -1 and 1.

    Raises:
        ValueError: The voice has no such emotion, or the text has no vowel.

    Examples:
        >>> from scripts.demo.speakers import invent_speaker
        >>> speaker = invent_speaker("a", "female", seed=1)
        >>> clip = speak("anger", speaker, "mola tuki", seed=1)
        >>> clip.content_hash == speak("anger", speaker, "mola tuki", seed=1).content_hash
        True
        >>> clip.content_hash == speak("sadness", speaker, "mola tuki", seed=1).content_hash
        False
    """
    random = np.random.default_rng(seed)
    prosody = plan_prosody(emotion, speaker, random)
    score = write_score(text, prosody, speaker, random)
    voice = _performed(score, prosody, speaker, random)
    level_db = _HABITUAL_LEVEL_DB + prosody.level_db + random.normal(0, 2)
    voice *= 10 ** (level_db / 20) / np.sqrt(np.mean(voice**2))
    noise_db = _HABITUAL_LEVEL_DB - random.uniform(25, 40)
    voice += 10 ** (noise_db / 20) * random.standard_normal(voice.size)
    waveform = resample(Waveform(voice.astype(np.float32), SAMPLING_RATE), sampling_rate)
    largest = float(np.abs(waveform.samples).max())
    if largest > _LARGEST_SAMPLE:
        return Waveform(waveform.samples * np.float32(_LARGEST_SAMPLE / largest), sampling_rate)
    return waveform


def _performed(score: Score, prosody: Prosody, speaker: Speaker, random: np.random.Generator) -> NDArray[np.float64]:
    frame = round(FRAME_S * SAMPLING_RATE)
    flow = glottal_flow(_per_sample(score.pitch_hz, frame), prosody, speaker, SAMPLING_RATE, random)
    excitation = _per_sample(score.voice, frame) * flow
    excitation += 0.2 * _per_sample(score.breath, frame) * random.standard_normal(flow.size)
    voiced = through_tract(excitation, score.formants[::_BLOCK_FRAMES], frame * _BLOCK_FRAMES, SAMPLING_RATE)
    hiss = np.stack([_per_sample(band, frame) for band in score.hiss.T], axis=1)
    return voiced + mouth_noise(hiss, SAMPLING_RATE, random)


def _per_sample(track: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
    return np.interp(np.arange(track.size * frame) / frame, np.arange(track.size), track)
