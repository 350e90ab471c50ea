"""A run, the whole way in order: what `benchmark.run` and `bench run` call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from benchmark.api.arguments import checked
from benchmark.api.judging import judge_run
from benchmark.api.verify import open_registry
from benchmark.audio.channels import ChannelChoice
from benchmark.audio.perturbation import parse_perturbations
from benchmark.corpora.clips import Corpus
from benchmark.corpora.filters import Filters
from benchmark.corpora.opening import open_corpora
from benchmark.emotions.merges import chosen_merges
from benchmark.evaluation.engines import EngineChoice, resolve_devices
from benchmark.evaluation.evaluate import Evaluation, RunOptions
from benchmark.evaluation.metrics import UserMetrics
from benchmark.evaluation.predict import Overwrite
from benchmark.evaluation.subjects import select_subjects
from benchmark.hub.client import Hub
from benchmark.progress import Progress, Silent
from benchmark.registry.schema import Registry
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.predictions import prediction_tables, write_predictions
from benchmark.reporting.writing import write_leaderboard, write_verification
from benchmark.results.environment import Environment
from benchmark.results.files import CHOOSE_ANOTHER_CACHE, check_writable
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import RunRecord, save_run
from benchmark.results.store import PredictionStore
from benchmark.results.verification import VerificationReport
from benchmark.scoring.focus import wanted_emotions
from benchmark.scoring.group_columns import wanted_columns
from benchmark.scoring.leaderboard import score_run
from benchmark.settings import Settings
from benchmark.verification.options import VerifyOptions, nobody_to_ask
from benchmark.verification.verify import verify_candidates


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What `run` brought.

    Attributes:
        leaderboard: Every candidate, with its scores or the reason why it has none.
        record: What was done, from which the reports can be written again.
        files: The reports that were written.
        exit_code: As the command line would exit with.
        problems: Why that is not 0, in sentences for a person.
    """

    leaderboard: Leaderboard
    record: RunRecord
    files: tuple[Path, ...]
    exit_code: int
    problems: tuple[str, ...]


@checked
def run(
    candidates: str | Path | None = None,
    *,
    models: Sequence[str] = (),
    corpora: Sequence[str] = (),
    min_emotions: int = 2,
    devices: Sequence[str] = (),
    backend: str = "auto",
    dtype: Literal["float32", "bfloat16", "float16"] | None = None,
    fast: bool = False,
    batch_size: int | None = None,
    merge: Sequence[str] = (),
    merge_preset: str | None = None,
    limit: int | None = None,
    speakers: Sequence[str] = (),
    languages: Sequence[str] = (),
    only_labels: Sequence[str] = (),
    sample: int | None = None,
    seed: int = 0,
    channel: Literal["mix", "left", "right", "each"] | None = None,
    find_speech: bool = True,
    skip_silence: bool = False,
    min_speech: float = 0.0,
    focus: Sequence[str] = (),
    metrics: Sequence[str] = (),
    rank_seen: bool = False,
    by: Sequence[str] = (),
    perturb: Sequence[str] = (),
    segment_seconds: float = 3.0,
    latency_seconds: float = 20.0,
    overwrite: Literal["never", "missing", "always"] = "missing",
    output: str | Path = "reports",
    embed_audio: int = 0,
    repair_heads: bool = True,
    max_download_gb: float | None = None,
    jobs: int = 1,
    strict: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
    confirm: Callable[[str], bool | None] = nobody_to_ask,
) -> RunOutcome:
    """Measure the usable candidates on the given audio, and write the leaderboards and the evidence of the verdicts.

    Args:
        candidates: A registry file, or `demo`; by default `candidates.yaml` here, else the packaged one.
        models: Only these: names or ids of the registry, other Hub ids, or local folders.
        corpora: Names of the registry's corpora, or SPECs such as `folder:recordings`; by default the registry's.
        min_emotions: How many classes a candidate must distinguish to be run.
        devices: `cpu`, `cuda`; by default the CPU, and the GPU where torch sees one.
        backend: What computes on the CPU: `torch`, `openvino`, `onnxruntime`, what an installed package adds, or `auto`
            for the fastest that decides as torch does; none is taken that does not.
        dtype: In which number format; by default float32.
        fast: Whether bfloat16 may be taken where the processor computes in it.
        batch_size: Windows that torch computes together, where a model answers the same so; None for one on the CPU,
            and on a GPU for 16 if that is faster there.
        merge: Emotions to merge, such as `calm=neutral`.
        merge_preset: Merges of one name: `sentiment`, `arousal` or `big4`; what `merge` says counts more.
        limit: Clips per corpus at most, the labels in turn.
        speakers: Only clips of these speakers.
        languages: Only clips in these languages.
        only_labels: Only clips with these labels, or of these emotions.
        sample: Clips per corpus at most, drawn so that each label keeps its share.
        seed: Which sample.
        channel: What of recordings with several channels is heard; None as the registry says, else their mean.
        find_speech: Whether to find out how much of each clip is speech.
        skip_silence: Whether to leave out the clips in which nobody speaks.
        min_speech: Clips in which people speak for a smaller share of the time are left out.
        focus: Emotions of which is told how well each candidate finds them among all others.
        metrics: Local modules of the library `evaluate`, whose numbers are added to the table; their code is run.
        rank_seen: Whether candidates are ranked on corpora that they were trained on, too.
        by: Columns of the corpora by which scores are taken apart, beside sex, language and duration.
        perturb: What is done to every clip to see which answers survive it, such as `noise:20dB`.
        segment_seconds: Length of the segments that latency is measured on.
        latency_seconds: Time for the latency of one candidate on one device; 0 measures none.
        overwrite: Which answers to compute where some are stored: `never`, `missing` or `always`.
        output: The folder for the reports.
        embed_audio: How many clips of each corpus can be listened to in `leaderboard.html` wherever that is; of the
            others it holds links to local files.
        repair_heads: Whether known heads that transformers has no class for are rebuilt.
        max_download_gb: How much may be downloaded in all, in GB (10⁹ bytes); by default 5, and more if confirmed.
        jobs: Workers that compute at once.
        strict: Whether a status that the registry does not expect, or an unreachable candidate, is a failure.
        settings: Places and limits.
        progress: Who wants to hear how far the work is.
        confirm: Asks a person whether a large download is wanted; by default nobody is asked.

    Returns:
        The leaderboard, the record of the run, the files, and whether all is as asked.

    Raises:
        RequestError: Something asked for is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.
    """
    progress = progress or Silent()
    settings = settings or Settings(jobs=jobs)
    engines = EngineChoice(backend=backend, dtype=dtype, fast=fast, batch=batch_size)
    engines.check()
    options = RunOptions(
        min_emotions=min_emotions,
        devices=tuple(devices),
        limit=limit,
        segment_s=segment_seconds,
        latency_budget_s=latency_seconds,
        merge=chosen_merges(merge_preset, merge).as_dict(),
        find_speech=find_speech,
        min_speech=min_speech if skip_silence or min_speech > 0 else None,
        overwrite=Overwrite(overwrite),
        engines=engines,
        perturbations=parse_perturbations(perturb),
    )
    scoring = _Scoring(rank_seen=rank_seen, focus=wanted_emotions(focus), metrics=tuple(metrics), by=tuple(by))
    with UserMetrics(metrics, settings, progress):
        pass  # what cannot be loaded is told before hours of work, not after
    registry = open_registry(candidates, models, progress)
    filters = Filters(
        speakers=tuple(speakers),
        languages=tuple(languages),
        only_labels=tuple(only_labels),
        sample=sample,
        seed=seed,
    )
    opened = open_corpora(
        corpora,
        registry,
        limit=limit,
        filters=filters,
        channel=None if channel is None else ChannelChoice(channel),
        settings=settings,
        progress=progress,
    )
    for corpus in opened:
        for note in corpus.notes:
            progress.note(f"{corpus.name}: {note}")
    wanted_columns(by, [corpus.clips for corpus in opened])  # what no corpus has is told before hours of work
    check_writable(Path(output))
    check_writable(settings.cache, remedy=CHOOSE_ANOTHER_CACHE)
    wanted = VerifyOptions(repair_heads=repair_heads, max_download_gb=max_download_gb, confirm=confirm)
    record = _evaluate(registry, opened, options=options, wanted=wanted, settings=settings, progress=progress)
    save_run(settings.cache, record)
    recordings = Recordings.of(opened, embed=embed_audio)
    leaderboard, files = _report(
        record, Path(output), scoring=scoring, recordings=recordings, settings=settings, progress=progress
    )
    exit_code, problems = judge_run(record, strict=strict)
    return RunOutcome(leaderboard=leaderboard, record=record, files=files, exit_code=exit_code, problems=problems)


