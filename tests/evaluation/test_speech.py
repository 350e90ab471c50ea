from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile
from benchmark.evaluation import speech
from benchmark.evaluation.decoding import DecodedCorpus, decode_corpus
from benchmark.evaluation.speech import drop_silent, find_speech
from benchmark.progress import Silent
from benchmark.settings import Settings
from scripts.demo.speakers import invent_speaker
from scripts.demo.voice import speak

RATE = 16_000
VOICE = speak("neutral", invent_speaker("a", "female", seed=1), "tamo lisu kena vo", seed=2).samples
NOISE = np.random.default_rng(0).normal(0, 0.05, 2 * RATE).astype(np.float32)
RECORDINGS = {
    "voice.wav": VOICE,
    "noise.wav": NOISE,
    "silence.wav": np.zeros(RATE, dtype=np.float32),
    "mostly silence.wav": np.concatenate([VOICE, np.zeros(9 * VOICE.size, dtype=np.float32)]),
}


@pytest.fixture
def heard(tmp_path: Path) -> DecodedCorpus:
    clips = []
    for name, samples in RECORDINGS.items():
        soundfile.write(tmp_path / name, samples, RATE)
        clips.append(Clip(name=name, audio=AudioFile(tmp_path / name)))
    clips.append(Clip(name="gone.wav", audio=AudioFile(tmp_path / "gone.wav")))
    return decode_corpus(Corpus(name="five", source="", clips=tuple(clips), available_clips=5), Silent())


def shares(corpus: DecodedCorpus) -> dict[str, float | None]:
    return {clip.clip: clip.speech_share for clip in corpus.record.clips}


def test_the_share_of_speech_of_each_clip_is_found(heard: DecodedCorpus, tmp_path: Path) -> None:
    found = find_speech(heard, Settings(cache=tmp_path), Silent())
    share = shares(found)
    assert (share["voice.wav"] or 0) > 0.7
    assert 0 < (share["mostly silence.wav"] or 0) < 0.15
    assert (share["noise.wav"], share["silence.wav"], share["gone.wav"]) == (0.0, 0.0, None)
    assert [clip.clip for clip in found.record.clips if clip.is_silent] == ["noise.wav", "silence.wav"]


def test_no_clip_is_listened_to_twice(heard: DecodedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_speech(heard, Settings(cache=tmp_path), Silent())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a detector was started")

    monkeypatch.setattr(speech, "Worker", refuse)
    assert shares(find_speech(heard, Settings(cache=tmp_path), Silent())) == shares(first)


class Warned(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def test_a_detector_that_fails_leaves_the_shares_unknown_and_says_so(
    heard: DecodedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "_ACTOR", "benchmark.models.voice_activity:NoSuchActor")
    progress = Warned()
    found = find_speech(heard, Settings(cache=tmp_path), progress)
    assert set(shares(found).values()) == {None}
    assert len(progress.warnings) == 1
    assert drop_silent(found, 0.5).record.silent_clips == 0


@pytest.mark.parametrize(
    ("min_speech", "kept"),
    [(0.0, ["voice.wav", "mostly silence.wav", "gone.wav"]), (0.5, ["voice.wav", "gone.wav"])],
)
def test_clips_with_too_little_speech_can_be_left_out(
    heard: DecodedCorpus, tmp_path: Path, min_speech: float, kept: list[str]
) -> None:
    found = drop_silent(find_speech(heard, Settings(cache=tmp_path), Silent()), min_speech)
    assert [clip.clip for clip in found.record.clips] == kept
    assert found.record.silent_clips == 5 - len(kept)
    assert found.record.available_clips == len(kept)
    assert set(found.audio) == {clip.clip_hash for clip in found.record.clips if clip.clip_hash}
