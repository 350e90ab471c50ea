"""From the name or SPEC of a corpus to its clips, and from the corpus of a finished run back to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.clips import Clip, Corpus, choose_channel, described, storable
from benchmark.corpora.conventions import convention, convention_names
from benchmark.corpora.datasets import read_dataset
from benchmark.corpora.filters import Filters
from benchmark.corpora.folder import read_folder
from benchmark.corpora.streaming import parse_dataset
from benchmark.corpora.table import TABLE_SUFFIXES, read_table
from benchmark.demo.files import DemoClip, demo_clips
from benchmark.errors import BenchError, RequestError
from benchmark.progress import Progress, Silent
from benchmark.registry.locations import resolved_source
from benchmark.registry.schema import CorpusEntry, Registry
from benchmark.results.runs import CorpusRecord
from benchmark.settings import Settings, expanded

# What may stand after `demo:`; nothing stands for the labelled corpus.
_DEMO_PARTS = ("", "unlabelled", "long")
_EXAMPLE = "for example `--corpus folder:my-recordings` or `--corpus table:clips.csv`"


def corpus_kinds() -> tuple[str, ...]:
    """Name all kinds of SPEC, with those that installed packages add."""
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
    """Take a SPEC apart: `folder:DIR`, `table:FILE`, `ravdess:DIR`, `hf:ID`, `demo:`, or a bare path.

    The demo has the parts `demo:`, `demo:unlabelled` and `demo:long`. A bare folder that holds a `metadata.csv` is read
    as that table.

    Raises:
        RequestError: The kind or the part of the demo is unknown, or a bare path does not exist.
    """
    # A single letter before the colon is a Windows drive.
    match = re.match(r"([A-Za-z][A-Za-z0-9_-]+):(.*)", text, flags=re.DOTALL)
    if match:
        return _parse_kind(text, *match.groups())
    if not text.strip():
        raise RequestError(f"The corpus has no name; write {_EXAMPLE}.")
    path = expanded(text)
    if path.is_dir():
        table = path / "metadata.csv"
        return Spec("table", str(table)) if table.is_file() else Spec("folder", text)
    if not path.is_file():
        raise RequestError(f"There is no corpus and no path {text!r}; write {_EXAMPLE}.")
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise RequestError(f"{text} is neither a folder nor a table; write {_EXAMPLE}.")
    return Spec("table", text)


def _parse_kind(text: str, kind: str, location: str) -> Spec:
    if kind not in corpus_kinds():
        known = ", ".join(f"{known}:" for known in corpus_kinds())
        raise RequestError(f"Unknown kind of corpus {kind!r} in {text!r}: known are {known} and bare paths.")
    if kind == "demo" and location not in _DEMO_PARTS:
        *others, last = (f"demo:{known}" for known in _DEMO_PARTS)
        raise RequestError(f"The demo has no part {location!r}; write {', '.join(others)} or {last}.")
    if kind != "demo" and not location:
        raise RequestError(f"{text!r} names no path; write {_EXAMPLE}.")
    return Spec(kind, location)


def open_corpora(
    names: Sequence[str],
    registry: Registry,
    *,
    limit: int | None = None,
    filters: Filters | None = None,
    channel: ChannelChoice | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> tuple[Corpus, ...]:
    """Open the corpora that a user names; without any, those of the registry.

    Args:
        names: Names of the registry's corpora, or SPECs.
        registry: Where names are looked up.
        limit: Clips per corpus at most, the labels in turn.
        filters: Which clips of each corpus, beside what the registry says of it.
        channel: Which channel of recordings with several; None as the registry says, else their mean.
        settings: Where datasets of the Hub are kept.
        progress: Gets the stages of fetching a dataset.

    Raises:
        RequestError: There are none, one cannot be opened, or one is empty.
        UnavailableError: The Hub cannot be reached, or the disk is full.
    """
    entries = registry.corpora
    if not names and not entries:
        raise RequestError(f"There is no audio to run on: give a corpus, {_EXAMPLE}.")
    settings, progress = settings or Settings(), progress or Silent()
    corpora = []
    for name in dict.fromkeys(names or entries):
        entry = entries.get(name)
        spec = _spec_of(name, entries) if entry is None else parse_spec(resolved_source(entry.source, registry.folder))
        corpus = _read(name if entry else _name_of(spec), spec, entry, settings, progress)
        corpus = choose_channel(corpus, channel or (entry.channel if entry else ChannelChoice.MIX))
        corpora.append(corpus if entry is None else _apply_entry(corpus, entry))
    opened = [corpus.name for corpus in corpora]
    if doubled := {name for name in opened if opened.count(name) > 1}:
        raise RequestError(
            f"Two corpora are called {sorted(doubled)[0]!r}: give them names of their own under `corpora:` "
            "in the registry, or run them one at a time."
        )
    filters = filters or Filters()
    return tuple(filters.apply(corpus).limited(limit) for corpus in corpora)


def _spec_of(text: str, entries: Mapping[str, CorpusEntry]) -> Spec:
    try:
        return parse_spec(text)
    except RequestError as error:
        if entries and ":" not in text:
            raise RequestError(f"{error} The registry's corpora are {', '.join(entries)}.") from error
        raise


def _name_of(spec: Spec) -> str:
    """What tables call a corpus that is not of the registry."""
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


def _read(name: str, spec: Spec, entry: CorpusEntry | None, settings: Settings, progress: Progress) -> Corpus:
    """Read all of a corpus."""
    source, path = str(spec), expanded(spec.location)
    columns = entry.columns if entry else {}
    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = ()
    codes: dict[str, str] = {}
    if spec.kind == "demo":
        clips = tuple(_demo_clip(clip) for clip in demo_clips(spec.location or "labelled"))
    elif spec.kind == "table":
        table = read_table(path, columns=columns)
        clips, notes = table.clips, table.notes
    elif spec.kind == "hf":
        dataset = read_dataset(parse_dataset(spec.location), columns=columns, settings=settings, progress=progress)
        source, clips, notes = dataset.source, dataset.contents.clips, dataset.contents.notes
    else:
        labels = entry.labels if entry else {}
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


def _demo_clip(clip: DemoClip) -> Clip:
    return Clip(
        name=clip.name, audio=clip, label=clip.emotion, speaker=clip.speaker, sex=clip.sex, text_id=clip.text_id
    )


def _apply_entry(corpus: Corpus, entry: CorpusEntry) -> Corpus:
    """Apply what the registry says of a corpus: language, meanings of labels, merges and filters."""
    corpus = replace(
        corpus,
        clips=tuple(replace(clip, language=clip.language or entry.language) for clip in corpus.clips),
        labels={**corpus.labels, **entry.labels},
        merge=entry.merge,
    )
    return Filters(
        speakers=entry.speakers or (),
        languages=entry.languages or (),
        only_labels=entry.only_labels or (),
        sample=entry.sample,
        seed=entry.seed,
    ).apply(corpus)


def relabelled(record: CorpusRecord, corpus: Corpus) -> CorpusRecord:
    """Replace the descriptions of a finished run's clips by those that a corpus gives now.

    Labels, votes, speakers and all other columns are replaced. Clips belong together by their names; a clip that the
    corpus no longer names keeps what it has.

    Args:
        record: The corpus as a run read it.
        corpus: The same corpus, read again.

    Raises:
        RequestError: The two have no clip in common.
    """
    by_name = {clip.name: clip for clip in corpus.clips}
    if not any(clip.clip in by_name for clip in record.clips):
        example = next((clip.clip for clip in record.clips), "none")
        raise RequestError(
            f"{corpus.source} names none of the clips that the run heard of {record.name} (such as {example}); give "
            "the folder or the table that the run was made with."
        )
    clips = tuple(described(clip, by_name[clip.clip]) if clip.clip in by_name else clip for clip in record.clips)
    return record.model_copy(update={"clips": clips, "labels": dict(corpus.labels)})


def not_named(record: CorpusRecord, corpus: Corpus) -> tuple[str, ...]:
    """List the clips of a finished run that a corpus no longer names."""
    names = {clip.name for clip in corpus.clips}
    return tuple(clip.clip for clip in record.clips if clip.clip not in names)


def still_there(record: CorpusRecord, registry: Registry, settings: Settings) -> Corpus | None:
    """Open the corpus of a finished run again, for its audio; None where it is remote or no longer there."""
    if record.source.startswith("hf:"):
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
