import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.clips import Corpus
from benchmark.corpora.filters import Filters
from benchmark.corpora.opening import Spec, open_corpora, parse_spec
from benchmark.corpora.sources import StreamedSource, open_source
from benchmark.errors import RequestError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from benchmark.registry.loading import load_registry
from benchmark.registry.schema import Registry

Record = Callable[[str], Path]
NO_CORPORA = "version: 1\ncandidates:\n  - id: org/model\n"


def registry_of(folder: Path, text: str) -> Registry:
    path = folder / "candidates.yaml"
    path.write_text(text)
    return load_registry(path)


def table(folder: Path, name: str, rows: str) -> Path:
    path = folder / name
    path.write_text("file,label,speaker\n" + rows)
    return path


def test_every_way_of_naming_a_corpus(record: Record, tmp_path: Path) -> None:
    record("rec/anger/a.wav")
    path = table(tmp_path, "t.csv", "rec/anger/a.wav,anger,1\n")
    assert parse_spec(f"folder:{tmp_path}") == Spec("folder", str(tmp_path))
    assert parse_spec(f"table:{path}") == Spec("table", str(path))
    assert parse_spec(str(tmp_path / "rec")) == Spec("folder", str(tmp_path / "rec"))
    assert parse_spec(str(path)) == Spec("table", str(path))
    assert parse_spec("demo:") == Spec("demo", "")
    assert parse_spec("demo:unlabelled") == Spec("demo", "unlabelled")


def test_a_bare_folder_with_a_metadata_table_is_that_table(tmp_path: Path) -> None:
    path = table(tmp_path, "metadata.csv", "a.wav,anger,1\n")
    assert parse_spec(str(tmp_path)) == Spec("table", str(path))


@pytest.mark.parametrize("text", ["floder:x", "folder:", "nowhere/at/all", "hf", ""])
def test_a_wrong_spec_is_one_sentence_with_the_fix(text: str) -> None:
    with pytest.raises(RequestError, match=r"known are|write|names no path"):
        parse_spec(text)


def test_no_corpus_at_all_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--corpus"):
        open_corpora([], registry_of(tmp_path, NO_CORPORA))


def test_a_registry_corpus_has_its_filters_language_merges_and_name(tmp_path: Path) -> None:
    table(tmp_path, "t.csv", "a.wav,anger,01\nb.wav,calm,02\nc.wav,neutral,02\n")
    registry = registry_of(
        tmp_path,
        NO_CORPORA
        + 'corpora:\n  mine: {source: "table:t.csv", language: ko, speakers: ["02"], merge: {calm: neutral}}\n',
    )
    (corpus,) = open_corpora([], registry)
    assert (corpus.name, corpus.merge) == ("mine", {"calm": "neutral"})
    assert [(clip.name, clip.language) for clip in corpus.clips] == [("b.wav", "ko"), ("c.wav", "ko")]


def test_a_speaker_who_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    table(tmp_path, "t.csv", "a.wav,anger,01\n")
    registry = registry_of(tmp_path, NO_CORPORA + 'corpora:\n  mine: {source: "table:t.csv", speakers: ["1"]}\n')
    with pytest.raises(RequestError, match="no speaker '1'; it has 01"):
        open_corpora(["mine"], registry)


def test_an_unknown_name_is_answered_with_those_of_the_registry(tmp_path: Path) -> None:
    table(tmp_path, "t.csv", "a.wav,anger,01\n")
    registry = registry_of(tmp_path, NO_CORPORA + 'corpora:\n  mine: {source: "table:t.csv"}\n')
    with pytest.raises(RequestError, match="corpora are mine"):
        open_corpora(["mien"], registry)


def test_two_corpora_of_one_name_are_refused(record: Record, tmp_path: Path) -> None:
    record("a/calls/1.wav")
    record("b/calls/1.wav")
    with pytest.raises(RequestError, match="'calls'"):
        open_corpora([str(tmp_path / "a/calls"), str(tmp_path / "b/calls")], registry_of(tmp_path, NO_CORPORA))


def test_the_demo_is_called_synthetic(tmp_path: Path) -> None:
    (corpus,) = open_corpora(["demo:"], registry_of(tmp_path, NO_CORPORA))
    assert corpus.synthetic
    assert len({clip.label for clip in corpus.clips}) == 7
    assert len({clip.speaker for clip in corpus.clips}) == 8
    assert corpus.clips[0].audio.waveform().duration_s > 0.5


def test_a_part_that_the_demo_lacks_is_answered_with_those_that_it_has(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, NO_CORPORA + 'corpora:\n  mine: {source: "demo:lnog"}\n')
    for wanted in ("mine", "demo:lnog"):
        with pytest.raises(RequestError, match="'lnog'; write demo:, demo:unlabelled or demo:long"):
            open_corpora([wanted], registry)


