"""`verify`: from the registry to the reports of the verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.api.outcomes import INTERRUPTED, Outcome, judge_verification
from benchmark.api.progress import open_progress
from benchmark.api.store import open_store
from benchmark.hub.client import Hub
from benchmark.options.declare import keywords
from benchmark.options.model_commands import VerifyRequest
from benchmark.progress import Progress
from benchmark.registry.loading import find_registry, select
from benchmark.registry.locations import shadowed_id
from benchmark.registry.schema import Registry
from benchmark.registry.trained import declare_training
from benchmark.reporting.notebook import verification_blocks, verification_summary
from benchmark.reporting.writing import write_verification
from benchmark.results.environment import Environment
from benchmark.results.files import check_writable
from benchmark.results.storage import prepare_cache
from benchmark.results.verification import VerificationReport
from benchmark.settings import Settings
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.verify import InterruptedVerificationError, verify_candidates

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class VerifyOutcome(Outcome):
    """Result of `verify`."""

    report: VerificationReport

    def __repr__(self) -> str:
        return self._in_short(verification_summary(self.report))

    def _repr_html_(self) -> str:
        return self._html(verification_blocks(self.report))

    def to_dataframe(self) -> "pd.DataFrame":
        """Give the verdicts; see `VerificationReport.to_dataframe`."""
        return self.report.to_dataframe()

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
    progress = open_progress(options.progress)
    settings = options.settings or Settings(jobs=options.jobs)
    folder = Path(options.output)
    check_writable(folder)
    registry = open_registry(options.candidates, options.models, progress)
    prepare_cache(settings)
    limits = replace(
        VerifyOptions.of(options, confirm=options.confirm),
        depth=Depth(options.depth),
        free_cache=options.free_cache,
        refresh=options.refresh,
    )
    hub, interrupted = Hub(timeout_s=settings.hub_timeout_s), False
    with open_store(options.store, settings, progress) as store:
        store.fetch_verdicts(registry.candidates)
        try:
            verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=limits)
        except InterruptedVerificationError as error:
            verifications, interrupted = error.verifications, True
        store.upload()
        judgement = INTERRUPTED if interrupted else judge_verification(verifications, strict=options.strict)
        exit_code, problems = store.judged(judgement)
    report = VerificationReport(
        created=datetime.now(UTC),
        registry=registry.title,
        environment=Environment.here(),
        cache=str(settings.cache.absolute()),
        candidates=verifications,
        interrupted=interrupted,
    )
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
