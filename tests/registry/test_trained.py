from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.progress import Silent
from benchmark.registry.loading import find_registry, load_registry, select
from benchmark.registry.schema import Candidate
from benchmark.registry.trained import declare_training, register_candidate
from benchmark.results.training_record import TRAINING_FILE, TrainingRecord
from tests.support.trained_folders import demo_answers, training_record

ANSWERS = demo_answers()
RECORD = training_record(ANSWERS)


class Notes(Silent):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        self.texts.append(text)


def write_record(folder: Path, record: TrainingRecord = RECORD) -> Path:
    folder.mkdir(parents=True)
    (folder / TRAINING_FILE).write_text(record.model_dump_json(), encoding="utf-8")
    return folder


def opened(folder: Path, notes: Notes | None = None) -> Candidate:
    registry = select(find_registry("demo"), [str(folder)])
    (candidate,) = declare_training(registry, notes or Notes()).candidates
    return candidate


def test_a_trained_folder_declares_what_it_was_trained_on(tmp_path: Path) -> None:
    candidate = opened(write_record(tmp_path / "mine", training_record(ANSWERS, corpus="Demo")))
    assert candidate.trained_on == ("demo",)
    assert candidate.trained_speakers == ("f1", "f2", "f3", "f4", "m1", "m2", "m3", "m4")
    assert candidate.local_path == tmp_path / "mine"


def test_a_training_without_speakers_declares_none_of_them(tmp_path: Path) -> None:
    candidate = opened(write_record(tmp_path / "mine", training_record(ANSWERS, speakers=None)))
    assert (candidate.trained_on, candidate.trained_speakers) == (("demo",), None)


def test_the_registry_comes_before_the_record(tmp_path: Path) -> None:
    write_record(tmp_path / "mine")
    file = tmp_path / "mine.yaml"
    file.write_text("version: 1\ncandidates:\n- id: ./mine\n  trained_on: []\n  trained_speakers: ['7']\n- id: org/a\n")
    own, other = declare_training(load_registry(file), Notes()).candidates
    assert (own.trained_on, own.trained_speakers) == ((), ("7",))
    assert (other.trained_on, other.trained_speakers) == (None, None)


def test_what_a_record_says_is_data(tmp_path: Path) -> None:
    hostile = training_record(ANSWERS, corpus="\x1b[31m", speakers=("a\x00", "", "1", "1", "a\nb"))
    candidate = opened(write_record(tmp_path / "mine", hostile))
    assert (candidate.trained_on, candidate.trained_speakers) == (None, ("1", "a b"))


def test_a_damaged_record_is_noted_and_declares_nothing(tmp_path: Path) -> None:
    (write_record(tmp_path / "mine") / TRAINING_FILE).write_text("{")
    candidate = opened(tmp_path / "mine", notes := Notes())
    assert candidate.trained_on is None
    (note,) = notes.texts
    assert "mine: it is not known what it was trained on" in note and "bench train" in note


def test_a_candidate_is_registered_in_a_new_file(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "models" / "mine")
    file = register_candidate(tmp_path / "registries" / "own.yaml", folder, RECORD, languages=("de",))
    (candidate,) = load_registry(file).candidates
    assert (candidate.id, candidate.name, candidate.local_path) == ("../models/mine", "mine", folder)
    assert (candidate.languages, candidate.trained_on) == (("de",), ("demo",))
    assert candidate.trained_speakers == RECORD.speakers
    assert candidate.note == "Trained by bench on demo with the recipe cnn."


HEAD = "# mine\nversion: 1  # the first\n"
FILES = {
    "plain": f"{HEAD}candidates:\n  - id: org/a\n    name: a\n",
    "no newline": f"{HEAD}candidates:\n- id: org/a",
    "corpora behind": f"{HEAD}candidates:\n  - id: org/a  # good\n\n  # theirs\ncorpora:\n  c:\n    source: folder:x\n",
    "corpora before": f"{HEAD}corpora:\n  c:\n    source: folder:x\ncandidates:\n   -  id: org/a\n      name: a\n",
    "windows": f"{HEAD}candidates:\n  - id: org/a\n    name: a\n".replace("\n", "\r\n"),
    "byte order mark": f"\ufeff{HEAD}candidates:\n  - id: org/a\n",
    "block text": f"{HEAD}candidates:\n  - id: org/a\n    note: |\n      long\n\n# end\n",
    "nothing": f"{HEAD}candidates:\n  - id: org/a\n    note:\n",
    "long text": f"{HEAD}candidates:\n  - id: org/a\n    note: a\n      long one\ncorpora: {{}}\n",
}


@pytest.mark.parametrize("layout", FILES)
def test_a_registry_keeps_every_byte_and_gets_one_entry_more(tmp_path: Path, layout: str) -> None:
    (file := tmp_path / "own.yaml").write_bytes(FILES[layout].encode())
    folder, before = write_record(tmp_path / "mine"), load_registry(file)
    register_candidate(file, folder, RECORD)
    after = load_registry(file)
    assert after.candidates[:-1] == before.candidates
    assert after.corpora == before.corpora
    assert (after.candidates[-1].local_path, after.candidates[-1].trained_speakers) == (folder, RECORD.speakers)
    old, new = FILES[layout].encode(), file.read_bytes()
    assert any(new.startswith(old[:kept]) and new.endswith(old[kept:]) for kept in range(len(old) + 1))


def test_a_registry_in_another_layout_is_refused_with_the_entry(tmp_path: Path) -> None:
    file, text = tmp_path / "own.yaml", "version: 1\ncandidates: [{id: org/a}]\n"
    file.write_text(text)
    with pytest.raises(RequestError, match=r"add this one by hand: \{id: \./mine"):
        register_candidate(file, write_record(tmp_path / "mine"), RECORD)
    assert file.read_text() == text


@pytest.mark.parametrize(("name", "known"), [("Mine", "org/a"), ("other", "./mine")])
def test_a_candidate_is_not_registered_twice(tmp_path: Path, name: str, known: str) -> None:
    folder, file = write_record(tmp_path / "mine"), tmp_path / "own.yaml"
    file.write_text(text := f"version: 1\ncandidates:\n- id: {known}\n  name: {name}\n")
    with pytest.raises(RequestError, match=f"has a candidate {name} .* already"):
        register_candidate(file, folder, RECORD)
    assert file.read_text() == text


def test_a_file_that_is_no_registry_is_left_alone(tmp_path: Path) -> None:
    (file := tmp_path / "own.yaml").write_text("version: 1\n")
    with pytest.raises(RequestError, match="no candidates are listed"):
        register_candidate(file, write_record(tmp_path / "mine"), RECORD)
    assert file.read_text() == "version: 1\n"


def test_a_name_that_a_registry_cannot_hold_is_a_sentence(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "mine")
    with pytest.raises(RequestError, match="cannot be registered"):
        register_candidate(tmp_path / "own.yaml", folder, training_record(ANSWERS, name="a\x00b"))
