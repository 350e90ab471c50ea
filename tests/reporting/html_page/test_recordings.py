import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.audio.waveform import Waveform
from benchmark.corpora.audio_sources import AudioFile, AudioSource
from benchmark.corpora.clips import Clip, Corpus
from benchmark.reporting.html_page.recordings import LONGEST_EMBEDDED_S, Recording, Recordings, file_address
from tests.support.audio import shared_reader

RATE = 8000


class Generated:
    """Audio that lies in no file."""

    def __init__(self, seconds: float = 0.5) -> None:
        self.seconds = seconds

    def waveform(self) -> Waveform:
        return Waveform(np.linspace(-0.5, 0.5, round(self.seconds * RATE), dtype=np.float32), RATE)


def corpus(*sources: AudioSource) -> Corpus:
    clips = tuple(Clip(name=f"clip {index}", audio=audio) for index, audio in enumerate(sources))
    return Corpus(name="own", source="folder:own", clips=clips, available_clips=len(clips))


def find(
    sources: Sequence[AudioSource], folder: Path, *, embed: int = 0, corpus_name: str = "own"
) -> list[Recording | None]:
    recordings = Recordings(corpora=[corpus(*sources)], embed=embed, reader=shared_reader())
    clips = recordings.find(corpus_name, ["clip 0", "clip 1", "gone"], folder)
    return [clips.get(name) for name in ("clip 0", "clip 1", "gone")]


def test_embedded_audio_is_that_of_the_clip_and_at_most_its_beginning(tmp_path: Path) -> None:
    short, long, _ = find([Generated(), Generated(LONGEST_EMBEDDED_S + 1)], tmp_path, embed=2)
    assert short is not None
    assert long is not None
    assert (short.embedded, short.cut, long.embedded, long.cut) == (True, False, True, True)
    whole, beginning = (
        soundfile.read(io.BytesIO(base64.b64decode(recording.address.removeprefix("data:audio/flac;base64,"))))
        for recording in (short, long)
    )
    assert (whole[1], beginning[1], len(beginning[0])) == (RATE, RATE, LONGEST_EMBEDDED_S * RATE)
    assert whole[0] == pytest.approx(Generated().waveform().samples, abs=1 / 30_000)


def test_no_more_is_embedded_than_was_asked_for_and_the_rest_is_linked_where_it_is_a_file(tmp_path: Path) -> None:
    first, second, gone = find([Generated(), AudioFile(tmp_path / "b.wav")], tmp_path, embed=1)
    assert first is not None
    assert first.embedded
    assert second == Recording(address="./b.wav", embedded=False)
    assert gone is None
    assert find([Generated(), Generated()], tmp_path) == [None, None, None]
    assert find([Generated()], tmp_path, embed=3, corpus_name="not opened") == [None, None, None]
    linked, after_it, _ = find([AudioFile(tmp_path / "gone.wav"), Generated()], tmp_path, embed=1)
    assert linked == Recording(address="./gone.wav", embedded=False)
    assert after_it is not None
    assert after_it.embedded, "what cannot be decoded does not count"


def test_a_stretch_of_a_recording_is_linked_with_its_times(tmp_path: Path) -> None:
    segments = [AudioFile(tmp_path / "long.wav", 1.5, 3.0), AudioFile(tmp_path / "long.wav", 2.0, None)]
    addresses = [recording.address for recording in find(segments, tmp_path / "reports") if recording is not None]
    assert addresses == ["../long.wav#t=1.5,3", "../long.wav#t=2"]


@pytest.mark.parametrize(
    "name", ["javascript:alert(1).wav", "https:/host/x.wav", "a b#c?d%20.wav", '"><img>.wav', "한국.wav"]
)
def test_no_name_of_a_file_is_anything_but_a_path(name: str, tmp_path: Path) -> None:
    address = file_address(tmp_path / "calls" / name, tmp_path / "reports")
    assert address.startswith("../calls/")
    assert not set(' :"<>#?') & set(address)
    assert address.isascii()
    assert tmp_path.name not in address
