"""`run`: from the registry to the reports."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import ScoredOutcome, judge_run
from benchmark.api.verify import open_registry
from benchmark.audio.perturbation import parse_perturbations
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus
from benchmark.corpora.specs import open_corpora
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import RequestError
from benchmark.evaluation.context import Overwrite, RunOptions
from benchmark.evaluation.eligibility import select_subjects
from benchmark.evaluation.engines import EngineChoice, resolve_devices
from benchmark.evaluation.evaluate import Evaluation
from benchmark.evaluation.metrics import user_metrics
from benchmark.hub.client import Hub
from benchmark.options.declare import keywords
from benchmark.options.model_commands import RunRequest
from benchmark.progress import Progress, Silent
from benchmark.registry.schema import Registry
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.predictions import prediction_tables, write_predictions
from benchmark.reporting.writing import write_leaderboard, write_verification
from benchmark.results.environment import Environment
from benchmark.results.files import FileSet, check_writable
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow, deciding_rows
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import BestRow, RunRecord, RunSummary, StoredRequest, add_summary, save_run
from benchmark.results.storage import prepare_cache
from benchmark.results.verification import VerificationReport
from benchmark.scoring.focus import emotion_names
from benchmark.scoring.group_columns import find_columns
from benchmark.scoring.leaderboard import score_run
from benchmark.settings import Settings
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
    settings = options.settings or Settings(jobs=options.jobs)
    with AudioReader(settings, max_clip_mb=options.max_clip_mb) as reader:
        return _run(options, reader)


run = keywords(run_with, RunRequest)


def _run(options: RunRequest, reader: AudioReader) -> RunOutcome:
    progress, settings = options.progress or Silent(), reader.settings
    # Check the whole request before hours of work.
    inference, name = _inference(options), _checked_name(options.name)
    focus = emotion_names(options.focus)
    registry = open_registry(options.candidates, options.models, progress)
    folder = Path(options.output)
    check_writable(folder)
    prepare_cache(settings)
    with user_metrics(options.metrics, settings, progress):
        pass
    corpora = open_corpora(options.corpora, registry, options, reader=reader, progress=progress)
    for corpus in corpora:
        for note in corpus.notes:
            progress.note(f"{corpus.name}: {note}")
    find_columns(options.by, [corpus.clips for corpus in corpora])

    record = _evaluate(options, registry, corpora, inference, reader, progress).model_copy(update={"name": name})
    saved = save_run(settings.cache, record)
    if record.is_empty:  # good reports of an earlier run stay
        folder /= _FAILED
    store = PredictionStore(settings.cache)
    with user_metrics(options.metrics, settings, progress) as metrics:
        leaderboard = score_run(
            record, store.read, rank_seen=options.rank_seen, focus=focus, metrics=metrics, by=options.by
        )
    recordings = Recordings(corpora=corpora, embed=options.embed_audio, reader=reader)
    verdicts, least = _verdicts(record, settings), record.min_emotions
    with FileSet() as together:
        files = (
            *write_leaderboard(leaderboard, folder, record=record, recordings=recordings, together=together),
            write_predictions(prediction_tables(record, store.read), folder, together=together),
            *write_verification(verdicts, folder, fallback_below=least, together=together),
        )
    exit_code, problems = judge_run(record, leaderboard, strict=options.strict)
    summary = _summary(record, leaderboard, exit_code=exit_code, output=folder)
    add_summary(saved, summary)
    return RunOutcome(leaderboard=leaderboard, record=record, files=files, exit_code=exit_code, problems=problems)


def _checked_name(name: str | None) -> str | None:
    if name is not None and re.fullmatch(r"[^\W\d][\w.-]{0,63}", name) is None:
        raise RequestError(
            f"--name {name!r} is no name of a run: begin with a letter, and go on with letters, digits, '.', '-', '_'."
        )
    return name


def _summary(record: RunRecord, leaderboard: Leaderboard, *, exit_code: int, output: Path) -> RunSummary:
    names = tuple(corpus.name for corpus in record.corpora)
    best: dict[str, LeaderboardRow] = {}
    for row in deciding_rows(leaderboard.rows).values():
        if row.corpus is not None and row.uar is not None and row.rank is not None:
            best.setdefault(row.corpus, row)
            best[row.corpus] = max(best[row.corpus], row, key=lambda own: own.uar or 0.0)
    return RunSummary(
        corpora=names,
        clips=sum(len(corpus.clips) for corpus in record.corpora),
        candidates=len({evaluation.candidate for evaluation in record.evaluations}),
        best=tuple(
            BestRow(corpus=name, candidate=best[name].candidate, uar=best[name].uar or 0.0)
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


def _evaluate(
    options: RunRequest,
    registry: Registry,
    corpora: Sequence[Corpus],
    inference: RunOptions,
    reader: AudioReader,
    progress: Progress,
) -> RunRecord:
    created, settings = datetime.now(UTC), reader.settings
    hub = Hub(timeout_s=settings.hub_timeout_s)
    limits = VerifyOptions(
        repair_heads=options.repair_heads, max_download_gb=options.max_download_gb, confirm=options.confirm
    )
    verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=limits)
    selection = select_subjects(registry, verifications, min_emotions=options.min_emotions, hub=hub, progress=progress)
    environment = Environment.here()
    evaluated = Evaluation(
        subjects=selection.subjects,
        corpora=tuple(corpus.merging(inference.merge) for corpus in corpora),
        reader=reader,
        devices=resolve_devices(options.devices, settings),
        options=inference,
        settings=settings,
        store=PredictionStore(settings.cache),
        environment=environment,
    ).run(progress)
    return RunRecord(
        created=created,
        environment=environment,
        registry=registry.title,
        request=_request(options),
        min_emotions=options.min_emotions,
        limit=options.limit,
        interrupted=evaluated.interrupted,
        verifications=selection.verifications,
        ineligible=selection.ineligible,
        corpora=tuple(evaluated.corpora),
        evaluations=tuple(evaluated.evaluations),
        latencies=tuple(evaluated.latencies),
        perturbed=tuple(evaluated.perturbed),
    )


def _request(options: RunRequest) -> StoredRequest:
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
