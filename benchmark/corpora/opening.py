"""From what a user names, a SPEC or a corpus of the registry, to a corpus."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.clips import Clip, Corpus, heard_on, storable
from benchmark.corpora.conventions import convention, convention_names
from benchmark.corpora.datasets import read_dataset
from benchmark.corpora.filters import Filters
from benchmark.corpora.folder import read_folder
from benchmark.corpora.streaming import parse_dataset
from benchmark.corpora.table import TABLE_SUFFIXES, read_table
from benchmark.demo.files import demo_clips
from benchmark.errors import BenchError, RequestError
from benchmark.progress import Progress, Silent
from benchmark.registry.schema import CorpusEntry, Registry
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.settings import Settings, expanded

DEMO_PARTS = ("", "unlabelled", "long")
"""What may stand after `demo:`; nothing stands for the labelled corpus."""


def check_part(part: str) -> str:
    """Hold that the demo has such a part.

    Args:
        part: What stands after `demo:` in a SPEC.

    Returns:
        The same.

    Raises:
        RequestError: It has none.
    """
    if part not in DEMO_PARTS:
        *others, last = (f"demo:{known}" for known in DEMO_PARTS)
        raise RequestError(f"The demo has no part {part!r}; write {', '.join(others)} or {last}.")
    return part


def demo_corpus(part: str) -> tuple[Clip, ...]:
    """List the clips of a part of the demo.

    Args:
        part: Empty for the labelled corpus; `unlabelled` or `long`.

    Returns:
        The clips, not yet decoded.

    Raises:
        RequestError: The demo has no such part.
    """
    return tuple(
        Clip(
            name=clip.name,
            audio=clip,
            label=clip.emotion,
            speaker=clip.speaker,
            sex=clip.sex,
            text_id=clip.text_id,
        )
        for clip in demo_clips(check_part(part) or "labelled")
    )


_EXAMPLE = "for example `--corpus folder:my-recordings` or `--corpus table:clips.csv`"


def corpus_kinds() -> tuple[str, ...]:
    """Name all kinds of SPEC, those that installed packages add as well."""
    return ("folder", "table", *convention_names(), "hf", "demo")


@dataclass(frozen=True)
class Spec:
    """Where a corpus comes from.

    Attributes:
        kind: `folder`, `table`, a convention such as `ravdess`, `hf` or `demo`.
        location: A path, or the id of a dataset; a part of the demo, empty for its labelled corpus.

    Examples:
        >>> str(Spec("folder", "calls/2026"))
        'folder:calls/2026'
    """

    kind: str
    location: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.location}"


def parse_spec(text: str) -> Spec:
    """Take a SPEC apart: `folder:DIR`, `table:FILE`, `ravdess:DIR`, `hf:ID`, `demo:`, or a bare path, as what it is.

    The demo has the parts `demo:`, `demo:unlabelled` and `demo:long`. A bare folder that holds a `metadata.csv` is read
    as that table.

    Raises:
        RequestError: The kind or the part of the demo is unknown, or a bare path does not exist.
    """
    # A single letter before the colon is a Windows drive.
    match = re.match(r"([A-Za-z][A-Za-z0-9_-]+):(.*)", text, flags=re.DOTALL)
    if match:
        kind, location = match.groups()
        if kind not in corpus_kinds():
            known = ", ".join(f"{known}:" for known in corpus_kinds())
            raise RequestError(f"Unknown kind of corpus {kind!r} in {text!r}: known are {known} and bare paths.")
        if kind == "demo":
            return Spec(kind, check_part(location))
        if not location:
            raise RequestError(f"{text!r} names no path; write {_EXAMPLE}.")
        return Spec(kind, location)
    path = expanded(text)
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


def open_corpora(
    wanted: Sequence[str],
    registry: Registry,
    *,
    limit: int | None = None,
    filters: Filters | None = None,
    channel: ChannelChoice | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> tuple[Corpus, ...]:
    """Open the corpora that a user asks for, by name or SPEC; without any, those of the registry.

    Args:
        wanted: Names of the registry's corpora, or SPECs.
        registry: Where names are looked up.
        limit: Clips per corpus at most, the labels in turn.
        filters: What is wanted of each corpus, beside what the registry says of it.
        channel: What of recordings with several channels is heard; None as the registry says, else their mean.
        settings: Where datasets of the Hub are kept.
        progress: Who wants to hear how far they are.

    Returns:
        The corpora, in the order asked for.

    Raises:
        RequestError: There are none, one cannot be opened, or one is empty.
        UnavailableError: The Hub cannot be reached, or the disk is full.
    """
    entries = registry.corpora
    if not wanted and not entries:
        raise RequestError(f"There is no audio to run on: give a corpus, {_EXAMPLE}.")
    reader = _Reader(settings or Settings(), progress or Silent(), channel)
    corpora = tuple(
        _open_entry(name, entries[name], registry.folder, reader)
        if name in entries
        else _open_spec(name, entries, reader)
        for name in dict.fromkeys(wanted or entries)
    )
    names = [corpus.name for corpus in corpora]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise RequestError(
            f"Two corpora are called {sorted(doubled)[0]!r}: give them names of their own under `corpora:` "
            "in the registry, or run them one at a time."
        )
    filters = filters or Filters()
    return tuple(filters.apply(corpus).limited(limit) for corpus in corpora)


def _open_entry(name: str, entry: CorpusEntry, folder: Path, reader: "_Reader") -> Corpus:
    spec = parse_spec(entry.resolved_source(folder))
    corpus = reader.read(name, spec, entry.columns, entry.labels)
    corpus = reader.heard(corpus, entry.channel)
    corpus = replace(
        corpus,
        clips=tuple(replace(clip, language=clip.language or entry.language) for clip in corpus.clips),
        labels={**corpus.labels, **entry.labels},
        merge=entry.merges.as_dict(),
    )
    return Filters(
        speakers=entry.speakers or (),
        languages=entry.languages or (),
        only_labels=entry.only_labels or (),
        sample=entry.sample,
        seed=entry.seed,
    ).apply(corpus)


def _open_spec(text: str, entries: Mapping[str, CorpusEntry], reader: "_Reader") -> Corpus:
    try:
        spec = parse_spec(text)
    except RequestError as error:
        if entries and ":" not in text:
            raise RequestError(f"{error} The registry's corpora are {', '.join(entries)}.") from error
        raise
    return reader.heard(reader.read(_name_of(spec), spec, {}, {}), ChannelChoice.MIX)


def _name_of(spec: Spec) -> str:
    if spec.kind == "demo":
        return "-".join(filter(None, (spec.kind, spec.location)))
    if spec.kind in convention_names():
        # By this name candidates say that they were trained on it.
        return spec.kind
    if spec.kind == "hf":
        return parse_dataset(spec.location).name
    path = expanded(spec.location).resolve()
    if spec.kind == "table":
        return path.parent.name if path.stem == "metadata" else path.stem
    return path.name or spec.location


@dataclass(frozen=True)
class _Reader:
    settings: Settings
    progress: Progress
    channel: ChannelChoice | None

    def heard(self, corpus: Corpus, usual: ChannelChoice) -> Corpus:
        """Choose the channel: as the user asks, else as is usual for the corpus."""
        return heard_on(corpus, usual if self.channel is None else self.channel)

    def read(self, name: str, spec: Spec, columns: Mapping[str, str], labels: Mapping[str, str]) -> Corpus:
        """Read all of a corpus."""
        source, path = str(spec), expanded(spec.location)
        clips: tuple[Clip, ...]
        notes: tuple[str, ...] = ()
        codes: dict[str, str] = {}
        if spec.kind == "demo":
            clips = demo_corpus(spec.location)
        elif spec.kind == "table":
            table = read_table(path, columns=columns)
            clips, notes = table.clips, table.notes
        elif spec.kind == "hf":
            dataset = read_dataset(
                parse_dataset(spec.location), columns=columns, settings=self.settings, progress=self.progress
            )
            source, clips, notes = dataset.source, dataset.contents.clips, dataset.contents.notes
        else:
            contents = read_folder(path, labels=labels) if spec.kind == "folder" else convention(spec.kind)(path)
            clips, notes, codes = contents.clips, contents.notes, contents.codes
        return Corpus(
            name=storable(name),
            source=storable(source),
            clips=clips,
            available_clips=len(clips),
            synthetic=spec.kind == "demo",
            labels=codes,
            notes=tuple(map(storable, notes)),
        )


_REMOTE = ("hf:",)


def relabelled(record: CorpusRecord, corpus: Corpus) -> CorpusRecord:
    """Take over what a corpus says of its clips now: labels, raters' votes, speakers and all other columns.

    Clips belong together by their names. A clip that the run heard and the corpus no longer names keeps what it had.

    Args:
        record: The corpus as a run met it.
        corpus: The same corpus, read again.

    Raises:
        RequestError: The two have no clip in common.
    """
    known = {clip.name: clip for clip in corpus.clips}
    if not any(clip.clip in known for clip in record.clips):
        example = next((clip.clip for clip in record.clips), "none")
        raise RequestError(
            f"{corpus.source} names none of the clips that the run heard of {record.name} (such as {example}); give "
            "the folder or the table that the run was made with."
        )
    return record.model_copy(
        update={"clips": tuple(_now(clip, known) for clip in record.clips), "labels": dict(corpus.labels)}
    )


def not_named(record: CorpusRecord, corpus: Corpus) -> tuple[str, ...]:
    """The clips that a run heard and that the corpus no longer names."""
    known = {clip.name for clip in corpus.clips}
    return tuple(clip.clip for clip in record.clips if clip.clip not in known)


def _now(clip: ClipRecord, known: Mapping[str, Clip]) -> ClipRecord:
    found = known.get(clip.clip)
    if found is None:
        return clip
    return replace(
        clip,
        label=found.label,
        speaker=found.speaker,
        sex=found.sex,
        language=found.language,
        text_id=found.text_id,
        intensity=found.intensity,
        votes=None if found.votes is None else dict(found.votes),
        attributes=dict(found.attributes),
    )


def still_there(record: CorpusRecord, registry: Registry, settings: Settings) -> Corpus | None:
    """Open a corpus of a run where it was, to find its audio; None where it is not there, or not on this machine."""
    if record.source.startswith(_REMOTE):
        return None
    try:
        (corpus,) = open_corpora(
            [record.source],
            registry.model_copy(update={"corpora": {}}),
            channel=ChannelChoice(record.channel),
            settings=settings,
        )
    except (BenchError, OSError):
        return None
    return corpus
