"""Read a YAML file as plain data that remembers its lines; whatever YAML can do beyond plain data is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from benchmark.errors import RequestError

MOST_BYTES = 4_000_000
MOST_LEVELS = 16
_FastestSafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """The content of a YAML file.

    Attributes:
        path: The file, as it was given.
        content: Mappings, lists, texts, numbers, truth values, dates and None.
        lines: The line of each mapping key and list item, by the keys and indices that lead to it.
        written: How each plain value is written in the file, by the same.
    """

    path: Path
    content: Any
    lines: dict[Place, int] = field(default_factory=dict)
    written: dict[Place, str] = field(default_factory=dict)

    def complaint(self, place: Place, message: str) -> RequestError:
        """An error that begins with the file and the line of the nearest known place around `place`."""
        return RequestError(f"{self.path}:{self.line(place)}: {message}")

    def line(self, place: Place) -> int:
        """The line of the nearest known place around `place`, counted from one."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_document(path: Path) -> Document:
    """Read a YAML file.

    Args:
        path: The file.

    Returns:
        Its content, with lines.

    Raises:
        RequestError: There is no such file; it is not UTF-8, too large or not YAML; it holds nothing; or it uses
            anchors, aliases, tags, several documents, doubled keys or keys that are not texts.
    """
    text = _text_of(path)
    try:
        _refuse_more_than_plain_data(path, text)
        root = yaml.compose(text, Loader=_FastestSafeLoader)
    except yaml.YAMLError as problem:
        raise _not_yaml(path, problem) from problem
    if root is None:
        raise RequestError(f"{path} is empty; begin it with 'version: 1' and a list of candidates")
    document = Document(path=path, content=None)
    content = _Builder(document).value_of(root, ())
    return Document(path, content, document.lines, document.written)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError as problem:
        raise RequestError(
            f"there is no file {path}; give one with --candidates FILE, or --candidates demo"
        ) from problem
    except IsADirectoryError as problem:
        raise RequestError(f"{path} is a folder; give the registry file itself, such as candidates.yaml") from problem
    except (OSError, ValueError) as problem:
        raise RequestError(f"{path} cannot be read ({problem}); check its name and permissions") from problem
    if len(raw) > MOST_BYTES:
        raise RequestError(
            f"{path} is larger than {MOST_BYTES // 1_000_000} MB; that is no registry, give another file"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        raise RequestError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from problem


def _refuse_more_than_plain_data(path: Path, text: str) -> None:
    """Walk the events, which costs no memory, before anything is built from them: aliases can blow up a small file."""
    level = documents = 0
    for event in yaml.parse(text, Loader=_FastestSafeLoader):
        line = _line_of(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise RequestError(f"{path}:{line}: YAML anchors and aliases (& and *) are not allowed; write it out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise RequestError(f"{path}:{line}: YAML tags (!) are not allowed; remove {tag!r}, or quote the text")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise RequestError(f"{path}:{line}: a second YAML document begins here; remove the line '---'")
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > MOST_LEVELS:
            raise RequestError(f"{path}:{line}: nested more than {MOST_LEVELS} levels deep; that is no registry")


def _line_of(piece: yaml.Event | yaml.Node) -> int:
    return 1 if piece.start_mark is None else int(piece.start_mark.line) + 1


def _not_yaml(path: Path, problem: yaml.YAMLError) -> RequestError:
    if isinstance(problem, yaml.MarkedYAMLError) and problem.problem_mark is not None:
        what, where = problem.problem or problem.context or "unreadable", f"{path}:{problem.problem_mark.line + 1}"
    else:
        what, where = " ".join(str(problem).split()), str(path)
    return RequestError(f"{where}: not YAML ({what}); check indentation, colons and quotes there")


class _Builder:
    """Builds plain data from nodes, and notes where each piece was."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._constructor = SafeConstructor()

    def value_of(self, node: yaml.Node, place: Place) -> Any:
        self._document.lines.setdefault(place, _line_of(node))
        if isinstance(node, yaml.MappingNode):
            return {key: self.value_of(value, (*place, key)) for key, value in self._items(node, place)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value_of(item, (*place, index)) for index, item in enumerate(node.value)]
        self._document.written[place] = str(node.value)
        return self._scalar(node, place)

    def _items(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, yaml.Node]]:
        first_lines: dict[str, int] = {}
        for key_node, value in node.value:
            line = _line_of(key_node)
            where = (*place, str(key_node.value))
            if key_node.tag != "tag:yaml.org,2002:str":
                self._document.lines[where] = line
                raise self._document.complaint(where, self._not_a_text_key(key_node))
            key = str(key_node.value)
            if key in first_lines:
                self._document.lines[where] = line
                raise self._document.complaint(
                    where, f"{key!r} is here a second time (first in line {first_lines[key]}); remove one of the two"
                )
            first_lines[key] = self._document.lines[where] = line
            yield key, value

    @staticmethod
    def _not_a_text_key(key_node: yaml.Node) -> str:
        if not isinstance(key_node, yaml.ScalarNode):
            return "a key must be a text, not a list or a mapping; check the colons and brackets"
        return f'YAML does not read the key {key_node.value} as text; quote it: "{key_node.value}"'

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError) as problem:
            raise self._document.complaint(
                place, f'{node.value!r} cannot be read as YAML reads it; quote it: "{node.value}"'
            ) from problem
