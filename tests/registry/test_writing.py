from pathlib import Path

import pytest
import yaml

from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry
from benchmark.registry.writing import Entry, UnmappedLabels, edit_template, write_registry
from benchmark.results.status import Status

SHA = "a" * 40


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    full = Entry(id="org/a", revision=SHA, expect=Status.REPAIRED, languages=("ko",), datasets=("org/RAVDESS", "tess"))
    path = write_registry(tmp_path / "found.yaml", [full, Entry(id="org/b", revision=SHA)], comment="found")
    first, second = load_registry(path).candidates
    assert (first.id, first.revision, first.expect) == ("org/a", SHA, Status.REPAIRED)
    assert (first.languages, first.trained_on) == (("ko",), ("ravdess", "tess"))
    assert (second.expect, second.languages, second.trained_on) == (None, (), None)


@pytest.mark.parametrize(
    "text", ["!!python/object:os.system", "&a [*a]", "a: b # c", "\x1b[31m\x00", "'\"", "\u2028", "😀"]
)
def test_whatever_a_card_says_is_data(tmp_path: Path, text: str) -> None:
    entry = Entry(id="org/model", revision=SHA, languages=(text, "en"), datasets=(text,), note=text)
    comment = f"found {text}\ncandidates: []"
    (candidate,) = load_registry(write_registry(tmp_path / "found.yaml", [entry], comment=comment)).candidates
    assert (candidate.id, candidate.languages) == ("org/model", ("en",))


def test_an_existing_file_is_replaced_by_force_only_and_nothing_is_not_written(tmp_path: Path) -> None:
    (path := tmp_path / "mine.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(RequestError, match="--force"):
        write_registry(path, [Entry(id="org/model", revision=SHA)], comment="")
    assert path.read_text(encoding="utf-8") == "mine"
    write_registry(path, [Entry(id="org/model", revision=SHA)], comment="", force=True)
    assert len(load_registry(path).candidates) == 1
    with pytest.raises(RequestError, match="nothing to write"):
        write_registry(tmp_path / "none.yaml", [], comment="")
    assert not (tmp_path / "none.yaml").exists()


HOSTILE = (
    *("상황1", "a: b # c", 'say "x"', "- x", "مرحبا", "😡😡", "\u202eabc", "line\nend", "\u2028"),
    *("~", "12", "null", ""),
)


def template(folder: Path) -> str:
    return edit_template(
        [UnmappedLabels("org/model", "org/model", {label: f"output {output}" for output, label in enumerate(HOSTILE)})],
        [UnmappedLabels(f"folder:{folder}", "콜센터", dict.fromkeys(HOSTILE, "3 clips"))],
    )


def test_a_template_lists_labels_as_they_are_and_is_a_registry_once_it_was_filled_in(tmp_path: Path) -> None:
    text, path = template(tmp_path), tmp_path / "filled.yaml"
    content = yaml.safe_load(text)
    assert tuple(content["candidates"][0]["labels"]) == HOSTILE
    assert tuple(content["corpora"]["콜센터"]["labels"]) == HOSTILE
    assert set(content["corpora"]["콜센터"]["labels"].values()) == {None}
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError):
        load_registry(path)
    path.write_text(text.replace(":  #", ": joy  #"), encoding="utf-8")
    registry = load_registry(path)
    assert set(registry.candidates[0].labels) == set(HOSTILE)
    assert set(registry.corpora["콜센터"].labels.values()) == {"happiness"}