def test_the_parts_of_the_demo_are_corpora_of_their_own_in_any_registry(tmp_path: Path) -> None:
    sources = 'corpora:\n  quiet: {source: "demo:unlabelled"}\n  day: {source: "demo:long"}\n'
    registry = registry_of(tmp_path, NO_CORPORA + sources)
    opened = open_corpora(["quiet", "day", "demo:", "demo:unlabelled", "demo:long"], registry)
    assert [corpus.name for corpus in opened] == ["quiet", "day", "demo", "demo-unlabelled", "demo-long"]
    assert [corpus.source for corpus in opened][:2] == ["demo:unlabelled", "demo:long"]
    assert [len(corpus.clips) for corpus in opened] == [12, 1, 112, 12, 1]
    assert all(corpus.synthetic for corpus in opened)


def test_ravdess_of_the_shared_folder_is_read_whole(shared: Path, tmp_path: Path) -> None:
    (corpus,) = open_corpora([f"table:{shared}/corpora/ravdess/metadata.csv"], registry_of(tmp_path, NO_CORPORA))
    assert (corpus.name, len(corpus.clips)) == ("ravdess", 1440)
    assert {clip.speaker for clip in corpus.clips} == {f"{number:02}" for number in range(1, 25)}


def test_a_part_of_a_registry_corpus_is_chosen_in_the_registry_and_by_the_run(tmp_path: Path) -> None:
    rows = [f"{index}.wav,{('anger', 'calm', 'fear')[index % 3]},{index % 2}" for index in range(60)]
    table(tmp_path, "t.csv", "\n".join(rows))
    only = "only_labels: [anger, 두려움], languages: [ko], language: ko, sample: 12, seed: 3"
    entry = f"mine: {{source: 'table:t.csv', {only}}}"
    registry = registry_of(tmp_path, f"{NO_CORPORA}corpora:\n  {entry}\n")
    (corpus,) = open_corpora(["mine"], registry, filters=Filters(speakers=("1",)), limit=4)
    assert {clip.speaker for clip in corpus.clips} == {"1"}
    assert {clip.label for clip in corpus.clips} == {"anger", "fear"}
    assert len(corpus.clips) == 4
    assert corpus.available_clips > 12
    assert corpus.selection == "language ko; label anger, 두려움; a sample of 12, seed 3; speaker 1"


@pytest.mark.parametrize("field", ["only_labels: []", "languages: []", "sample: 0", "seed: one"])
def test_a_wrong_filter_in_the_registry_is_one_sentence(tmp_path: Path, field: str) -> None:
    with pytest.raises(RequestError, match=field.partition(":")[0]):
        registry_of(tmp_path, f"{NO_CORPORA}corpora:\n  mine: {{source: 'table:t.csv', {field}}}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a name in the file system is Unicode")
@pytest.mark.parametrize("kind", ["folder", "ravdess"])
def test_a_corpus_in_folders_whose_names_are_no_unicode_can_be_stored(
    tmp_path: Path, opened: Callable[..., Corpus], kind: str
) -> None:
    folder = tmp_path / "calls-\udcff"
    for label in ("anger", "\udcfe"):
        (folder / label).mkdir(parents=True)
        soundfile.write(
            str(folder / label / "03-01-05-01-02-01-12.wav").encode("utf-8", "surrogateescape"), [0.5], 8000
        )
    heard = decode_corpus(opened(f"{kind}:{folder}"), Silent()).record
    heard.model_dump_json()
    assert heard.name == {"folder": "calls-?", "ravdess": "ravdess"}[kind]
    assert [clip.failure for clip in heard.clips] == [None, None]
    assert {clip.label for clip in heard.clips} == {"folder": {"anger", "?"}, "ravdess": {"05"}}[kind]


def test_the_recordings_of_the_demo_have_a_speaker_and_no_label(opened: Callable[..., Corpus]) -> None:
    clips = (*opened("demo:unlabelled").clips, *opened("demo:long").clips)
    assert len(clips) == 13
    assert {clip.label for clip in clips} == {None}
    assert {clip.speaker for clip in clips} == {"f5", "m5", "f6"}


def test_the_long_recording_is_streamed_and_the_same_as_in_one_piece(opened: Callable[..., Corpus]) -> None:
    (clip,) = opened("demo:long").clips
    assert isinstance(clip.audio, StreamedSource)
    with open_source(clip.audio) as stream:
        blocks = list(stream.blocks)
    whole = clip.audio.waveform()
    assert len(blocks) > 1
    assert stream.sampling_rate == whole.sampling_rate
    np.testing.assert_array_equal(np.concatenate(blocks), whole.samples)


def test_a_part_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(RequestError, match="demo:unlabelled"):
        parse_spec("demo:short")
