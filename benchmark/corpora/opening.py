"""From what a user names, a SPEC or a corpus of the registry, to a corpus."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.audio.waveform import Waveform
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.folder import read_folder
from benchmark.corpora.table import TABLE_SUFFIXES, read_table
from benchmark.demo.corpus import demo_clips
from benchmark.errors import RequestError
from benchmark.registry.schema import CorpusEntry, Registry

KINDS = ("folder", "table", "demo")
_EXAMPLE = "for example `--corpus folder:my-recordings` or `--corpus table:clips.csv`"


@dataclass(frozen=True)
class Spec:
    """Where a corpus comes from.

    Attributes:
        kind: `folder`, `table` or `demo`.
        location: A path; empty for the demo.

    Examples:
        >>> str(Spec("folder", "calls/2026"))
        'folder:calls/2026'
    """

    kind: str
    location: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.location}"


def parse_spec(text: str) -> Spec:
    """Take a SPEC apart: `folder:DIR`, `table:FILE`, `demo:`, or a bare path, which is what it is.

    A bare folder that holds a `metadata.csv` is read as that table.

    Raises:
        RequestError: The kind is unknown, or a bare path does not exist.
    """
    # A single letter before the colon is a Windows drive.
    match = re.match(r"([A-Za-z][A-Za-z0-9_-]+):(.*)", text, flags=re.DOTALL)
    if match:
        kind, location = match.groups()
        if kind not in KINDS:
            known = ", ".join(f"{known}:" for known in KINDS)
            raise RequestError(f"Unknown kind of corpus {kind!r} in {text!r}: known are {known} and bare paths.")
        if kind != "demo" and not location:
            raise RequestError(f"{text!r} names no path; write {_EXAMPLE}.")
        return Spec(kind, "" if kind == "demo" else location)
    path = Path(text).expanduser()
    if not text.strip():
        raise RequestError(f"The corpus has no name; write {_EXAMPLE}.")
    if path.is_dir():
        table = path / "metadata.csv"
        return Spec("table", str(table)) if table.is_file() else Spec("folder", text)
    if path.is_file():
        if path.suffix.lower() in TABLE_SUFFIXES:
            return Spec("table", text)
        raise RequestError(f"{text} is neither a folder nor a table; write {_EXAMPLE}.")
    raise RequestError(f"There is no corpus and no path {text!r}; write {_EXAMPLE}.")


def open_corpora(wanted: Sequence[str], registry: Registry, *, limit: int | None = None) -> tuple[Corpus, ...]:
    """Open the corpora that a user asks for, by name or SPEC; without any, those of the registry.

    Raises:
        RequestError: There are none, one cannot be opened, or one is empty.
    """
    entries = registry.corpora
    if not wanted and not entries:
        raise RequestError(f"There is no audio to run on: give a corpus, {_EXAMPLE}.")
    corpora = tuple(
        _open_entry(name, entries[name], registry.folder) if name in entries else _open_spec(name, entries)
        for name in dict.fromkeys(wanted or entries)
    )
    names = [corpus.name for corpus in corpora]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise RequestError(
            f"Two corpora are called {sorted(doubled)[0]!r}: give them names of their own under `corpora:` "
            "in the registry, or run them one at a time."
        )
    return tuple(corpus.limited(limit) for corpus in corpora)


def _open_entry(name: str, entry: CorpusEntry, folder: Path) -> Corpus:
    spec = parse_spec(entry.resolved_source(folder))
    corpus = _read(name, spec, entry.columns, entry.labels)
    clips = corpus.clips
    if entry.speakers is not None:
        present = {clip.speaker for clip in clips}
        if unknown := [speaker for speaker in entry.speakers if speaker not in present]:
            known = ", ".join(sorted(speaker for speaker in present if speaker is not None)) or "no speakers at all"
            raise RequestError(f"The corpus {name!r} has no speaker {unknown[0]!r}; it has {known}.")
        clips = tuple(clip for clip in clips if clip.speaker in entry.speakers)
    clips = tuple(replace(clip, language=clip.language or entry.language) for clip in clips)
    return replace(
        corpus, clips=clips, available_clips=len(clips), labels=dict(entry.labels), merge=entry.merges.as_dict()
    )


def _open_spec(text: str, entries: Mapping[str, CorpusEntry]) -> Corpus:
    try:
        spec = parse_spec(text)
    except RequestError as error:
        if entries and ":" not in text:
            raise RequestError(f"{error} The registry's corpora are {', '.join(entries)}.") from error
        raise
    return _read(_name_of(spec), spec, {}, {})


def _name_of(spec: Spec) -> str:
    path = Path(spec.location).expanduser().resolve()
    if spec.kind == "demo":
        return "demo"
    if spec.kind == "table":
        return path.parent.name if path.stem == "metadata" else path.stem
    return path.name or spec.location


def _read(name: str, spec: Spec, columns: Mapping[str, str], labels: Mapping[str, str]) -> Corpus:
    notes: tuple[str, ...] = ()
    if spec.kind == "demo":
        clips = _demo()
    elif spec.kind == "table":
        clips = read_table(Path(spec.location).expanduser(), columns=columns)
    else:
        contents = read_folder(Path(spec.location).expanduser(), labels=labels)
        clips, notes = contents.clips, contents.notes
    return Corpus(
        name=name,
        source=str(spec),
        clips=clips,
        available_clips=len(clips),
        synthetic=spec.kind == "demo",
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Generated:
    """Audio that a program made."""

    audio: Waveform

    def waveform(self) -> Waveform:
        return self.audio


def _demo() -> tuple[Clip, ...]:
    return tuple(
        Clip(
            name=clip.name,
            audio=_Generated(clip.waveform),
            label=clip.emotion,
            speaker=clip.speaker,
            sex=clip.sex,
        )
        for clip in demo_clips()
    )
