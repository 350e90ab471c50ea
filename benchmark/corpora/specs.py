"""From the name or SPEC of a corpus to its clips, and from the corpus of a finished run back to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypedDict

from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.audb_databases import parse_database, read_database
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Clip, Corpus, CorpusContents, choose_channel, described
from benchmark.corpora.conventions import convention, convention_names
from benchmark.corpora.datasets import read_dataset
from benchmark.corpora.emobox import read_emobox
from benchmark.corpora.filters import filtered
from benchmark.corpora.folder import read_folder
from benchmark.corpora.remote import read_remote_folder, read_remote_table
from benchmark.corpora.rows import parse_columns
from benchmark.corpora.speaker_names import compile_pattern, take_speakers
from benchmark.corpora.spec_syntax import EXAMPLE, Spec, parse_spec, spec_of
from benchmark.corpora.streaming import parse_dataset
from benchmark.corpora.table import read_table
from benchmark.demo.files import DemoClip, demo_clips
from benchmark.errors import BenchError, RequestError
from benchmark.hub.repository_facts import storable
from benchmark.options.shared import ClipOptions
from benchmark.progress import Progress, Silent
from benchmark.registry.locations import is_address, resolved_source
from benchmark.registry.schema import CorpusEntry, Registry
from benchmark.results.runs import CorpusRecord
from benchmark.settings import Settings, expanded

_NO_ENTRY = CorpusEntry(source="demo:")
"""Stands for the entry of a corpus that is not in the registry; its source is not used."""


class _Fetching(TypedDict):
    """What readers of datasets and databases get."""

    columns: Mapping[str, str]
    reader: AudioReader
    progress: Progress
    in_part: bool


_WITH_COLUMNS = ("table", "hf", "audb")


def open_corpora(
    names: Sequence[str],
    registry: Registry,
    options: ClipOptions | None = None,
    *,
    settings: Settings | None = None,
    reader: AudioReader | None = None,
    progress: Progress | None = None,
) -> tuple[Corpus, ...]:
    """Open the corpora that a user names; without any, those of the registry.

    Args:
        names: Names of the registry's corpora, or SPECs.
        options: Which clips, in addition to the registry's selection; its channel takes precedence.
        reader: Reads recordings where that is needed, and what it fetches is not fetched again; with its settings.
        progress: Gets the stages of fetching a dataset.

    Raises:
        RequestError: There are none, one cannot be opened, or one is empty.
        UnavailableError: The Hub cannot be reached, or the disk is full.
    """
    entries = registry.corpora
    if not names and not entries:
        raise RequestError(f"There is no audio to run on: give a corpus, {EXAMPLE}.")
    options, progress = options or ClipOptions(), progress or Silent()
    pattern = None if options.speaker_pattern is None else compile_pattern(options.speaker_pattern)
    if reader is None:
        with AudioReader(settings or Settings(), max_clip_mb=options.max_clip_mb) as own:
            return open_corpora(names, registry, options, reader=own, progress=progress)
    corpora, columns = [], parse_columns(options.columns)
    for name in dict.fromkeys(names or entries):
        if name in entries:
            entry = entries[name]
            spec, shown_name = parse_spec(resolved_source(entry.source, registry.folder)), name
        else:
            entry, spec = _NO_ENTRY, spec_of(name, entries)
            shown_name = _name_of(spec)
        if columns and spec.kind not in _WITH_COLUMNS:
            raise RequestError(f"--column is for tables and datasets, and {spec} has no columns: leave it out.")
        entry = entry.model_copy(update={"columns": {**entry.columns, **columns}})
        choice = ChannelChoice(options.channel or entry.channel)
        # The channels of a recording are counted before clips are selected.
        in_part = choice is not ChannelChoice.EACH and (_selects(options) or _selects(entry))
        contents = _read(spec, entry, reader, progress, in_part=in_part)
        corpus = choose_channel(_corpus_of(shown_name, spec, entry, contents), choice, reader.channels)
        if pattern is not None:
            corpus = take_speakers(corpus, pattern)
        corpus = filtered(_apply_entry(corpus, entry), options).limited(options.limit)
        if contents.complete is not None:
            corpus = replace(corpus, clips=contents.complete(corpus.clips))
        corpora.append(corpus)
    opened = [corpus.name for corpus in corpora]
    if doubled := {name for name in opened if opened.count(name) > 1}:
        raise RequestError(
            f"Two corpora are called {sorted(doubled)[0]!r}: give them names of their own under `corpora:` "
            "in the registry, or run them one at a time."
        )
    return tuple(corpora)


def _selects(options: ClipOptions | CorpusEntry) -> bool:
    """Whether a part of the clips may do."""
    limit = options.limit if isinstance(options, ClipOptions) else None
    return any((limit, options.sample, options.speakers, options.languages, options.only_labels))


def _name_of(spec: Spec) -> str:
    """What tables call a corpus that is not of the registry."""
    if spec.kind == "demo":
        return "-".join(filter(None, (spec.kind, spec.location)))
    if spec.kind in convention_names():
        # By this name candidates say that they were trained on it.
        return spec.kind
    if spec.kind in ("hf", "audb"):
        return (parse_dataset if spec.kind == "hf" else parse_database)(spec.location).name
    path = PurePosixPath(spec.location) if spec.is_remote else expanded(spec.location).resolve()
    if spec.kind == "table" or (spec.kind == "emobox" and path.suffix):
        return path.parent.name if path.stem == "metadata" else path.stem
    return path.name or spec.location


def _read(spec: Spec, entry: CorpusEntry, reader: AudioReader, progress: Progress, *, in_part: bool) -> CorpusContents:
    """Read all of a corpus, if necessary without the audio."""
    path, columns, location = expanded(spec.location), entry.columns, spec.location
    if spec.is_remote and spec.kind == "table":
        return read_remote_table(location, columns=columns, reader=reader)
    if spec.is_remote:
        return read_remote_folder(location, labels=entry.labels, reader=reader)
    options: _Fetching = {"columns": columns, "reader": reader, "progress": progress, "in_part": in_part}
    readers: dict[str, Callable[[], CorpusContents]] = {
        "demo": lambda: CorpusContents(tuple(map(_demo_clip, demo_clips(location or "labelled")))),
        "folder": lambda: read_folder(path, labels=entry.labels),
        "table": lambda: read_table(path, columns=columns),
        "emobox": lambda: read_emobox(path),
        "hf": lambda: read_dataset(parse_dataset(location), **options),
        "audb": lambda: read_database(parse_database(location), **options),
    }
    return readers.get(spec.kind, lambda: convention(spec.kind)(path))()


def _corpus_of(name: str, spec: Spec, entry: CorpusEntry, contents: CorpusContents) -> Corpus:
    return Corpus(
        name=storable(name),
        source=storable(contents.source or str(spec)),
        clips=contents.clips,
        available_clips=len(contents.clips),
        columns=entry.columns,
        synthetic=spec.kind == "demo",
        labels=contents.codes,
        notes=tuple(map(storable, contents.notes)),
        left_out=contents.left_out,
    )


def _demo_clip(clip: DemoClip) -> Clip:
    return Clip(
        name=clip.name, audio=clip, label=clip.emotion, speaker=clip.speaker, sex=clip.sex, text_id=clip.text_id
    )


def _apply_entry(corpus: Corpus, entry: CorpusEntry) -> Corpus:
    """Apply the registry's language, meanings of labels, merges and filters of a corpus."""
    corpus = replace(
        corpus,
        clips=tuple(replace(clip, language=clip.language or entry.language) for clip in corpus.clips),
        labels={**corpus.labels, **entry.labels},
        merge=entry.merge,
    )
    return filtered(corpus, entry)


