"""`next_clips`: which clips to label next, as a table to fill in. No model is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.api.outcomes import Outcome
from benchmark.audio.channels import Channel
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioAddress, AudioFile, AudioSource
from benchmark.corpora.clips import Clip
from benchmark.corpora.specs import still_there
from benchmark.corpora.table import read_table
from benchmark.errors import RequestError
from benchmark.options.declare import keywords
from benchmark.options.report_commands import NextRequest
from benchmark.registry.schema import Registry
from benchmark.reporting.next_clips import ChosenClip, ChosenClips, chosen_page, chosen_table
from benchmark.results.files import FileSet
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.run_selection import select_from, with_rare_classes
from benchmark.results.runs import CorpusRecord, RunRecord, load_run
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation
from benchmark.scoring.leaderboard import corpus_evaluations
from benchmark.scoring.next_clips import CHOSEN_FOR, Purpose, answer_codes, sampled_clips, separating_clips, voters
from benchmark.settings import Settings, expanded

_CANDIDATES = 2


@dataclass(frozen=True, kw_only=True)
class NextOutcome(Outcome):
    """Result of `next_clips`: what is to be labelled, and the run whose answers chose it."""

    chosen: ChosenClips
    record: RunRecord


def next_clips_with(options: NextRequest) -> NextOutcome:
    """Choose clips without a label, and write them as a table to fill in, with a page that plays them.

    Raises:
        RequestError: There is no such run or corpus, its recordings are not there, nothing is left to label, or a file
            exists.
        UnavailableError: The disk is full.
    """
    settings, purpose, table = options.settings or Settings(), Purpose(options.purpose), expanded(str(options.write))
    page = table.with_suffix(".html")
    if table.suffix.lower() != ".csv":
        raise RequestError(f"--write {options.write} has to end in .csv.")
    if not options.force and (existing := [path for path in (table, page) if path.exists()]):
        raise RequestError(f"{existing[0]} exists; choose another name, or add --force to replace it.")
    names = () if options.corpus is None else (options.corpus,)
    record = select_from(load_run(settings.cache, options.run), models=options.models, corpora=names)
    record = with_rare_classes(record, "keep")  # what is dropped is labelled all the same
    if len(record.corpora) != 1:
        raise RequestError(f"Name one corpus of the run with --corpus: {_listed(record.corpora)}.")
    corpus = corpus_evaluations(record, record.corpora[0], PredictionStore(settings.cache).read)
    candidates = voters(corpus)
    least = _CANDIDATES if purpose is Purpose.PICK else 1
    if len(candidates) < least:
        raise RequestError(
            f"Clips --for {purpose.value} are chosen by {least} or more candidates that have answered all of them and "
            f"are no near-twins; this run has {len(candidates)}."
        )
    filled = [clip for name in options.filled for clip in _filled(expanded(name), purpose)]
    sources = _sources(record.corpora[0], settings)
    chosen = _chosen(corpus, candidates, sources, filled, options)
    with FileSet(remedy="choose another file with --write") as together:
        files = (
            together.write(table, chosen_table(chosen, table.parent)),
            together.write(page, chosen_page(chosen, table)),
        )
    return NextOutcome(chosen=chosen, record=record, files=files)


next_clips = keywords(next_clips_with, NextRequest)


def _listed(corpora: Sequence[CorpusRecord]) -> str:
    return ", ".join(corpus.name for corpus in corpora)


def _sources(record: CorpusRecord, settings: Settings) -> Mapping[str, AudioSource]:
    with AudioReader(settings) as reader:
        opened = still_there(record, Registry(title="", candidates=()), reader)
    if opened is None:
        raise RequestError(
            f"The recordings of {record.name} are not where the run found them ({record.source}): run this in the "
            "folder of the run. Recordings of the Hub have to be saved as files first."
        )
    return {clip.name: clip.audio for clip in opened.clips}


def _filled(path: Path, purpose: Purpose) -> list[Clip]:
    """The labelled clips of a table that was filled in.

    Raises:
        RequestError: It cannot be read, has no label, or was chosen for another purpose.
    """
    clips = read_table(path).clips
    other = {clip.attributes.get(CHOSEN_FOR, "nothing") for clip in clips} - {purpose.value}
    if other:
        raise RequestError(f"{path} was chosen for {sorted(other)[0]}, not for {purpose.value}: do not mix the two.")
    labelled = [clip for clip in clips if clip.label is not None]
    if not labelled:
        raise RequestError(f"{path} has no label: fill in its column label first.")
    return labelled


def _chosen(
    corpus: CorpusEvaluations,
    candidates: Sequence[Evaluation],
    sources: Mapping[str, AudioSource],
    filled: Sequence[Clip],
    options: NextRequest,
) -> ChosenClips:
    purpose = Purpose(options.purpose)
    clips, known = corpus.clips.clips, {_place(clip.audio) for clip in filled}
    audio = [sources.get(clip.clip) for clip in clips]
    open_ = [
        index
        for index, source in enumerate(audio)
        if corpus.clips.truth[index] is None and _place(source) is not None and _place(source) not in known
    ]
    if not open_:
        raise RequestError(
            f"No clip of {corpus.summary.name} is left to label: all have labels, or their recordings are no files."
        )
    speakers = corpus.clips.speakers
    if purpose is Purpose.PICK and any(speakers[index] is None for index in open_):
        raise RequestError(
            f"The speaker of some clips of {corpus.summary.name} is unknown, and without speakers nothing says who may "
            "be the best: give them, or use --for score."
        )
    answers, among = answer_codes(candidates), np.array(open_, dtype=np.int64)
    if purpose is Purpose.PICK:
        indices = separating_clips(answers, speakers, among, options.number)
    else:
        indices = sampled_clips(answers, speakers, among, options.number, options.seed)
    rows = [_row(clip.audio, clip.speaker, clip.label) for clip in filled]
    rows += [_row(audio[index], speakers[index], None) for index in indices.tolist()]
    labels = sorted({name for evaluation in candidates for name in evaluation.answers.classes})
    return ChosenClips(
        corpus=corpus.summary.name,
        purpose=purpose,
        clips=tuple(rows),
        labels=tuple(labels),
        left=len(open_),
    )


def _place(audio: AudioSource | None) -> tuple[str, float | None, float | None] | None:
    """What identifies audio that a table can name; None for any other."""
    if not isinstance(audio, AudioFile | AudioAddress) or audio.channel is not Channel.MIX:
        return None
    location = str(audio.path.resolve()) if isinstance(audio, AudioFile) else str(audio.location)
    return location, audio.start_s, audio.stop_s


def _row(audio: AudioSource | None, speaker: str | None, label: str | None) -> ChosenClip:
    place = _place(audio)
    if place is None:
        raise AssertionError("Only audio that a table can name is chosen.")
    location, start_s, stop_s = place
    return ChosenClip(
        location=location,
        is_address=isinstance(audio, AudioAddress),
        start_s=start_s,
        stop_s=stop_s,
        label=label,
        speaker=speaker,
    )
