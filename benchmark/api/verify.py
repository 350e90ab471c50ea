"""Verification, the whole way in order: what `benchmark.verify` and `bench verify` call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from benchmark.api.arguments import checked
from benchmark.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, EXIT_UNMET
from benchmark.hub.client import Hub
from benchmark.progress import Progress, Silent
from benchmark.registry.loading import find_registry, select
from benchmark.registry.locations import shadowed_id
from benchmark.registry.schema import Registry
from benchmark.reporting.writing import write_verification
from benchmark.results.environment import Environment
from benchmark.results.files import check_writable
from benchmark.results.status import Status
from benchmark.results.verification import Verification, VerificationReport
from benchmark.settings import Settings
from benchmark.verification.options import Depth, VerifyOptions, nobody_to_ask
from benchmark.verification.verify import InterruptedVerificationError, verify_candidates

INTERRUPTED = (
    EXIT_INTERRUPTED,
    ("Interrupted; what was finished is kept, and the same command goes on from there.",),
)
"""What whatever was stopped exits with, and why."""


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


@checked
def verify(
    candidates: str | Path | None = None,
    *,
    models: Sequence[str] = (),
    depth: Literal["inspect", "load", "probe"] = "probe",
    repair_heads: bool = True,
    max_download_gb: float | None = None,
    free_cache: bool = False,
    output: str | Path = "reports",
    jobs: int = 1,
    strict: bool = False,
    refresh: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
    confirm: Callable[[str], bool | None] = nobody_to_ask,
) -> VerifyOutcome:
    """Find out which candidates are working emotion classifiers, and write the reports of it.

    Args:
        candidates: A registry file, or `demo`; by default `candidates.yaml` here, else the packaged one.
        models: Only these: names or ids of the registry, other Hub ids, or local folders.
        depth: `inspect` reads no weights, `load` loads what is undecided then, `probe` asks what was loaded.
        repair_heads: Whether known heads that transformers has no class for are rebuilt.
        max_download_gb: How much may be downloaded in all, in GB (10⁹ bytes); by default 5, and more if confirmed.
        free_cache: Whether a revision that this call has downloaded is deleted after use.
        output: The folder for the reports.
        jobs: Workers that compute at once.
        strict: Whether a status that the registry does not expect, or an unreachable candidate, is a failure.
        refresh: Whether to verify again what a former call has verified.
        settings: Places and limits.
        progress: Who wants to hear how far the work is.
        confirm: Asks a person whether a large download is wanted; by default nobody is asked, and what is over the
            limit is `skipped`.

    Returns:
        The verdicts, the files, and whether all is as asked; after an interruption what was found out until then.

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
    options = VerifyOptions(
        depth=Depth(depth),
        repair_heads=repair_heads,
        max_download_gb=max_download_gb,
        free_cache=free_cache,
        refresh=refresh,
        confirm=confirm,
    )
    folder = Path(output)
    check_writable(folder)
    registry = open_registry(candidates, models, progress)
    hub, interrupted = Hub(timeout_s=settings.hub_timeout_s), False
    try:
        verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=options)
    except InterruptedVerificationError as error:
        verifications, interrupted = error.verifications, True
    report = VerificationReport(
        created=datetime.now(UTC),
        registry=registry.title,
        environment=Environment.here(),
        cache=str(settings.cache.absolute()),
        candidates=verifications,
        interrupted=interrupted,
    )
    exit_code, problems = INTERRUPTED if interrupted else judge_verification(verifications, strict=strict)
    return VerifyOutcome(
        report=report, files=write_verification(report, folder), exit_code=exit_code, problems=problems
    )


def open_registry(candidates: str | Path | None, models: Sequence[str], progress: Progress) -> Registry:
    """Find the registry that the user means, tell which it is, and take the models that the user names.

    Raises:
        RequestError: The registry or a model is wrong; the message says how to fix it.
    """
    found = find_registry(None if candidates is None else str(candidates))
    if found.announced:
        progress.note(found.announced)
    for model in models:
        if (folder := shadowed_id(model, Path.cwd())) is not None:
            progress.warn(f"{model} is the folder {folder} here, not the repository of that name on the Hub.")
    return select(found.registry, models)


def judge_verification(verifications: Sequence[Verification], *, strict: bool) -> tuple[int, tuple[str, ...]]:
    """Tell whether a verification is as the user asked.

    Args:
        verifications: The verdicts.
        strict: Whether a status that the registry does not expect, or an unreachable candidate, is a failure.

    Returns:
        The exit code, and why it is not 0, in sentences for a person.
    """
    unreachable = [each for each in verifications if each.status is Status.UNREACHABLE]
    if unreachable and (strict or len(unreachable) == len(verifications)):
        names = ", ".join(each.candidate for each in unreachable)
        which = "No candidate" if len(unreachable) == len(verifications) else f"{names}: no candidate"
        return EXIT_ENVIRONMENT, (
            f"{which} could be reached: {unreachable[0].reason} "
            "To see bench at work without the Hub: bench run --candidates demo.",
        )
    surprises = tuple(
        f"{each.candidate} is {each.status}, where {each.expect} was expected: {each.reason}"
        for each in verifications
        if each.surprising
    )
    return (EXIT_UNMET, surprises) if strict and surprises else (0, ())
