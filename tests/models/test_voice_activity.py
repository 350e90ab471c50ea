import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from benchmark.models.voice_activity import VoiceActivityActor
from scripts.demo.speakers import EMOTIONS, invent_speaker
from scripts.demo.voice import speak

RATE = 16_000


@pytest.fixture(scope="module")
def detector() -> VoiceActivityActor:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return VoiceActivityActor()


def share(detector: VoiceActivityActor, samples: NDArray[np.float32], part: int = RATE) -> float:
    detector.begin()
    for start in range(0, samples.size, part):
        detector.update(samples[start : start + part])
    return detector.share()


def noise(level: float, seconds: float = 3.0) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, level, int(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_voice_is_speech_for_most_of_the_time(detector: VoiceActivityActor, emotion: str) -> None:
    clip = speak(emotion, invent_speaker("a", "female", seed=3), "tamo lisu kena vo", seed=5)
    assert share(detector, clip.samples) > 0.5


def test_silence_noise_a_tone_and_the_hum_of_the_mains_are_not_speech(detector: VoiceActivityActor) -> None:
    time = np.arange(3 * RATE) / RATE
    tones = (0.3 * np.sin(2 * np.pi * 440 * time), 0.1 * np.sign(np.sin(2 * np.pi * 50 * time)))
    sounds = [noise(level) for level in (0.0, 1e-4, 0.01, 0.1, 0.3)] + [tone.astype(np.float32) for tone in tones]
    sounds += [np.zeros(samples, np.float32) for samples in (1, 511, 512)]  # the shortest clips have a share, too
    assert [share(detector, sound) for sound in sounds] == [0.0] * 10


def test_silence_around_a_voice_lowers_its_share(detector: VoiceActivityActor) -> None:
    voice = speak("neutral", invent_speaker("b", "male", seed=4), "borile gasu mincoto", seed=6).samples
    pause = np.zeros(voice.size, dtype=np.float32)
    assert share(detector, np.concatenate([pause, voice, pause])) == pytest.approx(share(detector, voice) / 3, abs=0.07)


def test_the_cuts_between_the_parts_of_a_clip_do_not_matter(detector: VoiceActivityActor) -> None:
    voice = speak("anger", invent_speaker("c", "male", seed=5), "wido fema hajun sabe", seed=7).samples
    assert share(detector, voice, 777) == share(detector, voice, voice.size)


def test_what_it_hears_of_one_clip_says_nothing_about_the_next(detector: VoiceActivityActor) -> None:
    share(detector, speak("anger", invent_speaker("d", "female", seed=6), "nofi zelka rudo pame", seed=8).samples)
    assert share(detector, noise(0.01)) == 0.0


def test_recordings_of_people_are_speech(detector: VoiceActivityActor, shared: Path) -> None:
    for path in sorted((shared / "corpora" / "emodb_4class" / "audio").glob("*"))[::60]:
        assert share(detector, soundfile.read(path, dtype="float32")[0]) > 0.6
