from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.corpora.clips import Corpus
from benchmark.corpora.conventions import CONVENTIONS
from benchmark.corpora.opening import open_corpora
from benchmark.emotions.classes import label_codes
from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry

Record = Callable[..., Path]
Opened = Callable[..., Corpus]

NAMES = {
    "ravdess": "Actor_12/03-01-06-01-02-01-12.wav",
    "crema-d": "AudioWAV/1001_DFA_ANG_XX.wav",
    "tess": "OAF_angry/OAF_back_angry.wav",
    "savee": "AudioData/DC/a01.wav",
    "emodb": "wav/03a01Fa.wav",
    "emovo": "EMOVO/f1/dis-f1-b1.wav",
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_code_is_the_label_and_the_corpus_knows_what_it_means(kind: str, record: Record, opened: Opened) -> None:
    path = record(f"corpus/{NAMES[kind]}")
    corpus = opened(f"{kind}:{path.parents[len(Path(NAMES[kind]).parts) - 1]}")
    (clip,) = corpus.clips
    assert clip.name == NAMES[kind]
    assert clip.label is not None
    assert corpus.labels == {clip.label: label_codes(kind)[clip.label]}
    assert corpus.name == kind
    assert clip.audio.waveform().duration_s == pytest.approx(0.5)


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_that_does_not_parse_is_named_and_left_out(kind: str, record: Record, tmp_path: Path) -> None:
    record(f"corpus/{NAMES[kind]}")
    record("corpus/deep/er/holiday.wav")
    contents = CONVENTIONS[kind](tmp_path / "corpus")
    assert len(contents.clips) == 1
    assert any("1 file was left out" in note and "deep/er/holiday.wav" in note for note in contents.notes)


@pytest.mark.parametrize("kind", NAMES)
def test_where_no_name_parses_the_expected_form_is_told(kind: str, record: Record, tmp_path: Path) -> None:
    record("corpus/holiday.wav")
    with pytest.raises(RequestError, match=r"such as .*\.wav") as told:
        CONVENTIONS[kind](tmp_path / "corpus")
    assert "holiday.wav" in str(told.value)
    assert "folder:" in str(told.value)


@pytest.mark.parametrize("kind", CONVENTIONS)
def test_a_missing_and_an_empty_folder_are_one_sentence(kind: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=f"`{kind}:`"):
        CONVENTIONS[kind](tmp_path / "nowhere")
    with pytest.raises(RequestError, match="no recording"):
        CONVENTIONS[kind](tmp_path / "empty")


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_every_format_is_read_and_folders_may_be_nested(suffix: str, record: Record, tmp_path: Path) -> None:
    record(f"corpus/a/b/c/03a01Fa.{suffix}", seconds=1.0)
    (clip,) = CONVENTIONS["emodb"](tmp_path / "corpus").clips
    assert clip.audio.waveform().duration_s == pytest.approx(1.0, abs=0.1)


def test_many_strange_names_are_counted_and_some_are_shown(record: Record, tmp_path: Path) -> None:
    record("corpus/03a01Fa.wav")
    for number in range(9):
        record(f"corpus/strange {number}.wav")
    (note,) = CONVENTIONS["emodb"](tmp_path / "corpus").notes
    assert note.startswith("9 files were left out")
    assert note.endswith("strange 4.wav, ….")


def test_the_user_may_override_what_a_code_means(record: Record, tmp_path: Path) -> None:
    record("corpus/03a01Fa.wav")
    record("corpus/03a01Wa.wav")
    registry = tmp_path / "candidates.yaml"
    registry.write_text(
        "version: 1\ncandidates: [{id: org/m}]\ncorpora: {mine: {source: 'emodb:corpus', labels: {F: surprise}}}\n"
    )
    (corpus,) = open_corpora(["mine"], load_registry(registry))
    assert corpus.labels == {"F": "surprise", "W": "anger"}
