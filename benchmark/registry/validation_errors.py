"""Turn pydantic's errors about a registry into one line: file, line, what is wrong, and the fix."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from benchmark.errors import RequestError, did_you_mean
from benchmark.registry.schema import Candidate, CorpusEntry, Head, Preprocessor, Published, RegistryFile
from benchmark.registry.yaml_documents import Document, KeyPath, shortened
from benchmark.results.status import Status

_MAX_MESSAGE = 400  # characters
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


def first_error(document: Document, errors: ValidationError) -> RequestError:
    """The error that stands first in the file, and how many more there are."""
    # In one line, a misspelt field comes before the field that is missing because of it.
    details = sorted(
        errors.errors(), key=lambda detail: (document.line(_keys(detail)), detail["type"] != "extra_forbidden")
    )
    first = _keys(details[0])
    more = {_keys(detail) for detail in details[1:]} - {first}
    return document.error(first, _message(document, details[0]) + (f" (and {len(more)} more)" if more else ""))


def _keys(detail: ErrorDetails) -> KeyPath:
    keys = tuple(part for part in detail["loc"] if part != "[key]")
    # A union of two kinds of number adds their names.
    return keys[:-1] if keys and keys[-1] in {"float", "int"} else keys


def _message(document: Document, detail: ErrorDetails) -> str:
    keys, kind, value = _keys(detail), detail["type"], detail["input"]
    owner = _owner(document.content, keys)
    field_of_owner = f"{_field(keys)} of {owner}"
    must_be = f"{field_of_owner} must be {_EXPECTED.get(kind)}, not {_show(value)}"
    match kind:
        case "extra_forbidden":
            fields = _model_at(keys).model_fields
            required_first = sorted(fields, key=lambda name: not fields[name].is_required())
            hint = did_you_mean(str(keys[-1]), required_first, otherwise="the fields are")
            message = f"unknown field {keys[-1]!r} of {owner}{hint}"
        case "missing":
            message = f"{owner} has no {keys[-1]!r}; add it"
        case "value_error":
            message = f"{field_of_owner}: {_shorten(str(detail['ctx']['error']))}"
        case "enum" if keys[-1:] == ("expect",):
            hint = did_you_mean(str(value), [status.value for status in Status], otherwise="the words are")
            message = f"unknown status {_show(value)} of {owner}{hint}"
        case "enum":
            message = f"{field_of_owner} is {_show(value)}, and must be {detail['ctx']['expected']}"
        case "string_type" if value is None and document.written.get(keys, "") == "":
            message = f"{field_of_owner} is empty; write something, or remove it"
        case "string_type" if keys in document.written:  # what YAML reads as something else, such as 01 or no
            message = f'{must_be}; quote it: "{document.written[keys]}"'
        case "tuple_type" if keys == ("candidates",):
            message = f"{field_of_owner} must be a list; begin each with '- id: organisation/name'"
        case _ if kind in _EXPECTED:
            message = must_be
        case _:
            message = f"{field_of_owner} is {_show(value)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return message


def _field(keys: KeyPath) -> str:
    names = [str(key) for key in keys if not isinstance(key, int)]
    match names:
        case ["candidates"] | ["corpora"] if len(keys) == 1:
            return names[0]
        case ["candidates", *names]:
            pass
        case ["corpora", _, *names]:
            pass
    return " → ".join(names) or "the entry"


def _owner(content: Any, keys: KeyPath) -> str:
    match keys:
        case ("candidates", int(index), *_):
            entry = content["candidates"][index]
            known = entry.get("id") if isinstance(entry, dict) else None
            return f"candidate {_show(known)}" if isinstance(known, str) else f"candidate number {index + 1}"
        case ("corpora", str(name), *_):
            return f"corpus {name!r}"
        case _:
            return "the registry"


def _model_at(keys: KeyPath) -> type[BaseModel]:
    match keys:
        case (_, _, str(part), _):
            return _PARTS[part]
        case ("candidates", _, _):
            return Candidate
        case ("corpora", _, _):
            return CorpusEntry
        case _:
            return RegistryFile


def _show(value: object) -> str:
    return shortened(repr(value))


def _shorten(message: str) -> str:
    """Leave out the middle of what somebody has pasted; the fix is at the end."""
    half = _MAX_MESSAGE // 2
    return message if len(message) <= _MAX_MESSAGE else f"{message[:half]} … {message[-half:]}"
