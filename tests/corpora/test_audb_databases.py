import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Corpus
from benchmark.errors import RequestError, UnavailableError
from tests.corpora.conftest import Opened
from tests.support.audio import waveform_of

audb = pytest.importorskip("audb", reason="the extra `audb` is not installed")
import audformat  # noqa: E402 - comes with audb

FILES = [f"wav/{number:02}.wav" for number in range(4)]
EMOTIONS = ["anger", "happiness", "neutral", "anger"]
Publish = Callable[..., Path]


def database() -> audformat.Database:
    """Four files of two speakers with emotions, votes of three listeners, ratings, segments and splits."""
    db = audformat.Database("tiny", languages=["deu"])
    db.schemes["emotion"] = audformat.Scheme(labels=["anger", "happiness", "neutral"])
    people = {"03": {"gender": "male", "age": 31}, "08": {"gender": "female", "age": 34}}
    db.schemes["speaker"] = audformat.Scheme(labels=people)
    db.schemes["arousal"] = audformat.Scheme("float", minimum=1, maximum=7)
    db.schemes["transcription"] = audformat.Scheme("str")
    db.raters["gold"] = audformat.Rater(audformat.define.RaterType.VOTE)
    db.splits["test"] = audformat.Split(audformat.define.SplitType.TEST)
    index = audformat.filewise_index(FILES)

    def add(table: str, columns: Mapping[str, tuple[object, ...]], where: pd.Index = index, **options: object) -> None:
        db[table] = audformat.Table(where, **options)
        for name, (scheme, values, *rater) in columns.items():
            db[table][name] = audformat.Column(scheme_id=scheme, rater_id=rater[0] if rater else None)
            db[table][name].set(values)

    add("emotion", {"emotion": ("emotion", EMOTIONS, "gold"), "confidence": (None, ["1", "0.5", "1", "0.7"])})
    add(
        "files",
        {
            "speaker": ("speaker", ["03", "03", "08", "08"]),
            "transcription": ("transcription", ["a01", "a02", "a01", "a02"]),
        },
    )
    add("dimensions", {"arousal": ("arousal", [6.5, 5.0, 3.0, 6.0])})
    people_say = (
        ["anger", "anger", "neutral", "anger"],
        ["anger", "happiness", "neutral", "anger"],
        ["anger", "happiness", "anger", None],
    )
    for number in range(3):
        db.raters[f"listener{number}"] = audformat.Rater(audformat.define.RaterType.HUMAN)
    add("votes", {f"said{number}": ("emotion", people_say[number], f"listener{number}") for number in range(3)})
    segments = audformat.segmented_index(FILES[:2], ["0.1s", "0.2s"], ["0.3s", None])
    add("segments", {"emotion": ("emotion", ["neutral", "anger"])}, segments, split_id="test")
    return db


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Give a function that publishes a database in a repository on the file system, and return the repository."""
    (tmp_path / "host/repository").mkdir(parents=True)
    repository = audb.Repository("repository", str(tmp_path / "host"), "file-system")
    monkeypatch.setattr(audb.config, "REPOSITORIES", [repository])
    monkeypatch.setattr(audb.config, "CACHE_ROOT", str(tmp_path / "audb"))

    def publish_one(version: str = "1.0.0", db: audformat.Database | None = None) -> Path:
        folder = tmp_path / f"database-{version}"
        for number, file in enumerate(FILES):
            (folder / "wav").mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(number).normal(0, 0.1, 8000 + 800 * number)
            soundfile.write(folder / file, noise, 16_000)
        (db or database()).save(folder)
        audb.publish(str(folder), version, repository, verbose=False, previous_version=None)
        return tmp_path / "host/repository/tiny"

    return publish_one


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Give a function that takes the repositories away."""

    def take_away() -> None:
        nowhere = audb.Repository("repository", "/nowhere", "file-system")
        monkeypatch.setattr(audb.config, "REPOSITORIES", [nowhere])

    yield take_away


def durations(corpus: Corpus) -> list[float]:
    return [waveform_of(clip).duration_s for clip in corpus.clips]


def test_tables_and_schemes_give_labels_speakers_and_what_else_is_known(publish: Publish, opened: Opened) -> None:
    publish()
    corpus = opened("audb:tiny@1.0.0:emotion")
    assert (corpus.name, corpus.source) == ("tiny", "audb:tiny@1.0.0:emotion")
    assert [(clip.name, clip.label, clip.speaker, clip.sex, clip.text_id, clip.language) for clip in corpus.clips] == [
        (FILES[0], "anger", "03", "male", "a01", "de"),
        (FILES[1], "happiness", "03", "male", "a02", "de"),
        (FILES[2], "neutral", "08", "female", "a01", "de"),
        (FILES[3], "anger", "08", "female", "a02", "de"),
    ]
    assert corpus.clips[1].attributes == {"confidence": "0.5", "age": "31", "arousal": "5.0"}
    assert durations(corpus) == [0.5, 0.55, 0.6, 0.65]
    assert corpus.notes == ("arousal is rated from 1 to 7: `--scale arousal=1..7`.",)


def test_without_a_version_or_a_table_the_newest_and_the_first_whole_one_with_emotions_are_read(
    publish: Publish, opened: Opened
) -> None:
    publish("1.0.0")
    publish("1.10.0")
    publish("1.9.0")
    corpus = opened("audb:tiny")
    assert corpus.source == "audb:tiny@1.10.0"
    assert [clip.label for clip in corpus.clips] == EMOTIONS
    assert "those of its table emotion; segments might be meant" in corpus.notes[0]


