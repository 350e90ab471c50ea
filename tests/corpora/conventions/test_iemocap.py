from pathlib import Path

import pytest

from benchmark.corpora.conventions.iemocap import read
from benchmark.errors import RequestError
from tests.corpora.conftest import Opened, Record

# The format of the corpus's own files; a line of the kind "C-F1" is an actor's word on herself.
EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral;\t()
C-E4:\tNeutral; Anger;\t()
C-F1:\tSadness;\t()
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\txxx\t[2.5000, 3.0000, 2.5000]
C-E2:\tFrustration;\t()
C-E3:\tAnger;\t()
C-E4:\tOther;\t(confused)

[14.8872 - 18.0175]\tSes01F_impro01_F002\texc\t[4.0000, 3.0000, 2.5000]
C-E2:\tExcited;\t()
C-E4:\tNeutral State; Unknown;\t()
"""


def release(folder: Path, record: Record) -> Path:
    for name in ("F000", "M001", "F002"):
        record(f"IEMOCAP/Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_{name}.wav")
    record("IEMOCAP/Session1/dialog/wav/Ses01F_impro01.wav")
    evaluation = folder / "IEMOCAP/Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    evaluation.parent.mkdir(parents=True)
    evaluation.write_text(EVALUATION)
    evaluation.with_name("._Ses01F_impro01.txt").write_bytes(b"\x00\x05finder")
    return folder / "IEMOCAP"


def test_labels_speakers_and_votes_come_from_the_label_files(record: Record, tmp_path: Path, opened: Opened) -> None:
    corpus = opened(f"iemocap:{release(tmp_path, record)}")
    clips = {Path(clip.name).stem[-4:]: clip for clip in corpus.clips}
    assert {name: clip.label for name, clip in clips.items()} == {"F000": "neu", "M001": "xxx", "F002": "exc"}
    assert (clips["M001"].speaker, clips["M001"].sex, clips["M001"].text_id) == ("Ses01M", "male", "impro01")
    assert (clips["F000"].speaker, clips["F000"].sex, clips["F000"].language) == ("Ses01F", "female", "en")
    assert clips["F000"].votes == {"ang": 1, "neu": 3}
    assert clips["M001"].votes == {"ang": 1, "fru": 1, "oth": 1}
    assert clips["F002"].votes == {"exc": 1, "neu": 1}
    assert corpus.labels["exc"] == "excitement"
    assert "xxx" not in corpus.labels
    assert corpus.notes == ()


def test_an_utterance_without_a_label_and_one_without_a_recording_are_noted(record: Record, tmp_path: Path) -> None:
    folder = release(tmp_path, record)
    (folder / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F002.wav").unlink()
    record("IEMOCAP/Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F099.wav")
    contents = read(folder)
    assert len(contents.clips) == 2
    examples = {line.kind: line.examples for line in contents.left_out}
    assert examples == {
        "other-file": ("Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F099.wav",),
        "no-recording": ("Ses01F_impro01_F002",),
    }


def test_without_label_files_or_recordings_the_expected_files_are_named(record: Record, tmp_path: Path) -> None:
    record("unlabelled/Ses01F_impro01_F000.wav")
    with pytest.raises(RequestError, match="EmoEvaluation"):
        read(tmp_path / "unlabelled")
    folder = release(tmp_path, record)
    for path in folder.rglob("Ses01F_impro01_*.wav"):
        path.unlink()
    with pytest.raises(RequestError, match="Not one recording"):
        read(folder)