@dataclass(frozen=True, kw_only=True)
class _Scoring:
    """What a user asks of the scores, beside those that everybody gets."""

    rank_seen: bool
    focus: tuple[str, ...]
    metrics: tuple[str, ...]
    by: tuple[str, ...]


def _evaluate(
    registry: Registry,
    corpora: Sequence[Corpus],
    *,
    options: RunOptions,
    wanted: VerifyOptions,
    settings: Settings,
    progress: Progress,
) -> RunRecord:
    """Verify the candidates, choose those that are run, and run them."""
    created = datetime.now(UTC)
    hub = Hub(timeout_s=settings.hub_timeout_s)
    verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=wanted)
    selection = select_subjects(registry, verifications, min_emotions=options.min_emotions, hub=hub, progress=progress)
    environment = Environment.here()
    evaluated = Evaluation(
        subjects=selection.subjects,
        corpora=tuple(corpus.merging(options.merge) for corpus in corpora),
        devices=resolve_devices(options.devices, settings),
        options=options,
        settings=settings,
        store=PredictionStore(settings.cache),
        environment=environment,
    ).run(progress)
    return RunRecord(
        created=created,
        environment=environment,
        registry=registry.title,
        min_emotions=options.min_emotions,
        limit=options.limit,
        interrupted=evaluated.interrupted,
        verifications=verifications,
        ineligible=selection.ineligible,
        corpora=tuple(evaluated.corpora),
        evaluations=tuple(evaluated.evaluations),
        latencies=tuple(evaluated.latencies),
        perturbed=tuple(evaluated.perturbed),
    )


def _report(
    record: RunRecord,
    folder: Path,
    *,
    scoring: _Scoring,
    recordings: Recordings,
    settings: Settings,
    progress: Progress,
) -> tuple[Leaderboard, tuple[Path, ...]]:
    """Score a run from what it stored, and write the reports."""
    store = PredictionStore(settings.cache)
    with UserMetrics(scoring.metrics, settings, progress) as own:
        leaderboard = score_run(
            record, store.read, rank_seen=scoring.rank_seen, focus=scoring.focus, metrics=own.metrics, by=scoring.by
        )
    verified = VerificationReport(
        created=record.created,
        registry=record.registry,
        environment=record.environment,
        cache=str(settings.cache.absolute()),
        candidates=record.verifications,
    )
    reports = (
        *write_leaderboard(leaderboard, folder, record=record, recordings=recordings),
        write_predictions(prediction_tables(record, store.read), folder),
        *write_verification(verified, folder, fallback_below=record.min_emotions),
    )
    return leaderboard, reports
