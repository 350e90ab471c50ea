from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from benchmark.corpora.clips import Corpus
from benchmark.corpora.conventions.naming import Excluded, Utterance
from benchmark.corpora.conventions.ravdess import parse, read
from benchmark.emotions.aliases import emotion_of

Record = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        # The example of the documentation, with the modality of sound alone.
        ("03-01-06-01-02-01-12.wav", ("06", "12", "female", "02", "normal")),
        ("03-01-01-01-01-02-01.wav", ("01", "01", "male", "01", "normal")),
        ("03-01-08-02-01-01-24.flac", ("08", "24", "female", "01", "strong")),
        ("03-02-03-02-01-01-17.wav", ("03", "17", "male", "song-01", "strong")),
    ],
)
def test_names_of_the_documentation_are_taken_apart(name: str, fields: tuple[str, ...]) -> None:
    label, speaker, sex, text_id, intensity = fields
    assert parse(PurePosixPath("Actor/" + name)) == Utterance(
        label=label, speaker=speaker, sex=sex, text_id=text_id, intensity=intensity
    )


@pytest.mark.parametrize("name", ["03-01-09-01-01-01-01.wav", "03-01-01-01-01-01-25.wav", "03-01-01.wav", "a.wav"])
def test_other_names_are_not_guessed(name: str) -> None:
    assert parse(PurePosixPath(name)) is None


@pytest.mark.parametrize("name", ["02-01-06-01-02-01-12.mp4", "01-01-06-01-02-01-12.mp4"])
def test_video_is_no_clip(name: str) -> None:
    assert isinstance(parse(PurePosixPath(name)), Excluded)


def test_song_and_video_are_told(record: Record, tmp_path: Path) -> None:
    record("r/03-01-06-01-02-01-12.wav")
    record("r/03-02-06-01-02-01-12.wav")
    (tmp_path / "r/02-01-06-01-02-01-12.mp4").write_bytes(b"video")
    contents = read(tmp_path / "r")
    assert len(contents.clips) == 2
    assert any("modality 02" in note for note in contents.notes)
    assert any("1 of the 2 clips are song" in note for note in contents.notes)


def test_convention_and_table_give_the_same_clips_emotions_and_speakers(
    shared: Path, opened: Callable[..., Corpus]
) -> None:
    by_name = opened(f"ravdess:{shared}/corpora/ravdess")
    by_table = opened(f"table:{shared}/corpora/ravdess/metadata.csv")
    assert len(by_name.clips) == 1440
    assert {
        (clip.name, by_name.labels[clip.label or ""], clip.speaker, clip.sex, clip.language, clip.text_id)
        for clip in by_name.clips
    } == {
        (clip.name, emotion_of(clip.label or ""), clip.speaker, clip.sex, clip.language, clip.text_id)
        for clip in by_table.clips
    }


def test_the_one_pair_of_identical_clips_is_found_by_their_hashes(shared: Path, opened: Callable[..., Corpus]) -> None:
    clips = [clip for clip in opened(f"ravdess:{shared}/corpora/ravdess").clips if clip.speaker == "07"]
    hashes = {clip.name: clip.audio.waveform().content_hash for clip in clips}
    twice = {content for content, number in Counter(hashes.values()).items() if number > 1}
    assert {Path(name).stem for name, content in hashes.items() if content in twice} == {
        "03-01-03-01-02-01-07",
        "03-01-03-01-02-02-07",
    }
