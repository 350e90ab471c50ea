import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import RequestError
from benchmark.training.folds import Allowed, Fold, Folds, make_folds
from benchmark.training.training_clips import TrainingClips
from tests.support.training_clips import acted, training_clips


def speakers_tested(clips: TrainingClips, made: Folds) -> list[tuple[str, ...]]:
    return [clips.speakers_of(fold.test) for fold in made.folds]


def assert_each_clip_is_answered_once_by_others(clips: TrainingClips, folds: Sequence[Fold]) -> None:
    assert sorted(index for fold in folds for index in fold.test) == list(range(len(clips.names)))
    for fold in folds:
        assert set(clips.groups[fold.test].tolist()).isdisjoint(clips.groups[fold.train].tolist())
        assert set(clips.labels[fold.train].tolist()) == set(clips.labels.tolist())


def kinds(made: Folds) -> list[str]:
    return [finding.kind for finding in made.findings]


def test_by_default_five_folds_share_no_speaker() -> None:
    clips = acted(24, texts=2)
    made = make_folds(clips, seed=1)
    assert len(made.folds) == 5
    assert_each_clip_is_answered_once_by_others(clips, made.folds)
    assert make_folds(clips, seed=1).folds[0].test.tolist() == made.folds[0].test.tolist()


def test_a_fold_is_described_by_its_speakers() -> None:
    clips = acted(24)
    fold = make_folds(clips, "loso").folds[0].with_validation(clips, 0.09, seed=0)
    assert fold.describe(clips) == "21 of 24 speakers train, 2 validate, 1 test"
    nameless = training_clips(["anger", "fear"] * 10)
    assert make_folds(nameless).folds[0].describe(nameless) == "16 of 20 clips train, 4 test"


def test_with_fewer_speakers_than_folds_there_are_fewer_folds_and_a_note() -> None:
    made = make_folds(acted(3), "5")
    assert len(made.folds) == 3
    assert "3 folds are made instead of 5" in made.notes[0]


def test_leaving_one_speaker_out_makes_a_fold_per_speaker() -> None:
    clips = acted(4)
    made = make_folds(clips, "loso")
    assert speakers_tested(clips, made) == [("01",), ("02",), ("03",), ("04",)]
    assert_each_clip_is_answered_once_by_others(clips, made.folds)


def test_values_of_a_column_are_folds() -> None:
    clips = training_clips(
        ["anger", "fear"] * 4,
        ["a", "a", "b", "b", "c", "c", "d", "d"],
        attributes=[{"session": session} for session in ["10", "10", "9", "9", "9", "9", "10", "10"]],
    )
    made = make_folds(clips, "column:session")
    assert [fold.name for fold in made.folds] == ["9", "10"]
    assert speakers_tested(clips, made) == [("b", "c"), ("a", "d")]
    with pytest.raises(RequestError, match=r"no column 'sessionx' .*did you mean 'session'"):
        make_folds(clips, "column:sessionx")


PUBLISHED = {"1": ["1", "4"], "2": ["2", "3"]}


