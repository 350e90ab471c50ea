"""The whole way in order: what `import benchmark` offers, and what the command line calls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.filters import Filters
from benchmark.corpora.opening import open_corpora
from benchmark.emotions.merges import Merges
from benchmark.emotions.presets import chosen_merges
from benchmark.evaluation.devices import resolve_devices
from benchmark.evaluation.evaluate import Evaluation
from benchmark.evaluation.options import RunOptions
from benchmark.evaluation.predict import Overwrite
from benchmark.evaluation.subjects import select_subjects
from benchmark.hub.client import Hub
from benchmark.progress import Progress, Silent
from benchmark.registry.loading import find_registry, select
from benchmark.registry.schema import Registry
from benchmark.reporting.prediction_rows import prediction_rows
from benchmark.reporting.predictions import write_predictions
from benchmark.reporting.writing import write_leaderboard, write_verification
from benchmark.results.environment import Environment
from benchmark.results.files import check_writable
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.run import RunRecord
from benchmark.results.runs import save_run
from benchmark.results.status import Status, Verdict
from benchmark.results.store import PredictionStore
from benchmark.results.verification import Verification, VerificationReport
from benchmark.scoring.leaderboard import score_run
from benchmark.settings import Settings
from benchmark.verification.verify import verify_candidates

EXIT_UNMET = 1
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class VerifyOutcome:
    """What `verify` brought.

    Attributes:
        report: The verdict on every candidate.
        files: The reports that were written.
        exit_code: As the command line would exit with.
        problems: Why that is not 0, in sentences for a person.
    """

    report: VerificationReport
    files: tuple[Path, ...]
    exit_code: int
    problems: tuple[str, ...]


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


def verify(
    candidates: str | Path | None = None,
    *,
    models: Sequence[str] = (),
    output: str | Path = "reports",
    jobs: int = 1,
    strict: bool = False,
    refresh: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> VerifyOutcome:
    """Find out which candidates are working emotion classifiers, and write the reports of it.

    Args:
        candidates: A registry file, or `demo`; by default `candidates.yaml` here, else the packaged one.
        models: Only these: names or ids of the registry, other Hub ids, or local folders.
        output: The folder for the reports.
        jobs: Workers that compute at once.
        strict: Whether a status that the registry does not expect, or an unreachable candidate, is a failure.
        refresh: Whether to verify again what a former call has verified.
        settings: Places and limits.
        progress: Who wants to hear how far the work is.

    Returns:
        The verdicts, the files, and whether all is as asked.

    Raises:
        RequestError: The registry, a model or the folder is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.verify("demo", output="reports")  # doctest: +SKIP
        >>> [verification.candidate for verification in outcome.report.candidates]  # doctest: +SKIP
    """
    progress = progress or Silent()
    settings = settings or Settings(jobs=jobs)
    folder = Path(output)
    check_writable(folder)
    registry = _registry(candidates, models, progress)
    verifications = verify_candidates(
        registry, hub=Hub(timeout_s=settings.hub_timeout_s), settings=settings, progress=progress, refresh=refresh
    )
    report = VerificationReport(
        created=datetime.now(UTC),
        registry=registry.title,
        environment=Environment.here(),
        candidates=verifications,
    )
    exit_code, problems = _judge_verification(verifications, strict=strict)
    return VerifyOutcome(
        report=report, files=write_verification(report, folder).paths, exit_code=exit_code, problems=problems
    )


def run(
    candidates: str | Path | None = None,
    *,
    models: Sequence[str] = (),
    corpora: Sequence[str] = (),
    min_emotions: int = 2,
    devices: Sequence[str] = (),
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
    segment_seconds: float = 3.0,
    latency_seconds: float = 20.0,
    overwrite: Literal["never", "missing", "always"] = "missing",
    output: str | Path = "reports",
    jobs: int = 1,
    strict: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> RunOutcome:
    """Measure the usable candidates on the given audio, and write the leaderboards.

    Args:
        candidates: A registry file, or `demo`; by default `candidates.yaml` here, else the packaged one.
        models: Only these: names or ids of the registry, other Hub ids, or local folders.
        corpora: Names of the registry's corpora, or SPECs such as `folder:recordings`; by default the registry's.
        min_emotions: How many classes a candidate must distinguish to be run.
        devices: `cpu`, `cuda`; by default the CPU, and the GPU where torch sees one.
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
        segment_seconds: Length of the segments that latency is measured on.
        latency_seconds: Time for the latency of one candidate on one device; 0 measures none.
        overwrite: Which answers to compute where some are stored: `never`, `missing` or `always`.
        output: The folder for the reports.
        jobs: Workers that compute at once.
        strict: Whether a status that the registry does not expect, or an unreachable candidate, is a failure.
        settings: Places and limits.
        progress: Who wants to hear how far the work is.

    Returns:
        The leaderboard, the record of the run, the files, and whether all is as asked.

    Raises:
        RequestError: Something asked for is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.
    """
    progress = progress or Silent()
    settings = settings or Settings(jobs=jobs)
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
    )
    created = datetime.now(UTC)
    registry = _registry(candidates, models, progress)
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
    check_writable(Path(output))
    hub = Hub(timeout_s=settings.hub_timeout_s)
    verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress)
    selection = select_subjects(registry, verifications, min_emotions=min_emotions, hub=hub, progress=progress)
    environment = Environment.here()
    store = PredictionStore(settings.cache)
    evaluated = Evaluation(
        subjects=selection.subjects,
        corpora=tuple(replace(corpus, merge=Merges({**corpus.merge, **options.merge}).as_dict()) for corpus in opened),
        devices=resolve_devices(options.devices, settings),
        options=options,
        settings=settings,
        store=store,
        environment=environment,
    ).run(progress)
    record = RunRecord(
        created=created,
        environment=environment,
        registry=registry.title,
        min_emotions=min_emotions,
        limit=limit,
        interrupted=evaluated.interrupted,
        verifications=verifications,
        ineligible=selection.ineligible,
        corpora=tuple(evaluated.corpora),
        evaluations=tuple(evaluated.evaluations),
        latencies=tuple(evaluated.latencies),
    )
    save_run(settings.cache, record)
    leaderboard = score_run(record, store.read)
    folder = Path(output)
    files = write_leaderboard(leaderboard, folder).paths
    files += (write_predictions(prediction_rows(record, store.read), folder),)
    exit_code, problems = _judge_run(record, strict=strict)
    return RunOutcome(leaderboard=leaderboard, record=record, files=files, exit_code=exit_code, problems=problems)


def _registry(candidates: str | Path | None, models: Sequence[str], progress: Progress) -> Registry:
    found = find_registry(None if candidates is None else str(candidates))
    if found.announced:
        progress.note(found.announced)
    return select(found.registry, models)


def _judge_verification(verifications: Sequence[Verification], *, strict: bool) -> tuple[int, tuple[str, ...]]:
    unreachable = [each.candidate for each in verifications if each.status is Status.UNREACHABLE]
    if unreachable and (strict or len(unreachable) == len(verifications)):
        which = "No candidate" if len(unreachable) == len(verifications) else f"{', '.join(unreachable)}: no candidate"
        return EXIT_UNAVAILABLE, (
            f"{which} could be reached: {_reason_of(verifications, unreachable[0])} "
            "To see bench at work without the Hub: bench run --candidates demo.",
        )
    surprises = tuple(
        f"{each.candidate} is {each.status}, where {each.expect} was expected: {each.reason}"
        for each in verifications
        if each.expect is not None and each.expect is not each.status
    )
    return (EXIT_UNMET, surprises) if strict and surprises else (0, ())


def _reason_of(verifications: Sequence[Verification], candidate: str) -> str:
    return next(each.reason for each in verifications if each.candidate == candidate)


def _judge_run(record: RunRecord, *, strict: bool) -> tuple[int, tuple[str, ...]]:
    if record.interrupted:
        return EXIT_INTERRUPTED, ("Interrupted; what was finished is kept, and the same command goes on from there.",)
    exit_code, problems = _judge_verification(record.verifications, strict=strict)
    if exit_code == 0 and not record.evaluations:
        most = max(
            (len(each.emotion_classes) for each in record.verifications if each.verdict is Verdict.USABLE), default=0
        )
        return EXIT_UNMET, (
            f"No candidate was eligible: none is usable with at least {record.min_emotions} emotions "
            f"(the most that a usable one distinguishes is {most}). Lower --min-emotions or add candidates.",
        )
    return exit_code, problems
