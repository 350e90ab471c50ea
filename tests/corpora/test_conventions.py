from collections import Counter
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

from benchmark.corpora.conventions import CONVENTIONS, convention, crema_d, emodb, emovo, ravdess, savee, tess
from benchmark.corpora.conventions.naming import Excluded, Utterance
from benchmark.emotions.aliases import emotion_of
from benchmark.emotions.classes import label_codes
from benchmark.errors import RequestError
from tests.corpora.conftest import Opened, Record
from tests.support.audio import waveform_of

# The first name of each corpus is an example of its documentation.
NAMES: dict[ModuleType, dict[str, tuple[str, str, str | None, str, str | None]]] = {
    ravdess: {
        "Actor_12/03-01-06-01-02-01-12.wav": ("06", "12", "female", "02", "normal"),
        "03-01-01-01-01-02-01.wav": ("01", "01", "male", "01", "normal"),
        "03-01-08-02-01-01-24.flac": ("08", "24", "female", "01", "strong"),
        "03-02-03-02-01-01-17.wav": ("03", "17", "male", "song-01", "strong"),
    },
    crema_d: {
        "AudioWAV/1001_DFA_ANG_XX.wav": ("ANG", "1001", None, "DFA", None),
        "1001_IEO_DIS_HI.mp3": ("DIS", "1001", None, "IEO", "high"),
        "1091_IEO_SAD_LO.wav": ("SAD", "1091", None, "IEO", "low"),
        "1091_IEO_HAP_MD.wav": ("HAP", "1091", None, "IEO", "medium"),
        "1040_ITH_SAD_X.wav": ("SAD", "1040", None, "ITH", None),  # named so in the corpus
    },
    tess: {
        "OAF_angry/OAF_back_angry.wav": ("angry", "OAF", "female", "back", None),
        "YAF_pleasant_surprised/YAF_dog_ps.wav": ("ps", "YAF", "female", "dog", None),
        "OAF_neutral/OA_bite_neutral.wav": ("neutral", "OAF", "female", "bite", None),  # without its F in the corpus
        "yaf_DOG_Fear.flac": ("fear", "YAF", "female", "dog", None),
    },
    savee: {
        "AudioData/DC/a01.wav": ("a", "DC", "male", "01", None),
        "DC_a01.wav": ("a", "DC", "male", "01", None),
        "JE/d03.wav": ("d", "JE", "male", "03", None),
        "KL/su15.wav": ("su", "KL", "male", "su15", None),
        "JK_sa04.wav": ("sa", "JK", "male", "sa04", None),
        "JK/n30.wav": ("n", "JK", "male", "n30", None),
    },
    emodb: {
        "wav/03a01Fa.wav": ("F", "03", "male", "a01", None),
        "16b10Wb.wav": ("W", "16", "female", "b10", None),
        "08a07La.flac": ("L", "08", "female", "a07", None),
        "99a01N.wav": ("N", "99", None, "a01", None),
    },
    emovo: {
        "EMOVO/f1/dis-f1-b1.wav": ("dis", "f1", "female", "b1", None),
        "m3/gio-m3-l4.wav": ("gio", "m3", "male", "l4", None),
        "neu-f2-n5.flac": ("neu", "f2", "female", "n5", None),
        "sor-m1-d2.wav": ("sor", "m1", "male", "d2", None),
    },
}
OTHER_NAMES: dict[ModuleType, list[str]] = {
    ravdess: ["03-01-09-01-01-01-01.wav", "03-01-01-01-01-01-25.wav", "03-01-01.wav", "a.wav"],
    crema_d: ["1001_DFA_SUR_XX.wav", "1001_DFA_ANG.wav", "DFA_1001_ANG_XX.wav"],
    tess: ["OAF_back_calm.wav", "XAF_back_angry.wav", "OAF_back.wav"],
    savee: ["a01.wav", "XX/a01.wav", "DC/x01.wav", "DC/a1.wav"],
    emodb: ["03a01Xa.wav", "3a01Fa.wav", "03a01Faa.wav", "03c01Fa.wav"],
    emovo: ["dis-f4-b1.wav", "dis-f1-b4.wav", "cal-f1-b1.wav", "dis-f1.wav"],
}
EXAMPLES = {module.NAMING.corpus: next(iter(names)) for module, names in NAMES.items()}


@pytest.mark.parametrize("module", NAMES, ids=lambda module: module.NAMING.corpus)
def test_names_are_parsed_and_other_names_are_not_guessed(module: ModuleType) -> None:
    for name, (label, speaker, sex, text_id, intensity) in NAMES[module].items():
        expected = Utterance(label=label, speaker=speaker, sex=sex, text_id=text_id, intensity=intensity)
        assert module.parse(PurePosixPath(name)) == expected
    assert {module.parse(PurePosixPath(name)) for name in OTHER_NAMES[module]} == {None}


@pytest.mark.parametrize("name", ["02-01-06-01-02-01-12.mp4", "01-01-06-01-02-01-12.mp4"])
def test_video_is_no_clip(name: str) -> None:
    assert isinstance(ravdess.parse(PurePosixPath(name)), Excluded)


@pytest.mark.parametrize(("kind", "name"), EXAMPLES.items())
def test_a_code_is_the_label_and_the_corpus_knows_its_meaning(
    kind: str, name: str, record: Record, tmp_path: Path, opened: Opened
) -> None:
    record(f"corpus/{name}")
    record("corpus/deep/er/holiday.wav")
    corpus = opened(f"{kind}:{tmp_path}/corpus")
    (clip,) = corpus.clips
    assert (clip.name, corpus.name) == (name, kind)
    assert clip.label is not None
    assert corpus.labels == {clip.label: label_codes(kind)[clip.label]}
    assert waveform_of(clip).duration_s == pytest.approx(0.5)
    (line,) = corpus.left_out
    assert line.sentence.startswith("1 file has a name that is not")
    assert (line.examples, line.option) == (("deep/er/holiday.wav",), "--corpus folder:DIR")


