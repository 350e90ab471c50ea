from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.clips import Corpus
from benchmark.corpora.opening import open_corpora
from benchmark.registry.schema import CorpusEntry, Registry

RATE = 8000


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Give a folder with a stereo call, a mono one, and a file that is no audio."""
    random = np.random.default_rng(1)
    folder = tmp_path / "calls"
    folder.mkdir()
    soundfile.write(folder / "a stereo.wav", random.uniform(-0.5, 0.5, (RATE, 2)), RATE)
    soundfile.write(folder / "b mono.wav", random.uniform(-0.5, 0.5, RATE), RATE)
    (folder / "c broken.wav").write_bytes(b"no audio")
    return folder


def opened(calls: Path, channel: ChannelChoice | None, usual: ChannelChoice | None = None) -> Corpus:
    entry = CorpusEntry(source=f"folder:{calls}", **({} if usual is None else {"channel": usual}))
    registry = Registry(title="", candidates=(), corpora={"calls": entry})
    (corpus,) = open_corpora(["calls"] if usual else [f"folder:{calls}"], registry, channel=channel)
    return corpus


def test_each_side_of_a_call_becomes_a_clip_and_a_mono_file_stays_one(calls: Path) -> None:
    corpus = opened(calls, ChannelChoice.EACH)
    assert [clip.name for clip in corpus.clips] == [
        "a stereo.wav#left",
        "a stereo.wav#right",
        "b mono.wav",
        "c broken.wav",
    ]
    assert corpus.available_clips == 4
    samples, _ = soundfile.read(calls / "a stereo.wav", dtype="float32")
    for clip, side in zip(corpus.clips[:2], samples.T, strict=True):
        np.testing.assert_array_equal(clip.audio.waveform().samples, side)


@pytest.mark.parametrize(("channel", "place"), [(ChannelChoice.LEFT, 0), (ChannelChoice.RIGHT, 1)])
def test_one_side_of_a_call_keeps_its_name(calls: Path, channel: ChannelChoice, place: int) -> None:
    corpus = opened(calls, channel)
    assert [clip.name for clip in corpus.clips] == ["a stereo.wav", "b mono.wav", "c broken.wav"]
    samples, _ = soundfile.read(calls / "a stereo.wav", dtype="float32")
    np.testing.assert_array_equal(corpus.clips[0].audio.waveform().samples, samples[:, place])


def test_the_registry_says_the_channel_unless_the_user_does(calls: Path) -> None:
    assert len(opened(calls, None, usual=ChannelChoice.EACH).clips) == 4
    corpus = opened(calls, ChannelChoice.MIX, usual=ChannelChoice.EACH)
    assert (len(corpus.clips), corpus.channel) == (3, ChannelChoice.MIX)
