"""The SPEC of a corpus: `folder:DIR`, `table:FILE`, `ravdess:DIR`, `hf:ID`, `demo:`, or a bare path.

Nothing here opens a corpus or imports what reads one, so a mistyped name is found at once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.corpora.conventions import convention_names
from benchmark.errors import RequestError
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import CorpusEntry
from benchmark.settings import expanded

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".parquet"})
EXAMPLE = "for example `--corpus folder:my-recordings` or `--corpus table:clips.csv`"
# What may stand after `demo:`; nothing stands for the labelled corpus.
_DEMO_PARTS = ("", "unlabelled", "long")


def require_corpora(names: Sequence[str], candidates: str | Path | None) -> None:
    """Refuse names that are neither corpora of the registry nor SPECs, before what reads corpora is imported.

    Raises:
        RequestError: One is neither, or the registry is wrong.
    """
    entries = find_registry(candidates).corpora
    for name in names:
        if name not in entries:
            spec_of(name, entries)


def corpus_kinds() -> tuple[str, ...]:
    """Name all kinds of SPEC, with those that installed packages add."""
    return ("folder", "table", *convention_names(), "emobox", "audb", "hf", "demo")


@dataclass(frozen=True)
class Spec:
    """Where a corpus comes from.

    Attributes:
        kind: `folder`, `table`, a convention such as `ravdess`, `emobox`, `audb`, `hf` or `demo`.
        location: A path, or the name of a database or dataset; a part of the demo, empty for its labelled corpus.
    """

    kind: str
    location: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.location}"


def parse_spec(text: str) -> Spec:
    """Parse a SPEC: `folder:DIR`, `table:FILE`, `ravdess:DIR`, `hf:ID`, `demo:`, or a bare path.

    A bare folder that holds a `metadata.csv` is read as that table.

    Raises:
        RequestError: The kind or the part of the demo is unknown, or a bare path does not exist.
    """
    # A single letter before the colon is a Windows drive.
    match = re.match(r"([A-Za-z][A-Za-z0-9_-]+):(.*)", text, flags=re.DOTALL)
    if match:
        return _parse_kind(text, *match.groups())
    if not text.strip():
        raise RequestError(f"The corpus has no name; write {EXAMPLE}.")
    path = expanded(text)
    if path.is_dir():
        table = path / "metadata.csv"
        return Spec("table", str(table)) if table.is_file() else Spec("folder", text)
    if not path.is_file():
        raise RequestError(f"There is no corpus and no path {text!r}; write {EXAMPLE}.")
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise RequestError(f"{text} is neither a folder nor a table; write {EXAMPLE}.")
    return Spec("table", text)


def _parse_kind(text: str, kind: str, location: str) -> Spec:
    if kind not in corpus_kinds():
        known = ", ".join(f"{known}:" for known in corpus_kinds())
        raise RequestError(f"Unknown kind of corpus {kind!r} in {text!r}: known are {known} and bare paths.")
    if kind == "demo" and location not in _DEMO_PARTS:
        *others, last = (f"demo:{known}" for known in _DEMO_PARTS)
        raise RequestError(f"The demo has no part {location!r}; write {', '.join(others)} or {last}.")
    if kind != "demo" and not location:
        raise RequestError(f"{text!r} names no path; write {EXAMPLE}.")
    return Spec(kind, location)


def spec_of(text: str, entries: Mapping[str, CorpusEntry]) -> Spec:
    """Parse a SPEC; the error for a plain word names the corpora of the registry, too."""
    try:
        return parse_spec(text)
    except RequestError as error:
        if entries and ":" not in text:
            raise RequestError(f"{error} The registry's corpora are {', '.join(entries)}.") from error
        raise
