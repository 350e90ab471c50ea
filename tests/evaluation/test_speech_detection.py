from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.evaluation import speech_detection
from benchmark.evaluation.decoding import DecodedCorpus, decode_corpus
from benchmark.evaluation.speech_detection import drop_silent, find_speech
from benchmark.progress import Silent
from benchmark.settings import Settings
from scripts.demo.speakers import invent_speaker
from scripts.demo.voice import speak
from tests.support.audio import shared_reader
from tests.support.evaluations import forbid_workers
from tests.support.lost_workers import end_workers

RATE = 16_000
VOICE = speak("neutral", invent_speaker("a", "female", seed=1), "tamo lisu kena vo", seed=2).samples
NOISE = np.random.default_rng(0).normal(0, 0.05, 2 * RATE).astype(np.float32)
RECORDINGS = {
    "voice.wav": VOICE,
    "noise.wav": NOISE,
    "silence.wav": np.zeros(RATE, dtype=np.float32),
    "mostly silence.wav": np.concatenate([VOICE, np.zeros(9 * VOICE.size, dtype=np.float32)]),
}


@pytest.fixture(scope="module")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> DecodedCorpus:
    folder, clips = tmp_path_factory.mktemp("speech"), []
    for name, samples in RECORDINGS.items():
        soundfile.write(folder / name, samples, RATE)
        clips.append(Clip(name=name, audio=AudioFile(folder / name)))
    clips.append(Clip(name="gone.wav", audio=AudioFile(folder / "gone.wav")))
    return decode_corpus(
        Corpus(name="five", source="", clips=tuple(clips), available_clips=5), shared_reader(), Silent()
    )


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def detected(decoded: DecodedCorpus, settings: Settings) -> DecodedCorpus:
    return find_speech(decoded, shared_reader(), settings, Silent())


def shares(corpus: DecodedCorpus) -> dict[str, float | None]:
    return {clip.clip: clip.speech_share for clip in corpus.record.clips}


def test_the_share_of_speech_of_each_clip_is_found(detected: DecodedCorpus) -> None:
    share = shares(detected)
    assert (share["voice.wav"] or 0) > 0.7
    assert 0 < (share["mostly silence.wav"] or 0) < 0.15
    assert (share["noise.wav"], share["silence.wav"], share["gone.wav"]) == (0.0, 0.0, None)
    assert [clip.clip for clip in detected.record.clips if clip.is_silent] == ["noise.wav", "silence.wav"]


def test_no_clip_goes_through_the_detector_twice(
    decoded: DecodedCorpus, detected: DecodedCorpus, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_workers(monkeypatch)
    assert shares(find_speech(decoded, shared_reader(), settings, Silent())) == shares(detected)


def test_a_detector_that_fails_leaves_the_shares_unknown_and_says_so(
    decoded: DecodedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(Silent, "warn", lambda self, text: warnings.append(text))
    monkeypatch.setattr(speech_detection, "_ACTOR", "benchmark.models.voice_activity:NoSuchActor")
    unknown = find_speech(decoded, shared_reader(), Settings(cache=tmp_path), Silent())
    assert set(shares(unknown).values()) == {None}
    assert len(warnings) == 1
    assert "its detector failed" in (unknown.record.failure or "")
    assert drop_silent(unknown, 0.5).record.silent_clips == 0


def test_a_detector_whose_worker_dies_once_is_replaced_and_goes_on(
    decoded: DecodedCorpus, detected: DecodedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = end_workers(monkeypatch, "share", calls=(2,))
    again = find_speech(decoded, shared_reader(), Settings(cache=tmp_path), Silent())
    assert (again.record.failure, shares(again)) == (None, shares(detected))
    assert calls.count("share") == 5  # those of the four clips, and once more the one that was lost
    monkeypatch.undo()
    end_workers(monkeypatch, "share", calls=(2, 4))
    lost = find_speech(decoded, shared_reader(), Settings(cache=tmp_path / "other"), Silent())
    assert "SIGKILL" in (lost.record.failure or "")
    assert list(shares(lost).values()).count(None) == 2


@pytest.mark.parametrize(
    ("min_speech", "names"),
    [(0.0, ["voice.wav", "mostly silence.wav", "gone.wav"]), (0.5, ["voice.wav", "gone.wav"])],
)
def test_clips_with_too_little_speech_can_be_left_out(
    detected: DecodedCorpus, min_speech: float, names: list[str]
) -> None:
    kept = drop_silent(detected, min_speech)
    assert [clip.clip for clip in kept.record.clips] == names
    assert kept.record.silent_clips == 5 - len(names)
    assert kept.record.available_clips == len(names)
    assert set(kept.audio) == {clip.clip_hash for clip in kept.record.clips if clip.clip_hash}
