"""The SPEC of a corpus: `folder:DIR`, `table:FILE`, `ravdess:DIR`, `hf:ID`, `demo:`, or a bare path or address.

Nothing here opens a corpus or imports what reads one, so a mistyped name is found at once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmark.corpora.conventions import convention_names
from benchmark.errors import RequestError
from benchmark.registry.loading import find_registry
from benchmark.registry.locations import is_address
from benchmark.registry.schema import CorpusEntry
from benchmark.settings import expanded

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".parquet"})
LISTED_PROTOCOLS = ("abfs", "az", "gs", "hf", "s3")
"""The kinds of addresses that a corpus may lie at: those whose folders can be listed."""
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
        location: A path, an address (`s3://bucket/speech`), or the name of a database or dataset; a part of the demo,
            empty for its labelled corpus.
    """

    kind: str
    location: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.location}"

    @property
    def is_remote(self) -> bool:
        """Whether it is a folder or table at an address."""
        return is_address(self.location)


def parse_spec(text: str) -> Spec:
    """Parse a SPEC: `folder:DIR`, `table:FILE`, `ravdess:DIR`, `hf:ID`, `demo:`, or a bare path or address.

    A bare folder that holds a `metadata.csv` is read as that table. A bare address is a table if it ends like one, else
    a folder.

    Raises:
        RequestError: The kind of corpus or address or the part of the demo is unknown, or a bare path does not exist.
    """
    if is_address(text):
        is_table = PurePosixPath(text).suffix.lower() in TABLE_SUFFIXES
        return _parse_kind(text, "table" if is_table else "folder", text)
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
    if is_address(location):
        _judge_address(text, kind, location)
    return Spec(kind, location)


def _judge_address(text: str, kind: str, address: str) -> None:
    """Refuse addresses of other kinds than those of tables' rows, and chains, which fsspec would follow."""
    known = ", ".join(f"{protocol}://" for protocol in LISTED_PROTOCOLS)
    protocol, _, rest = address.partition("://")
    if kind not in ("folder", "table"):
        remedy = "copy it to a folder, or write folder: or table:"
        raise RequestError(f"{text!r}: {kind}: reads no addresses; {remedy}.")
    if protocol not in LISTED_PROTOCOLS or "::" in address or not rest.strip("/"):
        raise RequestError(
            f"No corpus can lie at {address!r}: write {known} with a bucket and a path and without `::`, "
            "or copy it to a folder."
        )


def spec_of(text: str, entries: Mapping[str, CorpusEntry]) -> Spec:
    """Parse a SPEC; the error for a plain word names the corpora of the registry, too."""
    try:
        return parse_spec(text)
    except RequestError as error:
        if entries and ":" not in text:
            raise RequestError(f"{error} The registry's corpora are {', '.join(entries)}.") from error
        raise
