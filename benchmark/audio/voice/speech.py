"""From an emotion, a speaker and a text to a clip."""

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.resampling import resample
from benchmark.audio.voice.prosody import Prosody, plan_prosody
from benchmark.audio.voice.score import FRAME_S, Score, write_score
from benchmark.audio.voice.source import glottal_flow, mouth_noise
from benchmark.audio.voice.speaker import Speaker
from benchmark.audio.voice.tract import through_tract
from benchmark.audio.waveform import Waveform

# The voice is made at this rate, and resampled where another one is wanted.
_RATE = 16_000
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
        >>> from benchmark.audio.voice import invent_speaker
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
    waveform = resample(Waveform(voice.astype(np.float32), _RATE), sampling_rate)
    largest = float(np.abs(waveform.samples).max())
    if largest > _LARGEST_SAMPLE:
        return Waveform(waveform.samples * np.float32(_LARGEST_SAMPLE / largest), sampling_rate)
    return waveform


def _performed(score: Score, prosody: Prosody, speaker: Speaker, random: np.random.Generator) -> NDArray[np.float64]:
    frame = round(FRAME_S * _RATE)
    flow = glottal_flow(_per_sample(score.pitch_hz, frame), prosody, speaker, _RATE, random)
    excitation = _per_sample(score.voice, frame) * flow
    excitation += 0.2 * _per_sample(score.breath, frame) * random.standard_normal(flow.size)
    voiced = through_tract(excitation, score.formants[::_BLOCK_FRAMES], frame * _BLOCK_FRAMES, _RATE)
    hiss = np.stack([_per_sample(band, frame) for band in score.hiss.T], axis=1)
    return voiced + mouth_noise(hiss, _RATE, random)


def _per_sample(track: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
    return np.interp(np.arange(track.size * frame) / frame, np.arange(track.size), track)
