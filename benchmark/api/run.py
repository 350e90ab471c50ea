"""`run`: from the registry to the reports."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import ScoredOutcome, judge_run
from benchmark.api.progress import open_progress
from benchmark.api.store import CommandStore, open_store
from benchmark.api.verify import open_registry
from benchmark.audio.perturbation import parse_perturbations
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus, unread_corpus
from benchmark.corpora.rows import ANSWER_COLUMN_NAMES, COLUMN_NAMES, parse_columns
from benchmark.corpora.specs import open_corpora
from benchmark.emotions.merges import chosen_merges
from benchmark.engines.cluster import Cluster, check_choice, open_cluster
from benchmark.engines.ray_runs import cluster_runs
from benchmark.errors import RequestError, shorten
from benchmark.evaluation.candidate_runs import LocalRuns
from benchmark.evaluation.context import Overwrite, RunOptions
from benchmark.evaluation.eligibility import select_subjects
from benchmark.evaluation.engines import EngineChoice, resolve_devices
from benchmark.evaluation.evaluate import Evaluated, Evaluation
from benchmark.evaluation.metrics import user_metrics
from benchmark.evaluation.shards import Shard
from benchmark.hub.client import Hub
from benchmark.options.declare import keywords
from benchmark.options.model_commands import RunRequest
from benchmark.options.shared import ClipOptions
from benchmark.plugins import Group, plugin_names
from benchmark.progress import Progress
from benchmark.registry.answer_tables import answer_tables, with_tables
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import Registry
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.predictions import prediction_tables, write_predictions
from benchmark.reporting.writing import write_leaderboard, write_verification
from benchmark.results.environment import Environment
from benchmark.results.files import FileSet, check_writable
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow, deciding_rows
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.run_selection import with_rare_classes
from benchmark.results.runs import BestRow, RaceKind, RunRecord, RunSummary, StoredRequest, add_summary, save_run
from benchmark.results.storage import prepare_cache
from benchmark.results.verification import VerificationReport
from benchmark.scoring.focus import emotion_names
from benchmark.scoring.group_columns import find_columns
from benchmark.scoring.latency import with_costs
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.published import with_published
from benchmark.scoring.race import RaceJudge, require_race
from benchmark.settings import Settings
from benchmark.verification.answer_tables import answers_of
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verify import verify_candidates

_FAILED = "failed"
"""In the folder of reports: those of a run without an evaluated candidate."""


class RunOutcome(ScoredOutcome):
    """Result of `run`; reports can be written again from its record."""


def run_with(options: RunRequest) -> RunOutcome:
    """Measure the usable candidates on corpora, and write the leaderboards and the reports of the verdicts.

    Raises:
        RequestError: The request is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.
    """
    settings, progress = options.settings or Settings(jobs=options.jobs), open_progress(options.progress)
    with AudioReader(settings, max_clip_mb=options.max_clip_mb) as reader:
        opened = open_request(options, reader, progress, folder=Path(options.output))
        recordings = Recordings(corpora=opened.corpora, embed=options.embed_audio, reader=reader)
        with open_store(options.store, settings, progress) as store:
            with open_cluster(options.engine, options.address, settings, progress) as cluster:
                record = evaluate(opened, store, cluster=cluster).record
            return report_run(options, record, recordings, settings, progress, store)


run = keywords(run_with, RunRequest)


@dataclass(frozen=True, kw_only=True)
class OpenedRequest:
    """A request that was checked before hours of work, with what it names."""

    options: RunRequest
    inference: RunOptions
    registry: Registry
    corpora: Sequence[Corpus]
    reader: AudioReader
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class EvaluatedRequest:
    """The record of a run, and what it was made of."""

    record: RunRecord
    evaluated: Evaluated


def open_request(
    options: RunRequest, reader: AudioReader, progress: Progress, *, folder: Path | None = None
) -> OpenedRequest:
    """Check a request, and open its registry and corpora.

    Args:
        options: The request.
        reader: Reads the audio of the corpora.
        progress: Shows notes and progress.
        folder: Where reports will be written, if any.

    Raises:
        RequestError: The request is wrong; the message says how to fix it.
    """
    inference = _inference(options)
    check_choice(options.engine, options.address)
    _check_name(options.name)
    options.require_allowed("--metric", [own for own in options.metrics if own not in plugin_names(Group.METRICS)])
    emotion_names(options.focus)
    registry, clip_options = _registry(options, progress)
    if folder is not None:
        check_writable(folder)
    prepare_cache(reader.settings)
    with user_metrics(options.metrics, reader.settings, progress):
        pass
    corpora = open_corpora(options.corpora, registry, clip_options, reader=reader, progress=progress)
    for corpus in corpora:
        for note in corpus.notes:
            progress.note(f"{corpus.name}: {note}")
    if options.race is not None:
        _check_race(options, options.race, [corpus.merging(inference.merge) for corpus in corpora])
    find_columns(options.by, [corpus.clips for corpus in corpora])
    return OpenedRequest(
        options=options, inference=inference, registry=registry, corpora=corpora, reader=reader, progress=progress
    )


def report_run(
    options: RunRequest,
    record: RunRecord,
    recordings: Recordings,
    settings: Settings,
    progress: Progress,
    shared: CommandStore,
) -> RunOutcome:
    """Keep the record of a run, score it, and write its reports as its request wants them.

    Raises:
        RequestError: The folder of the reports cannot be written.
        UnavailableError: The disk is full.
    """
    folder = Path(options.output)
    saved = save_run(settings.cache, record, after=shared.newest_run())
    if record.is_empty:  # good reports of an earlier run stay
        folder /= _FAILED
    store, focus = PredictionStore(settings.cache), emotion_names(options.focus)
    with user_metrics(options.metrics, settings, progress) as metrics:
        leaderboard = score_run(
            record, store.read, rank_seen=options.rank_seen, focus=focus, metrics=metrics, by=options.by
        )
    leaderboard = with_costs(leaderboard, options.price_per_hour)
    if options.published:
        leaderboard = with_published(leaderboard)
    verdicts, least = _verdicts(record, settings), record.min_emotions
    with FileSet() as together:
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
            *write_verification(verdicts, folder, fallback_below=least, together=together),
        )
    shared.upload()
    judgement = judge_run(record, leaderboard, strict=options.strict)
    exit_code, _ = shared.judged(judgement)
    add_summary(saved, _summary(record, leaderboard, exit_code=exit_code, output=folder))
    shared.upload(saved)
    exit_code, problems = shared.judged(judgement)
    return RunOutcome(leaderboard=leaderboard, record=record, files=files, exit_code=exit_code, problems=problems)


def _registry(options: RunRequest, progress: Progress) -> tuple[Registry, ClipOptions]:
    """The candidates, with those of `--predictions`, and the options of the corpora without the columns of these."""
    if not options.predictions:
        return open_registry(options.candidates, options.models, progress), options
    columns = parse_columns(options.columns, roles=(*COLUMN_NAMES, *ANSWER_COLUMN_NAMES))
    tables = answer_tables(options.predictions, columns)
    for table in tables:  # named by hand: a wrong one is a wrong request, not a verdict
        answers_of(table)
    if options.models or options.candidates is not None:
        registry = open_registry(options.candidates, options.models, progress)
    else:  # only the tables, on the corpora that would be there without them
        registry = find_registry(None).model_copy(update={"candidates": (), "title": "--predictions"})
    of_corpora = [f"{role}={name}" for role, name in columns.items() if role in COLUMN_NAMES]
    return with_tables(registry, tables), replace(options, columns=tuple(of_corpora))


def _check_name(name: str | None) -> None:
    if name is not None and re.fullmatch(r"[^\W\d][\w.-]{0,63}", name) is None:
        raise RequestError(
            f"--name {name!r} is no name of a run: begin with a letter, and go on with letters, digits, '.', '-', '_'."
        )


def _check_race(options: RunRequest, kind: RaceKind, corpora: Sequence[Corpus]) -> None:
    """Refuse a race that cannot be decided, before anything is decoded."""
    if options.perturb or options.ablate:
        raise RequestError(
            "--race asks some candidates a part of the clips, and --perturb and --ablate compare answers to all: run "
            "--race first, and then those without it for the candidates that remain."
        )
    if len(corpora) != 1:
        raise RequestError(
            f"--race is held on one corpus, and these are {len(corpora)} ({shorten([own.name for own in corpora])}): "
            "name one with --corpus; runs on several corpora share the cache."
        )
    (corpus,) = corpora
    require_race(kind, unread_corpus(corpus))


def _summary(record: RunRecord, leaderboard: Leaderboard, *, exit_code: int, output: Path) -> RunSummary:
    names = tuple(corpus.name for corpus in record.corpora)
    best: dict[str, LeaderboardRow] = {}
    for row in deciding_rows(leaderboard.rows).values():
        if row.corpus is not None and row.ranking_uar is not None and row.rank is not None:
            best.setdefault(row.corpus, row)
            best[row.corpus] = max(best[row.corpus], row, key=lambda own: own.ranking_uar or 0.0)
    return RunSummary(
        corpora=names,
        clips=sum(len(corpus.clips) for corpus in record.corpora),
        candidates=len({evaluation.candidate for evaluation in record.evaluations}),
        best=tuple(
            BestRow(corpus=name, candidate=best[name].candidate, uar=best[name].ranking_uar or 0.0)
            for name in names
            if name in best
        ),
        complete=record.complete,
        exit_code=exit_code,
        output=str(output.absolute()),
    )


def _inference(options: RunRequest) -> RunOptions:
    engines = EngineChoice(backend=options.backend, dtype=options.dtype, fast=options.fast, batch=options.batch_size)
    engines.check()
    return RunOptions(
        segment_s=options.segment_seconds,
        latency_budget_s=options.latency_seconds,
        merge=chosen_merges(options.merge_preset, options.merge),
        find_speech=options.find_speech,
        min_speech=options.min_speech if options.skip_silence or options.min_speech > 0 else None,
        overwrite=Overwrite(options.overwrite),
        engines=engines,
        perturbations=parse_perturbations(options.perturb, ablate=options.ablate),
    )


def evaluate(
    opened: OpenedRequest, shared: CommandStore, shard: Shard | None = None, *, cluster: Cluster | None = None
) -> EvaluatedRequest:
    """Verify the candidates, and compute what the store lacks, or a shard of it, on this machine or a cluster.

    Raises:
        UnavailableError: The machine failed, such as a full disk.
    """
    options, inference, progress = opened.options, opened.inference, opened.progress
    created, settings = datetime.now(UTC), opened.reader.settings
    hub = Hub(timeout_s=settings.hub_timeout_s)
    limits = VerifyOptions.of(options, confirm=options.confirm)
    shared.fetch_verdicts(opened.registry.candidates)
    verifications = verify_candidates(opened.registry, hub=hub, settings=settings, progress=progress, options=limits)
    selection = select_subjects(
        opened.registry, verifications, min_emotions=options.min_emotions, hub=hub, progress=progress, tables=True
    )
    shared.fetch_answers([subject.verification for subject in selection.subjects])
    store = PredictionStore(settings.cache)
    environment, open_runs = Environment.here(), LocalRuns if cluster is None else cluster_runs(cluster, opened.reader)
    devices = resolve_devices(options.devices, settings) if cluster is None else cluster.devices(options.devices)
    run = RunRecord(
        created=created,
        name=options.name,
        environment=environment,
        registry=opened.registry.title,
        request=stored_request(options),
        min_emotions=options.min_emotions,
        limit=options.limit,
        verifications=selection.verifications,
        ineligible=selection.ineligible,
        corpora=(),
        evaluations=(),
    )
    evaluated = Evaluation(
        subjects=selection.subjects,
        corpora=tuple(corpus.merging(inference.merge) for corpus in opened.corpora),
        reader=opened.reader,
        devices=devices,
        options=inference,
        settings=settings,
        store=store,
        environment=environment,
        shard=shard,
        open_runs=open_runs,
        race=None if options.race is None else _judge(options, options.race, run, store),
    ).run(progress)
    if cluster is not None:
        timed_on = cluster.timed_on
        update = {"nodes": cluster.records(), "environment": environment if timed_on is None else timed_on.environment}
        run = run.model_copy(update=update)
    brought: dict[str, object] = {
        "interrupted": evaluated.interrupted,
        "corpora": tuple(evaluated.corpora),
        "evaluations": tuple(evaluated.evaluations),
        "latencies": tuple(evaluated.latencies),
        "perturbed": tuple(evaluated.perturbed),
    }
    record = run.model_copy(update=brought)
    return EvaluatedRequest(record=with_rare_classes(record, options.rare_classes), evaluated=evaluated)


def _judge(options: RunRequest, kind: RaceKind, run: RunRecord, store: PredictionStore) -> RaceJudge:
    return RaceJudge(
        kind=kind,
        run=run,
        predictions=store.read,
        rank_seen=options.rank_seen,
        rare_classes=options.rare_classes or "keep",
    )


def stored_request(options: RunRequest) -> StoredRequest:
    """The request of a run, as its record keeps it: without the store, which changes no result."""
    options = replace(options, store=None)
    return StoredRequest(
        command="run", options=options.given(), command_line=options.command_line("run"), folder=str(Path.cwd())
    )


def _verdicts(record: RunRecord, settings: Settings) -> VerificationReport:
    return VerificationReport(
        created=record.created,
        registry=record.registry,
        environment=record.environment,
        cache=str(settings.cache.absolute()),
        candidates=record.verifications,
    )