def relabelled(record: CorpusRecord, corpus: Corpus) -> CorpusRecord:
    """Replace labels, votes, speakers and all other columns of a finished run's clips by those of a corpus read again.

    Clips are matched by name; a clip that the corpus no longer names keeps what it has.

    Raises:
        RequestError: The two have no clip in common.
    """
    by_name = {clip.name: clip for clip in corpus.clips}
    if not any(clip.clip in by_name for clip in record.clips):
        example = record.clips[0].clip if record.clips else "none"
        raise RequestError(
            f"{corpus.source} names none of the clips that the run heard of {record.name} (such as {example}); give "
            "the folder or the table that the run was made with."
        )
    clips = tuple(described(clip, by_name[clip.clip]) if clip.clip in by_name else clip for clip in record.clips)
    return record.model_copy(update={"clips": clips, "labels": dict(corpus.labels)})


def still_there(record: CorpusRecord, registry: Registry, reader: AudioReader) -> Corpus | None:
    """Open the corpus of a finished run again, for its audio; None where it is remote or no longer there."""
    if record.source.startswith(("hf:", "audb:")) or is_address(record.source.partition(":")[2]):
        return None
    try:
        columns = [f"{role}={name}" for role, name in record.columns.items()]
        options, registry = ClipOptions(columns=columns), registry.model_copy(update={"corpora": {}})
        (corpus,) = open_corpora([record.source], registry, options, reader=reader)
        return choose_channel(corpus, ChannelChoice(record.channel), reader.channels)
    except (BenchError, OSError):
        return None