def published(folder: Path, form: str) -> Path:
    path = folder / f"folds.{form.partition(' ')[0]}"
    pairs = [(speaker, fold) for fold, speakers in PUBLISHED.items() for speaker in speakers]
    clips = acted(4)
    if form == "csv of clips":
        pairs = [
            (f"{name}.wav", dict(pairs)[str(int(speaker or 0))])
            for name, speaker in zip(clips.names, clips.speakers, strict=True)
        ]
    if form == "txt":
        path.write_text(" | ".join(",".join(speakers) for speakers in PUBLISHED.values()), "utf-8")
    elif form == "json of folds":
        path.write_text(json.dumps(PUBLISHED), "utf-8")
    elif form == "json of speakers":
        path.write_text(json.dumps(dict(pairs)), "utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="\t" if form == "tsv" else ",")
            writer.writerows([("file" if "clips" in form else "Speaker", "fold"), *pairs])
    return path


@pytest.mark.parametrize("form", ["txt", "csv", "csv of clips", "tsv", "json of folds", "json of speakers"])
def test_published_folds_are_read_from_a_file(tmp_path: Path, form: str) -> None:
    clips = acted(4)
    made = make_folds(clips, str(published(tmp_path, form)))
    assert speakers_tested(clips, made) == [("01", "04"), ("02", "03")]
    assert_each_clip_is_answered_once_by_others(clips, made.folds)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("f.txt", "1,2 | 3", "no fold to 6 of 24 clips"),
        ("f.txt", "1,2 | 2,3,4", "2 is in the folds 1 and 2"),
        ("f.txt", "1,2,3,4", "one fold only"),
        ("f.txt", "1,2 | 3,4 | 5", "No clip is in fold 3"),
        ("f.csv", "", "no file of folds"),
        ("f.csv", "speaker,part\n1,2\n", "columns speaker and fold"),
        ("f.csv", "speaker,fold\n1,\n", "row 1"),
        ("f.json", "[1, 2]", "columns speaker and fold"),
        ("f.json", "{", "no file of folds"),
        ("f.xlsx", "", r"a number, loso, column:NAME, emobox:DIR, or a file"),
    ],
)
def test_what_is_wrong_with_a_file_of_folds_is_said(tmp_path: Path, name: str, content: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(RequestError, match=reason):
        make_folds(acted(4), str(path))


def emobox_folds(folder: Path, tested: Sequence[Sequence[str]]) -> str:
    for number, names in enumerate(tested, start=1):
        path = folder / f"data/acted/fold_{number}/acted_test_fold_{number}.jsonl"
        path.parent.mkdir(parents=True)
        lines = [{"key": f"acted-{name}", "wav": f"downloads/acted/{name}.wav", "emo": "ang"} for name in names]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"emobox:{folder}/data/acted"


def test_folds_of_emobox_divide_clips_by_key_or_by_the_name_of_their_recording(tmp_path: Path) -> None:
    clips = acted(4)
    tested = [[f"clip {number}" for number in part] for part in (range(6), range(6, 18), range(18, 24))]
    folds = emobox_folds(tmp_path, tested)
    by_recording = make_folds(clips, folds)
    assert [fold.test.tolist() for fold in by_recording.folds] == [[*range(6)], [*range(6, 18)], [*range(18, 24)]]
    assert speakers_tested(clips, by_recording) == [("01",), ("02", "03"), ("04",)]
    keyed = replace(clips, names=tuple(f"acted-{name}" for name in clips.names))
    assert [fold.test.tolist() for fold in make_folds(keyed, folds).folds] == [
        fold.test.tolist() for fold in by_recording.folds
    ]


@pytest.mark.parametrize(
    ("tested", "reason"),
    [
        ([["clip 0", "clip 1"], ["clip 1"]], "1 clips are in the test parts of several folds .*acted-clip 1"),
        ([["clip 0"], ["clip 1"]], "gives no fold to 22 of 24 clips"),
        ([[f"clip {number}" for number in range(24)]], "one fold only"),
        ([["a"], ["b"]], "No clip is in fold 1"),
    ],
)
def test_what_is_wrong_with_folds_of_emobox_is_said(
    tmp_path: Path, tested: Sequence[Sequence[str]], reason: str
) -> None:
    with pytest.raises(RequestError, match=reason):
        make_folds(acted(4), emobox_folds(tmp_path, tested))


def test_one_manifest_of_emobox_has_no_folds(tmp_path: Path) -> None:
    folds = emobox_folds(tmp_path, [["clip 0"]])
    with pytest.raises(RequestError, match="one manifest and has no folds"):
        make_folds(acted(4), f"{folds}/fold_1/acted_test_fold_1.jsonl")


def test_a_file_of_folds_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(RequestError, match="check the path"):
        make_folds(acted(4), "nowhere.csv")


def test_a_speaker_in_two_folds_is_an_error_unless_it_is_allowed_by_name() -> None:
    clips = training_clips(
        ["anger", "fear"] * 6, ["a", "a", "b", "b"] * 3, attributes=[{"fold": str(n // 4)} for n in range(12)]
    )
    with pytest.raises(RequestError, match=r"2 of 2 speakers are in several folds .*--allow shared-speakers"):
        make_folds(clips, "column:fold")
    assert kinds(make_folds(clips, "column:fold", allow=[Allowed.SHARED_SPEAKERS])) == ["leak"]


def test_without_speakers_clips_are_divided_with_identical_audio_together() -> None:
    clips = training_clips(["anger", "fear"] * 10, hashes=[str(n // 4) for n in range(20)])
    made = make_folds(clips, "5")
    assert kinds(made) == ["no-speakers"]
    assert "speakers that it has not heard" in made.findings[0].sentence
    assert_each_clip_is_answered_once_by_others(clips, made.folds)
    with pytest.raises(RequestError, match="name no speaker"):
        make_folds(clips, "loso")


def test_clips_without_a_speaker_among_others_are_reported() -> None:
    clips = training_clips(["anger", "fear"] * 6, ["a", "a", "b", "b", "c", "c", "d", "d", None, None, None, None])
    made = make_folds(clips, "2")
    assert "4 of 12 clips name no speaker" in made.findings[0].sentence


def test_one_speaker_is_an_error_unless_folds_of_clips_are_accepted() -> None:
    clips = training_clips(["anger", "fear"] * 10, ["a"] * 20)
    with pytest.raises(RequestError, match=r"one speaker.*--allow one-speaker"):
        make_folds(clips)
    made = make_folds(clips, allow=[Allowed.ONE_SPEAKER])
    assert len(made.folds) == 5
    assert kinds(made) == ["no-speakers"]


def test_a_class_without_training_clips_in_a_fold_is_an_error_with_the_remedy() -> None:
    clips = training_clips(["anger", "fear", "anger", "fear", "anger", "joy"], ["a", "a", "b", "b", "c", "c"])
    with pytest.raises(RequestError, match=r"no clip of joy to train on.*\(1 speaker\).*fewer folds.*--merge joy=…"):
        make_folds(clips, "3")


def test_a_class_that_is_not_tested_in_each_fold_is_reported() -> None:
    clips = training_clips(["anger", "fear"] * 4 + ["joy"] * 2, ["a", "a", "b", "b", "c", "c", "d", "d", "a", "b"])
    made = make_folds(clips, "loso")
    assert kinds(made) == ["untested-class"]
    assert "joy in 2 of 4 folds" in made.findings[0].sentence


def test_one_emotion_is_an_error() -> None:
    with pytest.raises(RequestError, match="two emotions"):
        make_folds(training_clips(["anger"] * 10, list("abcdefghij")))


def test_ninety_six_clips_in_thirteen_classes_are_divided() -> None:
    clips = training_clips([f"class {n % 13}" for n in range(96)])
    assert_each_clip_is_answered_once_by_others(clips, make_folds(clips).folds)


def test_a_class_of_one_clip_is_an_error_without_speakers() -> None:
    with pytest.raises(RequestError, match=r"no clip of joy to train on.*\(1 in all\)"):
        make_folds(training_clips(["anger", "fear"] * 10 + ["joy"]))


def test_what_cannot_be_allowed_is_named() -> None:
    with pytest.raises(RequestError, match=r"--allow near-copy is unknown; did you mean 'near-copies'\?$"):
        make_folds(acted(5), allow=["near-copy"])


@pytest.mark.parametrize("count", ["0", "1"])
def test_fewer_than_two_folds_are_an_error(count: str) -> None:
    with pytest.raises(RequestError, match="2 or more"):
        make_folds(acted(4), count)


def assert_texts_are_held_out(clips: TrainingClips, folds: Sequence[Fold]) -> None:
    for fold in folds:
        tested = {clips.texts[index] for index in fold.test}
        assert tested.isdisjoint({clips.texts[index] for index in fold.train})


def test_texts_that_all_speakers_read_are_held_out_in_parts() -> None:
    clips = acted(10, texts=10)
    made = make_folds(clips, "5")
    assert len(made.folds) == 15
    assert [fold.name for fold in made.folds[:2]] == ["1, texts 1 of 3", "1, texts 2 of 3"]
    assert "left out of training, in 3 parts" in made.rule
    assert_each_clip_is_answered_once_by_others(clips, made.folds)
    assert_texts_are_held_out(clips, made.folds)
    assert made.folds[0].describe(clips) in {
        f"8 of 10 speakers train, 2 test; {10 - count} of 10 texts train, {count} test" for count in (3, 4)
    }
    # Two thirds of the texts of four fifths of the speakers, as nearly as ten texts can be divided.
    assert {len(fold.train) for fold in made.folds} <= {8 * 6 * texts for texts in (6, 7)}
    assert len(make_folds(clips, "5", hold_out_texts=False).folds) == 5


def test_a_few_texts_that_recur_are_left_out_of_training_without_more_folds() -> None:
    clips = acted(10, texts=6)
    texts = ["yes" if index % 12 == 0 else f"{index}, of nobody else" for index in range(len(clips.names))]
    spontaneous = training_clips([clips.classes[label] for label in clips.labels], clips.speakers, texts)
    made = make_folds(spontaneous, "5")
    assert len(made.folds) == 5
    assert_texts_are_held_out(spontaneous, made.folds)
    assert_each_clip_is_answered_once_by_others(spontaneous, made.folds)


def test_texts_that_are_too_few_to_be_held_out_are_reported() -> None:
    made = make_folds(acted(10, texts=2), "5")
    assert len(made.folds) == 5
    assert kinds(made) == ["same-texts"]
    assert "new speakers of the same texts" in made.findings[0].sentence


def test_texts_that_belong_to_one_emotion_are_not_held_out_where_nothing_of_it_would_be_left() -> None:
    clips = acted(10, texts=1)
    emotions = [clips.classes[label] for label in clips.labels]
    texts = [emotion if emotion == "anger" else f"{emotion} {n % 5}" for n, emotion in enumerate(emotions)]
    made = make_folds(training_clips(emotions, clips.speakers, texts), "5")
    assert len(made.folds) == 5
    assert kinds(made) == ["same-texts"]
    assert "no clip of anger" in made.findings[0].sentence


def test_unknown_texts_are_not_held_out() -> None:
    clips = training_clips(["anger", "fear"] * 10, [f"{n // 2}" for n in range(20)])
    assert make_folds(clips, "5").findings == ()
    assert np.unique([len(fold.train) for fold in make_folds(clips, "5").folds]).tolist() == [16]
