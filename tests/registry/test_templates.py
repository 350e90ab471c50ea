from pathlib import Path

import pytest
import yaml

from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry
from benchmark.registry.templates import UnmappedLabels, edit_template

HOSTILE = (
    "상황1",
    "a: b # c",
    'say "x"',
    "- x",
    "مرحبا",
    "😡😡",
    "\u202eabc",
    "line\nend",
    "\u2028",
    "~",
    "12",
    "null",
    "",
)


def template(folder: Path) -> str:
    return edit_template(
        [UnmappedLabels("org/model", "org/model", {label: f"output {place}" for place, label in enumerate(HOSTILE)})],
        [UnmappedLabels(f"folder:{folder}", "콜센터", dict.fromkeys(HOSTILE, "3 clips"))],
    )


def test_labels_of_every_kind_come_back_as_they_were(tmp_path: Path) -> None:
    content = yaml.safe_load(template(tmp_path))
    assert tuple(content["candidates"][0]["labels"]) == HOSTILE
    assert tuple(content["corpora"]["콜센터"]["labels"]) == HOSTILE
    assert set(content["corpora"]["콜센터"]["labels"].values()) == {None}


def test_a_template_that_was_filled_in_is_a_registry(tmp_path: Path) -> None:
    path = tmp_path / "filled.yaml"
    path.write_text(template(tmp_path).replace(":  #", ": joy  #"), encoding="utf-8")
    registry = load_registry(path)
    assert set(registry.candidates[0].labels) == set(HOSTILE)
    assert set(registry.corpora["콜센터"].labels.values()) == {"happiness"}


def test_a_template_that_was_not_filled_in_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text(template(tmp_path), encoding="utf-8")
    with pytest.raises(RequestError):
        load_registry(path)
