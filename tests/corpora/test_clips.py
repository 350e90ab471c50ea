from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from tests.corpora.conftest import Opened
from tests.support.audio import waveform_of

RATE = 8000


def corpus_of(labels: Sequence[str | None]) -> Corpus:
    clips = tuple(
        Clip(name=f"{index}.wav", audio=AudioFile(Path("a.wav")), label=label) for index, label in enumerate(labels)
    )
    return Corpus(name="c", source="folder:c", clips=clips, available_clips=len(clips))


def test_a_limit_takes_the_labels_in_turn() -> None:
    limited = corpus_of(["anger"] * 50 + ["sadness"] * 5 + ["fear"] * 45).limited(9)
    assert Counter(clip.label for clip in limited.clips) == {"anger": 3, "sadness": 3, "fear": 3}
    assert limited.available_clips == 100


def test_a_limit_keeps_the_corpus_order_and_is_the_same_every_time() -> None:
    corpus = corpus_of([None] * 30)
    names = [clip.name for clip in corpus.limited(10).clips]
    assert names == [clip.name for clip in corpus.limited(10).clips]
    assert names == sorted(names, key=lambda name: int(name.split(".")[0]))
    assert names != [clip.name for clip in corpus.clips[:10]]
    assert corpus.limited(30) is corpus.limited(None) is corpus


def test_clips_of_the_same_name_count_one_by_one() -> None:
    clip = Clip(name="a.wav", audio=AudioFile(Path("a.wav")))
    corpus = Corpus(name="c", source="table:c", clips=(clip,) * 4, available_clips=4)
    assert len(corpus.limited(2).clips) == 2


def test_further_merges_take_precedence_and_chains_are_followed() -> None:
    corpus = replace(corpus_of(["calm"]), merge={"calm": "neutral", "boredom": "calm"})
    assert corpus.merging({"calm": "sadness"}).merge == {"calm": "sadness", "boredom": "sadness"}
    assert corpus.merging({}).merge == {"calm": "neutral", "boredom": "neutral"}


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


def test_each_side_of_a_call_becomes_a_clip_and_a_mono_file_stays_one(calls: Path, opened: Opened) -> None:
    corpus = opened(f"folder:{calls}", channel="each")
    sides = ["a stereo.wav#left", "a stereo.wav#right"]
    assert [clip.name for clip in corpus.clips] == [*sides, "b mono.wav", "c broken.wav"]
    assert corpus.available_clips == 4
    samples, _ = soundfile.read(calls / "a stereo.wav", dtype="float32")
    for clip, side in zip(corpus.clips[:2], samples.T, strict=True):
        np.testing.assert_array_equal(waveform_of(clip).samples, side)


@pytest.mark.parametrize(("channel", "index"), [("left", 0), ("right", 1)])
def test_one_side_of_a_call_keeps_its_name(calls: Path, opened: Opened, channel: str, index: int) -> None:
    corpus = opened(f"folder:{calls}", channel=channel)
    assert [clip.name for clip in corpus.clips] == ["a stereo.wav", "b mono.wav", "c broken.wav"]
    samples, _ = soundfile.read(calls / "a stereo.wav", dtype="float32")
    np.testing.assert_array_equal(waveform_of(corpus.clips[0]).samples, samples[:, index])


def test_the_registry_says_the_channel_unless_the_user_does(calls: Path, opened: Opened) -> None:
    registry = f"mine: {{source: 'folder:{calls}', channel: each}}"
    assert len(opened("mine", registry).clips) == 4
    corpus = opened("mine", registry, channel="mix")
    assert (len(corpus.clips), corpus.channel) == (3, ChannelChoice.MIX)
