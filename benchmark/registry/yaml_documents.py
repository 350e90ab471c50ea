"""Read a YAML file as plain data that remembers its lines; whatever YAML can do beyond plain data is refused.

ruamel.yaml keeps lines as well, but not how a plain value is written (`no`, `01`), which the messages quote.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from benchmark.errors import RequestError

MOST_BYTES = 4_000_000
MOST_LEVELS = 16
_MOST_BITS = 64  # Python refuses to write numbers of thousands of digits
_MOST_SHOWN = 80
_FastestSafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
KeyPath = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


@dataclass
class Document:
    """The content of a YAML file.

    Attributes:
        content: Mappings, lists, texts, numbers, truth values, dates and None.
        lines: The line of each mapping key and list item.
        written: How each plain value is written in the file.
    """

    path: Path
    content: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    written: dict[KeyPath, str] = field(default_factory=dict)

    def error(self, keys: KeyPath, message: str) -> RequestError:
        """An error that begins with the file and `line(keys)`."""
        return RequestError(f"{self.path}:{self.line(keys)}: {message}")

    def line(self, keys: KeyPath) -> int:
        """The line of a value, or of the nearest known one around it; counted from one."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)


def read_document(path: Path) -> Document:
    """Read a YAML file, with the lines of its values.

    Raises:
        RequestError: There is no such file; it is not UTF-8, too large or not YAML; it holds nothing; or it uses
            anchors, aliases, tags, several documents, doubled keys or keys that are not texts.
    """
    text = _read_text(path)
    try:
        _refuse_more_than_plain_data(path, text)
        root = yaml.compose(text, Loader=_FastestSafeLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from error
    if root is None:
        raise RequestError(f"{path} is empty; begin it with 'version: 1' and a list of candidates")
    document = Document(path)
    document.content = _value(document, root, ())
    return document


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise RequestError(f"there is no file {path}; give one with --candidates FILE, or --candidates demo") from error
    except IsADirectoryError as error:
        raise RequestError(f"{path} is a folder; give the registry file itself, such as candidates.yaml") from error
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read ({error}); check its name and permissions") from error
    if len(raw) > MOST_BYTES:
        raise RequestError(
            f"{path} is larger than {MOST_BYTES // 1_000_000} MB; that is no registry, give another file"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise RequestError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from error


def _refuse_more_than_plain_data(path: Path, text: str) -> None:
    """Walk the events, which costs no memory, before anything is built from them: aliases can blow up a small file."""
    level = documents = 0
    for event in yaml.parse(text, Loader=_FastestSafeLoader):
        tag = getattr(event, "tag", None)
        documents += isinstance(event, yaml.DocumentStartEvent)
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        problem = None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            problem = "YAML anchors and aliases (& and *) are not allowed; write it out"
        elif tag is not None:
            problem = f"YAML tags (!) are not allowed; remove {tag!r}, or quote the text"
        elif documents > 1:
            problem = "a second YAML document begins here; remove the line '---'"
        elif level > MOST_LEVELS:
            problem = f"nested more than {MOST_LEVELS} levels deep; that is no registry"
        if problem is not None:
            raise RequestError(f"{path}:{_line(event)}: {problem}")


def _not_yaml(path: Path, error: yaml.YAMLError) -> RequestError:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what, where = error.problem or error.context or "unreadable", f"{path}:{error.problem_mark.line + 1}"
    else:
        what, where = " ".join(str(error).split()), str(path)
    return RequestError(f"{where}: not YAML ({what}); check indentation, colons and quotes there")


def _value(document: Document, node: yaml.Node, keys: KeyPath) -> Any:
    """Build plain data from a node, and record the lines."""
    document.lines.setdefault(keys, _line(node))
    if isinstance(node, yaml.MappingNode):
        return {key: _value(document, value, (*keys, key)) for key, value in _items(document, node, keys)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(document, item, (*keys, index)) for index, item in enumerate(node.value)]
    document.written[keys] = str(node.value)
    try:
        value = SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        shown = shortened(str(node.value))
        message = f'{shown!r} cannot be read as YAML reads it; quote it: "{shown}"'
        raise document.error(keys, message) from error
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise document.error(keys, f"the number {shortened(str(node.value))} is too large; give a smaller one")
    return value


def shortened(text: str) -> str:
    """The beginning of a text that a message quotes."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _items(document: Document, node: yaml.MappingNode, keys: KeyPath) -> Iterator[tuple[str, yaml.Node]]:
    first_lines: dict[str, int] = {}
    for key_node, value in node.value:
        key, line = str(key_node.value), _line(key_node)
        document.lines[*keys, key] = line
        if not isinstance(key_node, yaml.ScalarNode):
            message = "a key must be a text, not a list or a mapping; check the colons and brackets"
        elif key_node.tag != "tag:yaml.org,2002:str":
            message = f'YAML does not read the key {key} as text; quote it: "{key}"'
        elif key in first_lines:
            message = f"{key!r} is here a second time (first in line {first_lines[key]}); remove one of the two"
        else:
            first_lines[key] = line
            yield key, value
            continue
        raise document.error((*keys, key), message)


def _line(piece: yaml.Event | yaml.Node) -> int:
    return 1 if piece.start_mark is None else int(piece.start_mark.line) + 1