@pytest.mark.parametrize("kind", EXAMPLES)
def test_where_no_name_parses_the_expected_form_is_stated(kind: str, record: Record, tmp_path: Path) -> None:
    record("corpus/holiday.wav")
    with pytest.raises(RequestError, match=r"such as .*\.wav.*holiday\.wav.*folder:"):
        convention(kind)(tmp_path / "corpus")


@pytest.mark.parametrize("kind", CONVENTIONS)
def test_a_missing_and_an_empty_folder_are_one_sentence(kind: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=f"`{kind}:`"):
        convention(kind)(tmp_path / "nowhere")
    with pytest.raises(RequestError, match="no recording"):
        convention(kind)(tmp_path / "empty")


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_every_format_is_read_and_folders_may_be_nested(suffix: str, record: Record, tmp_path: Path) -> None:
    record(f"corpus/a/b/c/03a01Fa.{suffix}", seconds=1.0)
    (clip,) = convention("emodb")(tmp_path / "corpus").clips
    assert waveform_of(clip).duration_s == pytest.approx(1.0, abs=0.1)


def test_many_strange_names_are_counted_and_some_are_shown(record: Record, tmp_path: Path) -> None:
    record("corpus/03a01Fa.wav")
    for number in range(9):
        record(f"corpus/strange {number}.wav")
    (line,) = convention("emodb")(tmp_path / "corpus").left_out
    assert line.sentence.startswith("9 files have a name that is not")
    assert line.examples == ("strange 0.wav", "strange 1.wav", "strange 2.wav")


def test_the_user_may_override_what_a_code_means(record: Record, opened: Opened) -> None:
    record("corpus/03a01Fa.wav")
    record("corpus/03a01Wa.wav")
    corpus = opened("mine", "mine: {source: 'emodb:corpus', labels: {F: surprise}}")
    assert corpus.labels == {"F": "surprise", "W": "anger"}


@pytest.mark.parametrize("folder", ["corpus", "corpus/AudioWAV"])
def test_the_sex_of_crema_d_comes_from_the_table_of_actors(folder: str, record: Record, tmp_path: Path) -> None:
    for actor in ("1001", "1002", "1003"):
        record(f"corpus/AudioWAV/{actor}_DFA_ANG_XX.wav")
    rows = [
        "ActorID,Age,Sex,Race,Ethnicity",
        "1001,51,Male,Caucasian,Not Hispanic",
        "1002,21,Female,Caucasian,Hispanic",
    ]
    (tmp_path / "corpus/VideoDemographics.csv").write_text("\n".join(rows))
    contents = crema_d.read(tmp_path / folder)
    assert [clip.sex for clip in contents.clips] == ["male", "female", None]
    assert contents.notes == ()


def test_without_a_table_of_actors_nobody_knows_the_sex_and_a_note_says_so(record: Record, tmp_path: Path) -> None:
    record("corpus/1001_DFA_ANG_XX.wav")
    contents = crema_d.read(tmp_path / "corpus")
    assert contents.clips[0].sex is None
    assert "VideoDemographics.csv" in contents.notes[0]
    (tmp_path / "corpus/VideoDemographics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RequestError, match="ActorID"):
        crema_d.read(tmp_path / "corpus")


def test_song_and_video_of_ravdess_are_noted(record: Record, tmp_path: Path) -> None:
    record("r/03-01-06-01-02-01-12.wav")
    record("r/03-02-06-01-02-01-12.wav")
    (tmp_path / "r/02-01-06-01-02-01-12.mp4").write_bytes(b"video")
    contents = ravdess.read(tmp_path / "r")
    assert len(contents.clips) == 2
    assert any("modality 02" in line.sentence for line in contents.left_out)
    assert any("1 of the 2 clips are song" in note for note in contents.notes)


@pytest.mark.parametrize(("kind", "folder", "clips"), [("emodb", "emodb_4class", 339), ("ravdess", "ravdess", 1440)])
def test_convention_and_table_give_the_same_clips_emotions_and_speakers(
    kind: str, folder: str, clips: int, shared: Path, opened: Opened
) -> None:
    by_name = opened(f"{kind}:{shared}/corpora/{folder}")
    by_table = opened(f"table:{shared}/corpora/{folder}/metadata.csv")
    assert len(by_name.clips) == clips
    assert {
        (clip.name, by_name.labels[clip.label or ""], clip.speaker, clip.sex, clip.language, clip.text_id)
        for clip in by_name.clips
    } == {
        (clip.name, emotion_of(clip.label or ""), clip.speaker, clip.sex, clip.language, clip.text_id)
        for clip in by_table.clips
    }


def test_the_one_pair_of_identical_clips_is_found_by_their_hashes(shared: Path, opened: Opened) -> None:
    clips = [clip for clip in opened(f"ravdess:{shared}/corpora/ravdess").clips if clip.speaker == "07"]
    hashes = {Path(clip.name).stem: waveform_of(clip).content_hash for clip in clips}
    counts = Counter(hashes.values())
    doubled = {name for name, content in hashes.items() if counts[content] > 1}
    assert doubled == {"03-01-03-01-02-01-07", "03-01-03-01-02-02-07"}
