import numpy as np
import pytest

from benchmark.corpora.clips import StreamedSource, open_source
from benchmark.corpora.demo import demo_corpus
from benchmark.errors import RequestError


def test_the_recordings_have_a_speaker_and_no_label() -> None:
    clips = (*demo_corpus("unlabelled"), *demo_corpus("long"))
    assert len(clips) == 13
    assert {clip.label for clip in clips} == {None}
    assert {clip.speaker for clip in clips} == {"f5", "m5", "f6"}


def test_the_long_recording_is_streamed_and_the_same_as_in_one_piece() -> None:
    (clip,) = demo_corpus("long")
    assert isinstance(clip.audio, StreamedSource)
    with open_source(clip.audio) as stream:
        blocks = list(stream.blocks)
    whole = clip.audio.waveform()
    assert len(blocks) > 1
    assert stream.sampling_rate == whole.sampling_rate
    np.testing.assert_array_equal(np.concatenate(blocks), whole.samples)


def test_a_part_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(RequestError, match="demo:unlabelled"):
        demo_corpus("short")
