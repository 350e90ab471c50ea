"""`verify`: from the registry to the reports of the verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import INTERRUPTED, Outcome, judge_verification
from benchmark.hub.client import Hub
from benchmark.options.declare import keywords
from benchmark.options.model_commands import VerifyRequest
from benchmark.progress import Progress, Silent
from benchmark.registry.loading import find_registry, select
from benchmark.registry.locations import shadowed_id
from benchmark.registry.schema import Registry
from benchmark.registry.trained import declare_training
from benchmark.reporting.writing import write_verification
from benchmark.results.environment import Environment
from benchmark.results.files import check_writable
from benchmark.results.storage import prepare_cache
from benchmark.results.verification import VerificationReport
from benchmark.settings import Settings
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.verify import InterruptedVerificationError, verify_candidates


@dataclass(frozen=True, kw_only=True)
class VerifyOutcome(Outcome):
    """Result of `verify`."""

    report: VerificationReport

    @property
    def complete(self) -> bool:
        """Whether all candidates had their turn, and none lost its worker for good."""
        return self.report.complete


def verify_with(options: VerifyRequest) -> VerifyOutcome:
    """Check which candidates are working emotion classifiers, and write the reports.

    After an interruption, the verdicts until then are reported.

    Raises:
        RequestError: The registry, a model or the folder is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.verify("demo", output="reports")  # doctest: +SKIP
        >>> [verification.candidate for verification in outcome.report.candidates]  # doctest: +SKIP
    """
    progress = options.progress or Silent()
    settings = options.settings or Settings(jobs=options.jobs)
    folder = Path(options.output)
    check_writable(folder)
    registry = open_registry(options.candidates, options.models, progress)
    prepare_cache(settings)
    limits = VerifyOptions(
        depth=Depth(options.depth),
        repair_heads=options.repair_heads,
        max_download_gb=options.max_download_gb,
        free_cache=options.free_cache,
        refresh=options.refresh,
        confirm=options.confirm,
    )
    hub, interrupted = Hub(timeout_s=settings.hub_timeout_s), False
    try:
        verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=limits)
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
    exit_code, problems = INTERRUPTED if interrupted else judge_verification(verifications, strict=options.strict)
    files = write_verification(report, folder)
    return VerifyOutcome(report=report, files=files, exit_code=exit_code, problems=problems)


verify = keywords(verify_with, VerifyRequest)


def open_registry(candidates: str | Path | None, models: Sequence[str], progress: Progress) -> Registry:
    """Load the registry, log its origin if its candidates are used, select models, and read what bench trained them on.

    Raises:
        RequestError: The registry or a model is wrong; the message says how to fix it.
    """
    registry = find_registry(candidates)
    selected = select(registry, models)
    if registry.announced and any(candidate in registry.candidates for candidate in selected.candidates):
        progress.note(registry.announced)
    for model in models:
        if (folder := shadowed_id(model, Path.cwd())) is not None:
            progress.warn(f"{model} is the folder {folder} here, not the repository of that name on the Hub.")
    return declare_training(selected, progress)
