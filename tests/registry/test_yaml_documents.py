"""YAML as plain data with lines, and nothing beyond plain data."""

from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.registry.yaml_documents import MOST_BYTES, read_document
from tests.registry.conftest import Write


def test_lines_are_those_of_keys_and_items(write: Write) -> None:
    document = read_document(write("a: 1\nb:\n  - x\n  - c: 01\n"))
    assert document.content == {"a": 1, "b": ["x", {"c": 1}]}
    assert document.line(("b",)) == 2
    assert document.line(("b", 1, "c")) == 4
    assert document.line(("b", 1, "missing", "deeper")) == 4
    assert document.written["b", 1, "c"] == "01"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; begin it with"),
        ("a: [1\nb: 2\n", r":2: not YAML \(.*\); check indentation"),
        ("a: 1\n\tb: 2\n", ":2: not YAML"),
        ("a: \x01\n", ": not YAML"),
        ("a: &x [1]\nb: *x\n", ":1: YAML anchors and aliases"),
        ("a: !!python/object/apply:os.system ['true']\n", r":1: YAML tags \(!\) are not allowed"),
        ("a: !custom 01\n", ":1: YAML tags"),
        ("a: 1\n---\nb: 2\n", ":2: a second YAML document begins"),
        ("a: 1\nb: 2\na: 3\n", r":3: 'a' is here a second time \(first in line 1\)"),
        ("a:\n  x: 1\n  x: 1\n", ":3: 'x' is here a second time"),
        ("1: a\n", ':1: YAML does not read the key 1 as text; quote it: "1"'),
        ("a: {no: b}\n", 'the key no as text; quote it: "no"'),
        ("<<: {a: 1}\n", "the key << as text"),
        ("? [a, b]\n: c\n", "a key must be a text"),
        ("a: 2026-13-45\n", ":1: '2026-13-45' cannot be read as YAML reads it; quote it"),
        ("a: =\n", "'=' cannot be read"),
        (f"a: {'9' * 5000}\n", "'99999.*…' cannot be read"),
        (f"a: [1, 0b{'1' * 65}]\n", "the number 0b111.* is too large"),
        (f"a: {'59:' * 5000}59\n", "the number 59:59.*… is too large"),
        ("[" * 20_000, "nested more than"),
    ],
)  # fmt: skip
def test_what_is_not_plain_data_is_refused_with_its_line(text: str, message: str, write: Write) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        read_document(write(text))
    assert "\n" not in str(caught.value)


def test_aliases_that_would_blow_up_are_refused_before_they_do(write: Write) -> None:
    levels = "".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 30))
    with pytest.raises(RequestError, match=":1: YAML anchors"):
        read_document(write("l0: &l0 lol\n" + levels))


def test_a_file_that_is_not_utf_8_is_refused_and_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "encoded.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\n")
    assert read_document(path).content == {"version": 1}
    path.write_bytes("a: 1\nb: Ärger\n".encode("latin-1"))
    with pytest.raises(RequestError, match=":2: not UTF-8; save the file as UTF-8"):
        read_document(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.yaml", r"there is no file .*none\.yaml; give one with --candidates"),
        (".", "is a folder; give the registry file itself"),
        ("a\0b", "cannot be read"),
    ],
)
def test_what_is_no_file_is_refused_with_the_remedy(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=message):
        read_document(tmp_path / name)


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(RequestError, match="is larger than 4 MB"):
        read_document(path)
