"""`report`: write the reports of a finished run again. No model is loaded."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.api.outcomes import ScoredOutcome, judge_report
from benchmark.api.progress import open_progress
from benchmark.api.store import open_store
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus
from benchmark.corpora.specs import open_corpora, relabelled, still_there
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import RequestError
from benchmark.options.declare import keywords
from benchmark.options.report_commands import ReportRequest
from benchmark.options.shared import ClipOptions
from benchmark.progress import Progress
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import Registry
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.predictions import prediction_tables, write_predictions
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.files import FileSet, check_writable
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.run_selection import select_from, with_rare_classes
from benchmark.results.runs import RunRecord, load_run
from benchmark.scoring.focus import emotion_names
from benchmark.scoring.latency import with_costs
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.published import with_published
from benchmark.settings import Settings


class ReportOutcome(ScoredOutcome):
    """Result of `report`."""


def report_with(options: ReportRequest) -> ReportOutcome:
    """Write all reports of a finished run again, of all of it or of a part.

    Raises:
        RequestError: There is no such run, candidate or corpus, or the folder cannot be written.
        UnavailableError: The disk is full.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.report(models=["superb/*"], merge=["calm=neutral"])  # doctest: +SKIP
    """
    settings, progress = options.settings or Settings(), open_progress(options.progress)
    focus = emotion_names(options.focus)
    merge = chosen_merges(options.merge_preset, options.merge)
    folder = Path(options.output)
    record = select_from(
        stored_run(options.run, options.store, settings, progress),
        models=options.models,
        corpora=options.corpora,
        min_emotions=options.min_emotions,
        merge=merge,
    )
    record = with_rare_classes(record, options.rare_classes)
    corpora: Sequence[Corpus] = ()
    if options.relabel:
        registry = find_registry(options.candidates)
        selection = ClipOptions(columns=options.columns, speaker_pattern=options.speaker_pattern)
        corpora = open_corpora(options.relabel, registry, selection, settings=settings, progress=progress)
    elif options.columns or options.speaker_pattern is not None:
        raise RequestError(
            "--column and --speaker-pattern say how the corpus of --relabel is read: name one, or leave them out."
        )
    record = _with_labels(record, corpora, progress)
    check_writable(folder)
    store = PredictionStore(settings.cache)
    leaderboard = score_run(record, store.read, rank_seen=options.rank_seen, focus=focus, by=options.by)
    leaderboard = with_costs(leaderboard, options.price_per_hour)
    if options.published:
        leaderboard = with_published(leaderboard)
    with AudioReader(settings) as reader, FileSet() as together:
        recordings = reopened_recordings(record, embed=options.embed_audio, reader=reader)
        files = (
            *write_leaderboard(
                leaderboard,
                folder,
                record=record,
                recordings=recordings,
                latex=options.format == "latex",
                together=together,
            ),
            write_predictions(prediction_tables(record, store.read), folder, together=together),
        )
    exit_code, problems = judge_report(record, leaderboard)
    return ReportOutcome(leaderboard=leaderboard, record=record, files=files, exit_code=exit_code, problems=problems)


report = keywords(report_with, ReportRequest)


def stored_run(name: str | None, address: str | Path | None, settings: Settings, progress: Progress) -> RunRecord:
    """The record of a run as `load_run` finds it, of the cache or of a store at an address, with its answers.

    Raises:
        RequestError: There is no such run, or no such store.
        UnavailableError: The store cannot be read.
    """
    with open_store(address, settings, progress, writes=False) as store:
        store.fetch_runs()
        record = load_run(settings.cache, name)
        store.fetch_answers_of(record)
    return record


def _with_labels(record: RunRecord, opened: Sequence[Corpus], progress: Progress) -> RunRecord:
    """Replace the labels of a record by those of opened corpora; a single corpus may have another name now."""
    for note in (f"{corpus.name}: {note}" for corpus in opened for note in corpus.notes):
        progress.note(note)
    by_name = {corpus.name: corpus for corpus in opened}
    known = {corpus.name for corpus in record.corpora}
    if len(opened) == 1 and len(known) == 1:
        by_name = dict.fromkeys(known, opened[0])
    unknown = [name for name in by_name if name not in known]
    if unknown:
        raise RequestError(f"The run has no corpus {unknown[0]!r} to label again; it has {', '.join(sorted(known))}.")
    for corpus in record.corpora:
        if corpus.name not in by_name:
            continue
        named = {clip.name for clip in by_name[corpus.name].clips}
        if kept := sum(clip.clip not in named for clip in corpus.clips):
            progress.warn(
                f"{corpus.name}: {by_name[corpus.name].source} does not name {kept} of the {len(corpus.clips)} clips "
                "that the run heard; what it does not name keeps its label."
            )
    corpora = tuple(
        relabelled(corpus, by_name[corpus.name]) if corpus.name in by_name else corpus for corpus in record.corpora
    )
    return record.model_copy(update={"corpora": corpora})


def reopened_recordings(record: RunRecord, *, embed: int, reader: AudioReader) -> Recordings:
    """The recordings of a finished run, as far as they are still where they were."""
    registry = Registry(title="", candidates=())
    opened = [(corpus.name, still_there(corpus, registry, reader)) for corpus in record.corpora]
    corpora = [replace(corpus, name=name) for name, corpus in opened if corpus is not None]
    return Recordings(corpora=corpora, embed=embed, reader=reader)
