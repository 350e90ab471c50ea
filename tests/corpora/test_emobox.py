import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.clips import Corpus
from benchmark.corpora.spec_syntax import parse_spec
from benchmark.errors import RequestError
from tests.corpora.conftest import Opened, Record
from tests.support.audio import waveform_of

Manifest = Callable[..., Path]
ACTORS = ("01", "02", "03")
EMOTIONS = {"Angry": "05", "Fearful": "06"}


def line(key: str, wav: str, emo: str, **more: object) -> dict[str, object]:
    """A line as EmoBox writes it."""
    described = {"dataset": "ravdess", "type": "raw", "sample_rate": 8000, "num_frame": 4000.0, "task": "category"}
    return {"key": key, "wav": wav, **described, "length": 0.5, "emo": emo, "channel": 1, **more}


def clips_of(actor: str) -> list[dict[str, object]]:
    return [
        line(f"ravdess-{code}-{actor}", f"downloads/ravdess/Actor_{actor}/{code}-{actor}.wav", emotion)
        for emotion, code in EMOTIONS.items()
    ]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Give a function that writes a manifest of a fold."""

    def write(fold: int, part: str, lines: Sequence[Mapping[str, object]], dataset: str = "ravdess") -> Path:
        path = tmp_path / f"EmoBox/data/{dataset}/fold_{fold}/{dataset}_{part}_fold_{fold}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in lines))
        return path

    return write


@pytest.fixture
def ravdess(tmp_path: Path, record: Record, manifest: Manifest) -> Path:
    """A dataset of three actors with a fold each, as EmoBox lays it out."""
    clips = {actor: clips_of(actor) for actor in ACTORS}
    for fold, tested in enumerate(ACTORS, start=1):
        manifest(fold, "test", clips[tested])
        manifest(fold, "train", [row for actor in ACTORS if actor != tested for row in clips[actor]])
    folder = tmp_path / "EmoBox/data/ravdess"
    rows = [(row, actor) for actor in ACTORS for row in clips[actor]]
    for row, _ in rows:
        record(f"EmoBox/{row['wav']}")
    (folder / "data.seg.wrd.stm").write_text(
        "".join(
            f"{row['key']} 1 {actor} 0 0.5 <id={row['key']},lang=en,spk={actor},emotion={row['emo']}> {row['emo']}\n"
            for row, actor in rows
        )
    )
    (folder / "label_map.json").write_text(json.dumps({"Angry": "Angry", "Fearful": "Fear", "Calm": "Calm"}))
    return folder


def left_out(corpus: Corpus) -> dict[str, str]:
    return {line.kind: line.sentence for line in corpus.left_out}


def test_the_corpus_is_the_union_of_the_test_parts_with_folds_speakers_and_labels(
    ravdess: Path, opened: Opened
) -> None:
    corpus = opened(f"emobox:{ravdess}")
    assert (corpus.name, corpus.source) == ("ravdess", f"emobox:{ravdess}")
    assert [(clip.name, clip.label, clip.speaker, clip.attributes) for clip in corpus.clips] == [
        (f"ravdess-{code}-{actor}", emotion, actor, {"fold": str(fold)})
        for fold, actor in enumerate(ACTORS, start=1)
        for emotion, code in EMOTIONS.items()
    ]
    assert corpus.labels == {"Angry": "anger", "Fearful": "fear"}
    assert (corpus.notes, corpus.left_out) == ((), ())
    assert {waveform_of(clip).duration_s for clip in corpus.clips} == {0.5}


def test_recordings_are_looked_for_below_the_toolkit_then_nearer(ravdess: Path, tmp_path: Path, opened: Opened) -> None:
    toolkit = tmp_path / "EmoBox"
    for place in (toolkit / "data", ravdess):
        (toolkit / "downloads").rename(place / "downloads")
        assert {waveform_of(clip).duration_s for clip in opened(f"emobox:{ravdess}").clips} == {0.5}
        (place / "downloads").rename(toolkit / "downloads")
    (toolkit / "downloads").rename(tmp_path / "elsewhere")
    with pytest.raises(RequestError, match=r"Not one of the 6 recordings .*05-01\.wav: .*below .*EmoBox\."):
        opened(f"emobox:{ravdess}")


def test_one_manifest_is_a_corpus_such_as_a_training_part(ravdess: Path, opened: Opened) -> None:
    corpus = opened(f"emobox:{ravdess}/fold_2/ravdess_train_fold_2.jsonl")
    assert corpus.name == "ravdess_train_fold_2"
    assert [clip.speaker for clip in corpus.clips] == ["01", "01", "03", "03"]
    assert corpus.labels == {"Angry": "anger", "Fearful": "fear"}


def test_a_label_map_that_merges_is_followed_and_said(ravdess: Path, manifest: Manifest, opened: Opened) -> None:
    rows = clips_of("02")
    manifest(2, "test", [rows[0] | {"emo": "exc"}, rows[1] | {"emo": "mumbling"}])
    (ravdess / "label_map.json").write_text(json.dumps({"exc": "Happy", "Angry": "Angry", "mumbling": "Other than"}))
    corpus = opened(f"emobox:{ravdess}")
    assert corpus.labels == {"exc": "happiness", "Angry": "anger"}
    assert corpus.notes == ("Labels are read as label_map.json has them: exc is happiness.",)
    assert [clip.label for clip in corpus.clips][2:4] == ["exc", "mumbling"]


def test_speakers_that_are_not_listed_are_asked_for(ravdess: Path, opened: Opened) -> None:
    (ravdess / "data.seg.wrd.stm").unlink()
    corpus = opened(f"emobox:{ravdess}")
    assert {clip.speaker for clip in corpus.clips} == {None}
    assert "--speaker-pattern" in corpus.notes[0]
    named = opened(f"emobox:{ravdess}", speaker_pattern=r"-(\d\d)$")
    assert {clip.speaker for clip in named.clips} == set(ACTORS)


def test_overlapping_folds_are_read_once_and_counted(ravdess: Path, manifest: Manifest, opened: Opened) -> None:
    manifest(2, "test", [*clips_of("02"), clips_of("01")[0]])
    manifest(3, "train", [*clips_of("01"), *clips_of("03"), line("ravdess-99", "downloads/ravdess/99.wav", "Angry")])
    corpus = opened(f"emobox:{ravdess}")
    assert [clip.attributes["fold"] for clip in corpus.clips] == ["1", "1", "2", "2", "3", "3"]
    assert left_out(corpus) == {
        "untested": "1 clip is in no test part of a fold, such as ravdess-99: not read.",
        "several-folds": "1 clip is in the test parts of several folds, such as ravdess-05-01: read once, in the first "
        "of them.",
        "in-training": "3 clips are in the training part of the fold that tests them, such as ravdess-05-01, "
        "ravdess-05-03, ravdess-06-03: read, although what others trained on this fold has heard them.",
    }


def test_stretches_are_read_and_paths_outside_are_unreadable_clips(
    ravdess: Path, record: Record, manifest: Manifest, opened: Opened, tmp_path: Path
) -> None:
    record("outside.wav")
    wav = "downloads/ravdess/Actor_01/05-01.wav"
    rows = [
        line("stretch", wav, "Angry", start_time=0.1, end_time=0.3),
        line("backwards", wav, "Angry", start_time=0.3, end_time=0.1),
        line("no time", wav, "Angry", start_time="soon", end_time=0.1),
        *(
            line(f"outside {number}", str(path), "Angry")
            for number, path in enumerate((tmp_path / "outside.wav", "downloads/../../outside.wav", "C:\\a.wav"))
        ),
        line("address", "https://example.org/a.wav", "Angry"),
        line("gone", "downloads/ravdess/gone.wav", "Angry"),
        line("long", f"downloads/{'a' * 5000}.wav", "Angry"),
        line("zero", "downloads/\0.wav", "Angry"),
    ]
    manifest(1, "test", rows)
    clips = {clip.name: clip for clip in opened(f"emobox:{ravdess}").clips}
    assert waveform_of(clips["stretch"]).duration_s == pytest.approx(0.2)
    reasons = {
        "backwards": "not after its start",
        "no time": "'soon', is no number of seconds",
        **dict.fromkeys(("outside 0", "outside 1", "outside 2", "address"), "It lies outside"),
        "gone": "does not exist",
        "long": "name too long",
        "zero": "null",
    }
    for name, reason in reasons.items():
        with pytest.raises(UndecodableAudio, match=reason):
            waveform_of(clips[name])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ('{"key": "a", "wav": "a.wav"}\n{"key": \n', "cannot be read as jsonl: line 2"),
        ('["a"]\n', "line 1 holds"),
        ('{"wav": "a.wav"}\n', "line 1 has no key"),
        ('{"key": "a", "emo": "Angry"}\n', "line 1 has no wav"),
        ('{"key": "a", "wav": "a.wav"}\n{"key": "a", "wav": "b.wav"}\n', "says of 'a' something else"),
        ("[" * 100_000, "nested too deeply"),
        ("\ud800", "not UTF-8"),
    ],
)
def test_a_broken_manifest_is_one_sentence(ravdess: Path, opened: Opened, content: str, reason: str) -> None:
    path = ravdess / "fold_2/ravdess_test_fold_2.jsonl"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(RequestError, match=reason) as error:
        opened(f"emobox:{ravdess}")
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", ["[", "[1]", '{"Angry": 1}', "[" * 100_000, ""])
def test_a_broken_label_map_is_one_sentence(ravdess: Path, opened: Opened, content: str) -> None:
    (ravdess / "label_map.json").write_text(content)
    with pytest.raises(RequestError, match=r"label_map\.json cannot be read as json: .+\.$"):
        opened(f"emobox:{ravdess}")


def test_what_has_no_manifests_says_what_to_write(ravdess: Path, tmp_path: Path, opened: Opened) -> None:
    with pytest.raises(RequestError, match=r"no folders of folds .*it holds the datasets ravdess: write"):
        opened(f"emobox:{ravdess.parent}")
    with pytest.raises(RequestError, match="There is no folder and no manifest"):
        opened(f"emobox:{tmp_path}/nowhere")
    (ravdess / "fold_2/ravdess_test_fold_2.jsonl").rename(ravdess / "fold_2/old_test_fold_2.jsonl")
    (ravdess / "fold_2/new_test_fold_2.jsonl").write_text("")
    with pytest.raises(RequestError, match=r"several manifests of its test part \(new_.*, old_.*\): keep one"):
        opened(f"emobox:{ravdess}")
    (ravdess / "fold_4").mkdir()
    for path in (ravdess / "fold_2").glob("*_test_*"):
        path.unlink()
    with pytest.raises(RequestError, match="fold_2 has no manifest of its test part"):
        opened(f"emobox:{ravdess}")
    with pytest.raises(RequestError, match="--column is for tables"):
        opened(f"emobox:{ravdess}", columns=["label=emo"])
    with pytest.raises(RequestError, match="names no path"):
        parse_spec("emobox:")
