import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.audio_sources import StreamedSource, open_source
from benchmark.corpora.spec_syntax import Spec, parse_spec
from benchmark.corpora.specs import open_corpora
from benchmark.errors import RequestError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from tests.corpora.conftest import Opened, Record, registry_of
from tests.support.audio import shared_reader, waveform_of

MINE = "mine: {source: 'table:t.csv'}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("file,label,speaker\na.wav,anger,01\nb.wav,calm,02\nc.wav,neutral,02\n")
    return path


def test_a_corpus_is_named_by_a_spec_or_a_path(record: Record, table: Path, tmp_path: Path) -> None:
    record("rec/anger/a.wav")
    assert parse_spec(f"folder:{tmp_path}") == Spec("folder", str(tmp_path))
    assert parse_spec(f"table:{table}") == parse_spec(str(table)) == Spec("table", str(table))
    assert parse_spec(str(tmp_path / "rec")) == Spec("folder", str(tmp_path / "rec"))
    assert parse_spec("demo:") == Spec("demo", "")
    assert parse_spec("demo:unlabelled") == Spec("demo", "unlabelled")
    metadata = table.rename(tmp_path / "metadata.csv")
    assert parse_spec(str(tmp_path)) == Spec("table", str(metadata))


@pytest.mark.parametrize("text", ["floder:x", "folder:", "nowhere/at/all", "hf", ""])
def test_a_wrong_spec_is_one_sentence_with_the_fix(text: str) -> None:
    with pytest.raises(RequestError, match=r"known are|write|names no path"):
        parse_spec(text)


def test_no_corpus_at_all_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--corpus"):
        open_corpora([], registry_of(tmp_path))


def test_a_registry_corpus_has_its_filters_language_merges_and_name(table: Path, tmp_path: Path) -> None:
    entry = 'mine: {source: "table:t.csv", language: ko, speakers: ["02"], merge: {calm: neutral}}'
    (corpus,) = open_corpora([], registry_of(tmp_path, entry))
    assert (corpus.name, corpus.merge) == ("mine", {"calm": "neutral"})
    assert [(clip.name, clip.language) for clip in corpus.clips] == [("b.wav", "ko"), ("c.wav", "ko")]


def test_a_registry_corpus_is_selected_from_by_the_registry_and_by_the_run(tmp_path: Path, opened: Opened) -> None:
    rows = [f"{index}.wav,{('anger', 'calm', 'fear')[index % 3]},{index % 2}" for index in range(60)]
    (tmp_path / "t.csv").write_text("file,label,speaker\n" + "\n".join(rows))
    selection = "only_labels: [anger, 두려움], languages: [ko], language: ko, sample: 12, seed: 3"
    corpus = opened("mine", f"mine: {{source: 'table:t.csv', {selection}}}", speakers=["1"], limit=4)
    assert {clip.speaker for clip in corpus.clips} == {"1"}
    assert {clip.label for clip in corpus.clips} == {"anger", "fear"}
    assert len(corpus.clips) == 4
    assert corpus.available_clips > 12
    assert corpus.selection == "language ko; label anger, 두려움; a sample of 12, seed 3; speaker 1"


@pytest.mark.parametrize("field", ["only_labels: []", "languages: []", "sample: 0", "seed: one"])
def test_a_wrong_filter_in_the_registry_is_one_sentence(tmp_path: Path, field: str) -> None:
    with pytest.raises(RequestError, match=field.partition(":")[0]):
        registry_of(tmp_path, f"mine: {{source: 'table:t.csv', {field}}}")


def test_an_unknown_name_is_answered_with_those_of_the_registry(table: Path, opened: Opened) -> None:
    with pytest.raises(RequestError, match="corpora are mine"):
        opened("mien", MINE)


def test_two_corpora_of_one_name_are_refused(record: Record, tmp_path: Path) -> None:
    record("a/calls/1.wav")
    record("b/calls/1.wav")
    with pytest.raises(RequestError, match="'calls'"):
        open_corpora([str(tmp_path / "a/calls"), str(tmp_path / "b/calls")], registry_of(tmp_path))


def test_a_part_that_the_demo_lacks_is_answered_with_those_that_it_has(opened: Opened) -> None:
    for name in ("mine", "demo:lnog"):
        with pytest.raises(RequestError, match="'lnog'; write demo:, demo:unlabelled or demo:long"):
            opened(name, 'mine: {source: "demo:lnog"}')


def test_the_parts_of_the_demo_are_corpora_of_their_own_in_any_registry(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, 'quiet: {source: "demo:unlabelled"}, day: {source: "demo:long"}')
    corpora = open_corpora(["quiet", "day", "demo:", "demo:unlabelled", "demo:long"], registry)
    assert [corpus.name for corpus in corpora] == ["quiet", "day", "demo", "demo-unlabelled", "demo-long"]
    assert [corpus.source for corpus in corpora][:2] == ["demo:unlabelled", "demo:long"]
    assert [len(corpus.clips) for corpus in corpora] == [12, 1, 112, 12, 1]
    assert all(corpus.synthetic for corpus in corpora)
    unlabelled = [clip for corpus in corpora[:2] for clip in corpus.clips]
    assert {(clip.label, clip.speaker) for clip in unlabelled} == {(None, "f5"), (None, "m5"), (None, "f6")}
    labelled = corpora[2].clips
    assert (len({clip.label for clip in labelled}), len({clip.speaker for clip in labelled})) == (7, 8)
    assert waveform_of(labelled[0]).duration_s > 0.5


def test_the_long_recording_is_streamed_and_the_same_as_in_one_piece(opened: Opened) -> None:
    (clip,) = opened("demo:long").clips
    assert isinstance(clip.audio, StreamedSource)
    with open_source(clip.audio) as stream:
        blocks = list(stream.blocks)
    whole = waveform_of(clip)
    assert len(blocks) > 1
    assert stream.sampling_rate == whole.sampling_rate
    np.testing.assert_array_equal(np.concatenate(blocks), whole.samples)


def test_ravdess_of_the_shared_folder_is_read_whole(shared: Path, opened: Opened) -> None:
    corpus = opened(f"table:{shared}/corpora/ravdess/metadata.csv")
    assert (corpus.name, len(corpus.clips)) == ("ravdess", 1440)
    assert {clip.speaker for clip in corpus.clips} == {f"{number:02}" for number in range(1, 25)}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a name in the file system is Unicode")
@pytest.mark.parametrize("kind", ["folder", "ravdess"])
def test_a_corpus_in_folders_whose_names_are_no_unicode_can_be_stored(
    tmp_path: Path, opened: Opened, kind: str
) -> None:
    folder = tmp_path / "calls-\udcff"
    for label in ("anger", "\udcfe"):
        (folder / label).mkdir(parents=True)
        path = folder / label / "03-01-05-01-02-01-12.wav"
        soundfile.write(str(path).encode("utf-8", "surrogateescape"), [0.5], 8000)
    decoded = decode_corpus(opened(f"{kind}:{folder}"), shared_reader(), Silent()).record
    decoded.model_dump_json()
    assert decoded.name == {"folder": "calls-?", "ravdess": "ravdess"}[kind]
    assert [clip.failure for clip in decoded.clips] == [None, None]
    assert {clip.label for clip in decoded.clips} == {"folder": {"anger", "?"}, "ravdess": {"05"}}[kind]


def test_a_database_of_audb_without_the_extra_is_one_sentence_with_the_remedy(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.corpora.audb_databases.find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r'need the extra `audb`: `pip install "ser-bench\[audb\]"`'):
        opened("audb:emodb")
