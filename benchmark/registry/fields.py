"""The kinds of text that the fields of a registry hold, each with its own check."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

from benchmark.emotions.aliases import resolve_emotion
from benchmark.emotions.merges import Merges
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError

COLUMN_ROLES = (
    *("file", "label", "speaker", "sex", "language", "text_id", "intensity"),
    *("start", "stop", "duration", "rater"),
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CORPUS_NAME = re.compile(r"\w[\w.-]*")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("it is empty; write something, or remove the field")
    if any(unicodedata.category(character) == "Cc" for character in line):
        raise ValueError("it holds control characters; remove them")
    return line


def _language(text: str) -> str:
    if _LANGUAGE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a language code; write the ISO 639 code, such as en or ko")
    return text


def _emotion(text: str) -> str:
    try:
        return resolve_emotion(text)
    except RequestError as problem:
        raise ValueError(str(problem)) from problem


def _merges(merges: dict[str, str]) -> dict[str, str]:
    try:
        return Merges(merges).as_dict()
    except RequestError as problem:
        raise ValueError(str(problem)) from problem


def _some_speakers(speakers: tuple[str, ...]) -> tuple[str, ...]:
    # Not pydantic's min_length: that also complains where the only item is what is wrong.
    if not speakers:
        raise ValueError("the list is empty; name the speakers to take, or remove it to take all")
    return speakers


def _some_languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    if not languages:
        raise ValueError("the list is empty; name the languages to take, or remove it to take all")
    return languages


def _some_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    if not labels:
        raise ValueError("the list is empty; name the labels to take, or remove it to take all")
    return labels


def _column_role(role: str) -> str:
    if role not in COLUMN_ROLES:
        hint = did_you_mean(role, COLUMN_ROLES) or f"; the columns are {', '.join(COLUMN_ROLES)}"
        raise ValueError(f"unknown column {role!r}{hint}")
    return role


def _corpus_name(name: str) -> str:
    if _CORPUS_NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} cannot name a corpus; use letters, digits, -, _ and . only")
    return name


Line = Annotated[str, AfterValidator(_one_line)]
"""One line of text without control characters, not empty."""
CorpusWord = Annotated[Line, AfterValidator(str.casefold)]
"""The plain lower-case name of a corpus."""
Language = Annotated[str, AfterValidator(_language)]
"""An ISO 639 code, which a region may follow."""
Emotion = Annotated[str, AfterValidator(_emotion)]
"""A canonical class, written as such or as any alias."""
MergeTable = Annotated[dict[str, str], AfterValidator(_merges)]
"""Class → the class it becomes in the end, canonical on both sides."""
Speakers = Annotated[tuple[str, ...], AfterValidator(_some_speakers)]
"""The only speakers to take, as the corpus writes them."""
Languages = Annotated[tuple[Language, ...], AfterValidator(_some_languages)]
"""The only languages to take."""
OnlyLabels = Annotated[tuple[str, ...], AfterValidator(_some_labels)]
"""The only labels to take, as the corpus writes them, or emotions."""
ColumnRole = Annotated[str, AfterValidator(_column_role)]
"""What a column of a table holds."""
CorpusName = Annotated[str, AfterValidator(_corpus_name)]
"""What tables and the command line call a corpus."""
