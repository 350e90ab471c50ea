"""Turn what pydantic says about a registry into one line that a person can act on."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.registry.documents import Document, Place
from benchmark.registry.schema import Candidate, CorpusEntry, Head, Preprocessor, Published, RegistryFile
from benchmark.results.status import Status

MOST_CHARACTERS_SHOWN = 80
MOST_CHARACTERS_OF_MESSAGE = 400
_PARTS: dict[str, type[BaseModel]] = {"head": Head, "preprocessor": Preprocessor, "published": Published}
_EXPECTED = {
    "string_type": "a text",
    "tuple_type": "a list in brackets, such as [en]",
    "dict_type": "a mapping, such as {LABEL_0: neutral}",
    "model_type": "a mapping of fields",
    "model_attributes_type": "a mapping of fields",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


def first_complaint(document: Document, problem: ValidationError) -> RequestError:
    """The complaint that stands first in the file, and how many more there are.

    Args:
        document: The registry file.
        problem: What pydantic found in its content.

    Returns:
        One line: file, line, what is wrong, and the fix.
    """
    # In one line, a misspelt field comes before the field that is missing because of it.
    details = sorted(
        problem.errors(),
        key=lambda detail: (document.line(_place_of(detail)), detail["type"] != "extra_forbidden"),
    )
    more = {_place_of(detail) for detail in details[1:]} - {_place_of(details[0])}
    message = _message(document, details[0])
    end = f" (and {len(more)} more)" if more else ""
    return document.complaint(_place_of(details[0]), message + end)


def _place_of(detail: ErrorDetails) -> Place:
    place = tuple(part for part in detail["loc"] if part != "[key]")
    # A union of two kinds of number adds their names.
    return place[:-1] if place and place[-1] in {"float", "int"} else place


def _message(document: Document, detail: ErrorDetails) -> str:
    place, kind, value = _place_of(detail), detail["type"], detail["input"]
    what, owner = _what(place), _owner(document.content, place)
    match kind:
        case "extra_forbidden":
            message = f"unknown field {place[-1]!r} of {owner}{_near(str(place[-1]), 'fields', _fields_at(place))}"
        case "missing":
            message = f"{owner} has no {place[-1]!r}; add it"
        case "value_error":
            message = f"{what} of {owner}: {_cut(str(detail['ctx']['error']))}"
        case "enum" if place[-1:] == ("expect",):
            near = _near(str(value), "words", [status.value for status in Status])
            message = f"unknown status {_shown(value)} of {owner}{near}"
        case "enum":
            message = f"{what} of {owner} is {_shown(value)}, and must be {detail['ctx']['expected']}"
        case "string_type" if value is None and document.written.get(place, "") == "":
            message = f"{what} of {owner} is empty; write something, or remove it"
        case "tuple_type" if place == ("candidates",):
            message = f"{what} of {owner} must be a list; begin each with '- id: organisation/name'"
        case _ if kind in _EXPECTED:
            message = f"{what} of {owner} must be {_EXPECTED[kind]}, not {_shown(value)}"
            message += _quoting_hint(document, place, kind)
        case _:
            message = f"{what} of {owner} is {_shown(value)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return message


def _near(word: str, kind: str, choices: Iterable[str]) -> str:
    known = list(choices)
    return did_you_mean(word, known) or f"; the {kind} are {', '.join(known)}"


def _quoting_hint(document: Document, place: Place, kind: str) -> str:
    """A text that YAML reads as something else, such as 01 or no, is to be quoted as it is written."""
    if kind != "string_type" or place not in document.written:
        return ""
    return f'; quote it: "{document.written[place]}"'


def _what(place: Place) -> str:
    fields = [str(part) for part in place if not isinstance(part, int)]
    match fields:
        case ["candidates"] | ["corpora"] | []:
            return fields[0] if fields and len(place) == 1 else "the entry"
        case ["candidates", *names]:
            return " → ".join(names)
        case ["corpora", _, *names]:
            return " → ".join(names) or "the entry"
        case _:
            return " → ".join(fields)


def _owner(content: Any, place: Place) -> str:
    match place:
        case ("candidates", int(index), *_):
            entry = content["candidates"][index]
            known = entry.get("id") if isinstance(entry, dict) else None
            return f"candidate {_shown(known)}" if isinstance(known, str) else f"candidate number {index + 1}"
        case ("corpora", str(name), *_):
            return f"corpus {name!r}"
        case _:
            return "the registry"


def _fields_at(place: Place) -> Iterable[str]:
    return _model_at(place).model_fields


def _model_at(place: Place) -> type[BaseModel]:
    match place:
        case (_, _, str(part), _):
            return _PARTS[part]
        case ("candidates", _, _):
            return Candidate
        case ("corpora", _, _):
            return CorpusEntry
        case _:
            return RegistryFile


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS_SHOWN else f"{text[:MOST_CHARACTERS_SHOWN]}…"


def _cut(message: str) -> str:
    """Leave out the middle of what somebody has pasted; the fix is at the end."""
    if len(message) <= MOST_CHARACTERS_OF_MESSAGE:
        return message
    half = MOST_CHARACTERS_OF_MESSAGE // 2
    return f"{message[:half]} … {message[-half:]}"
