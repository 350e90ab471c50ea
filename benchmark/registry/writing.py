"""Write registries: from discovered candidates, and as templates for labels without a meaning."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from benchmark.emotions.classes import vocabulary
from benchmark.errors import RequestError
from benchmark.registry.locations import is_hub_id
from benchmark.registry.schema import VERSION, CorpusWord, Language, Line
from benchmark.results.files import write_atomically
from benchmark.results.status import Status

_LANGUAGE: TypeAdapter[str] = TypeAdapter(Language)
_CORPUS: TypeAdapter[str] = TypeAdapter(CorpusWord)
_LINE: TypeAdapter[str] = TypeAdapter(Line)
_WIDTH = 101  # with the comma at the end of a line
_TEMPLATE_HEAD = """\
# What do these labels mean? Write a class, or any other name of one, after each colon; remove the lines of labels that
# are no emotion. Then move the entries into your registry, or use this file as one: bench run --candidates THIS-FILE
# The classes are {classes}.
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A candidate of the Hub to write; what a registry could not hold is left out.

    Attributes:
        languages: As the model card declares them.
        datasets: Training data as the model card declares it: ids of datasets, or names.
    """

    id: str
    revision: str
    expect: Status | None = None
    languages: Sequence[str] = ()
    datasets: Sequence[str] = ()
    note: str | None = None


@dataclass(frozen=True)
class UnmappedLabels:
    """The labels of one model or corpus that map to nothing.

    Attributes:
        source: The id of the candidate, or the source of the corpus.
        name: What the registry calls the corpus; unused for a candidate.
        labels: Label → a remark for the person who fills them in.
    """

    source: str
    name: str
    labels: Mapping[str, str]


def write_registry(path: Path, entries: Iterable[Entry], *, comment: str, force: bool = False) -> Path:
    """Write a registry file that `load_registry` reads.

    Args:
        path: The file.
        entries: The candidates; what is no Hub id is left out.
        comment: One line above them.
        force: Replace an existing file.

    Raises:
        RequestError: There are no entries, there is such a file already, or it cannot be written.
        UnavailableError: The disk is full.
    """
    if path.exists() and not force:
        raise RequestError(f"{path} is there already; choose another name, or replace it with --force")
    candidates = [_fields(entry) for entry in entries if is_hub_id(entry.id)]
    if not candidates:
        raise RequestError("there is nothing to write: no candidate was found that could be used")
    document = {"version": VERSION, "candidates": candidates}
    body = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1_000)
    line = "".join(character if character.isprintable() else "?" for character in " ".join(comment.split()))
    return write_atomically(path, f"# {line}\n{body}", remedy="choose another place with --write")


def corpus_word(dataset: str) -> str | None:
    """The plain name of a corpus from the id of a dataset; None if it has none.

    Examples:
        >>> corpus_word("AbstractTTS/RAVDESS"), corpus_word("  ")
        ('ravdess', None)
    """
    return _valid(_CORPUS, dataset.rpartition("/")[2])


def edit_template(candidates: Sequence[UnmappedLabels], corpora: Sequence[UnmappedLabels]) -> str:
    """A registry in which a person fills in the meaning of every unmapped label.

    Examples:
        >>> unmapped = UnmappedLabels("org/model", "model", {"x1": "output 0"})
        >>> print(edit_template([unmapped], []).partition("version")[2])
        : 1
        candidates:
          - id: "org/model"
            labels:
              "x1":  # output 0
        <BLANKLINE>
    """
    lines = [f"version: {VERSION}", "candidates:" if candidates else "candidates: []"]
    for entry in candidates:
        lines += [f"  - id: {_quoted(entry.source)}", *_empty_labels(entry)]
    if corpora:
        lines.append("corpora:")
    for entry in corpora:
        lines += [f"  {_quoted(entry.name)}:", f"    source: {_quoted(entry.source)}", *_empty_labels(entry)]
    classes = "\n#   ".join(textwrap.wrap(", ".join(vocabulary()), _WIDTH, break_on_hyphens=False))
    return _TEMPLATE_HEAD.format(classes=classes) + "\n".join(lines) + "\n"


def _fields(entry: Entry) -> dict[str, Any]:
    languages = [_valid(_LANGUAGE, language) for language in entry.languages]
    corpora = [corpus_word(dataset) for dataset in entry.datasets]
    fields = {
        "id": entry.id,
        "revision": entry.revision,
        "expect": None if entry.expect is None else entry.expect.value,
        "languages": list(dict.fromkeys(filter(None, languages))),
        "trained_on": list(dict.fromkeys(filter(None, corpora))),
        "note": None if entry.note is None else _valid(_LINE, entry.note),
    }
    return {name: value for name, value in fields.items() if value}


def _valid(kind: TypeAdapter[str], text: str) -> str | None:
    try:
        return kind.validate_python(text)
    except ValidationError:
        return None


def _empty_labels(entry: UnmappedLabels) -> list[str]:
    return ["    labels:", *(f"      {_quoted(label)}:  # {remark}" for label, remark in entry.labels.items())]


def _quoted(text: str) -> str:
    # YAML's own writer escapes what would break a line or cannot be seen.
    written: str = yaml.dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return written.rstrip("\n")