def test_segments_and_splits(publish: Publish, opened: Opened) -> None:
    publish()
    first, last = opened("audb:tiny@1.0.0:segments").clips
    assert (first.name, first.label, first.speaker, first.attributes["split"]) == (
        f"{FILES[0]}#0.1-0.3",
        "neutral",
        "03",
        "test",
    )
    assert waveform_of(first).duration_s == pytest.approx(0.2)
    assert waveform_of(last).duration_s == pytest.approx(0.35)


def test_columns_of_several_people_are_votes(publish: Publish, opened: Opened) -> None:
    publish()
    clips = opened("audb:tiny@1.0.0:votes").clips
    assert [clip.votes for clip in clips] == [
        {"anger": 3},
        {"anger": 1, "happiness": 2},
        {"anger": 1, "neutral": 2},
        {"anger": 2},
    ]
    assert {clip.label for clip in clips} == {None}


def test_another_column_can_be_the_label(publish: Publish, opened: Opened) -> None:
    publish()
    corpus = opened("audb:tiny@1.0.0", columns=["label=said1"])
    assert [clip.label for clip in corpus.clips] == ["anger", "happiness", "neutral", "anger"]
    with pytest.raises(RequestError, match="no column of labels is called 'felt'"):
        opened("audb:tiny@1.0.0", columns=["label=felt"])
    with pytest.raises(RequestError, match="has no table 'emotions'; it has dimensions, emotion, files"):
        opened("audb:tiny@1.0.0:emotions")


def test_only_the_recordings_of_selected_clips_are_fetched_and_a_second_opening_needs_no_repository(
    publish: Publish, opened: Opened, away: Callable[[], None], tmp_path: Path
) -> None:
    publish()
    part = opened("audb:tiny", speakers=["08"])
    recordings = list((tmp_path / "bench-cache/corpora").rglob("0000000*"))
    assert len(recordings) == len(part.clips) == 2
    away()
    again = opened("audb:tiny", speakers=["08"])
    assert (again.source, again.clips) == (part.source, part.clips)
    assert "is the copy of version 1.0.0 in the cache" in again.notes[0]
    assert opened("audb:tiny@1.0.0", speakers=["08"]).notes == part.notes
    with pytest.raises(UnavailableError, match=r"could not be looked up: the repository repository cannot be opened"):
        opened("audb:tiny")
    with pytest.raises(UnavailableError, match="could not be looked up"):
        opened("audb:other")


def test_what_no_repository_has_is_one_sentence(publish: Publish, opened: Opened) -> None:
    publish()
    with pytest.raises(RequestError, match="No repository of audb's settings has a database other"):
        opened("audb:other")
    with pytest.raises(RequestError, match=r"no version 2.0.0 of the database tiny: it has 1.0.0\."):
        opened("audb:tiny@2.0.0")
    for location in ("", "a/b", "tiny@", "../tiny", "tiny@1/2", "tiny@.."):
        with pytest.raises(RequestError, match=r"names no (database|path)"):
            opened(f"audb:{location}")


def test_a_header_that_runs_code_runs_none(publish: Publish, opened: Opened, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (header,) = publish().rglob("db.yaml")
    header.write_text(header.read_text() + f"x: !!python/object/apply:os.mkdir ['{mark}']\n")
    with pytest.raises(RequestError, match="tiny cannot be read: could not determine a constructor"):
        opened("audb:tiny@1.0.0")
    assert not mark.exists()


def test_a_pickle_beside_a_table_is_not_read(publish: Publish, opened: Opened, tmp_path: Path) -> None:
    folder, mark = publish(), tmp_path / "mark"
    db = database()
    db.save(tmp_path / "csv", storage_format="csv")
    (table,) = folder.rglob("emotion.parquet")
    table.unlink()
    with zipfile.ZipFile(table.with_suffix(".zip"), "w") as archive:
        archive.write(tmp_path / "csv/db.emotion.csv", "db.emotion.csv")
        archive.writestr("db.emotion.pkl", f"cos\nmkdir\n(S{str(mark)!r}\ntR.")
    (listed,) = folder.rglob("db.parquet")
    frame = pd.read_parquet(listed)
    frame.replace({"file": {"db.emotion.parquet": "db.emotion.csv"}}).to_parquet(listed)
    assert [clip.label for clip in opened("audb:tiny@1.0.0").clips] == EMOTIONS
    assert not mark.exists()


def test_recordings_that_lie_outside_or_are_missing_are_unreadable_clips(
    publish: Publish, opened: Opened, tmp_path: Path
) -> None:
    folder = publish()
    (listed,) = folder.rglob("db.parquet")
    frame = pd.read_parquet(listed)
    (archive,) = folder.rglob(str(frame.set_index("file").loc[FILES[0], "archive"]) + ".zip")
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("other.wav", b"")
    frame[frame["file"] != FILES[3]].to_parquet(listed)
    failures = []
    for clip in opened("audb:tiny@1.0.0").clips:
        if not isinstance(clip.audio, AudioFile):
            with pytest.raises(UndecodableAudio) as error:
                waveform_of(clip)
            failures.append(error.value.reason)
    assert sorted(failures) == ["Its archive does not hold it.", "The database does not have it."]


@pytest.mark.parametrize("content", ["", "[1]", "a: [", "tables: {emotion: 1}", "name: tiny\ntables: {}"])
def test_a_broken_header_is_one_sentence(publish: Publish, opened: Opened, content: str) -> None:
    (header,) = publish().rglob("db.yaml")
    header.write_text(content)
    with pytest.raises(RequestError, match=r"database tiny .+\.$"):
        opened("audb:tiny@1.0.0")
