"""The candidates that the app offers, and what a finished run says about them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmark.api.predict import usable_models
from benchmark.api.verify import open_registry
from benchmark.errors import RequestError
from benchmark.evaluation.eligibility import Subject
from benchmark.options.model_commands import AppRequest
from benchmark.progress import Progress
from benchmark.registry.loading import find_registry
from benchmark.reporting.numbers import moment
from benchmark.results.environment import Environment
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import RunRecord, load_run
from benchmark.results.status import Verdict
from benchmark.results.timelines import RefusedModel
from benchmark.results.verification import Verification
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.flags import in_order
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.recommendation import recommend
from benchmark.settings import Settings
from benchmark.verification.options import VerifyOptions


@dataclass(frozen=True)
class RunFacts:
    """What a finished run says about its candidates, which are named by id and revision.

    Attributes:
        title: Names the run in a sentence.
        pick: The candidate that `recommend` picks; None where there is none.
        flags: The flags of each candidate on all corpora with scores together; on all corpora where none has scores.
    """

    title: str
    pick: str | None
    flags: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class AppCandidates:
    """The candidates of the app.

    Attributes:
        subjects: Those that can be asked, by name; the pick of the run is the first.
        refused: Those that cannot.
        run: The run that flags and pick are from; None where there is none.
    """

    subjects: Mapping[str, Subject]
    refused: tuple[RefusedModel, ...]
    run: RunFacts | None

    @property
    def pick(self) -> str | None:
        """The name of the run's pick; None where it is not among the candidates."""
        first = next(iter(self.subjects.values()))
        return first.name if self.run is not None and self.run.pick == _identity(first.verification) else None

    def flags(self, name: str) -> tuple[str, ...]:
        """The flags of a candidate in the run; none where the run did not measure this revision."""
        return () if self.run is None else self.run.flags.get(_identity(self.subjects[name].verification), ())


def find_candidates(options: AppRequest, settings: Settings, progress: Progress) -> AppCandidates:
    """Find what can be asked: `-m`, `--candidates`, or else the candidates of the run, which need no network.

    Raises:
        RequestError: There is no such run, a model or the registry is wrong, or none of the models is usable.
        UnavailableError: No model could be reached.
    """
    record = _find_run(options, settings)
    limits = VerifyOptions.of(options, confirm=options.confirm)
    of_run = record is not None and not options.models and (options.candidates is None or options.run is not None)
    if record is not None and of_run:
        path = options.candidates or _registry_of(record)
        registry = open_registry(path, _models_of(record, path), progress)
    else:
        registry = open_registry(options.candidates, options.models, progress)
    usable = usable_models(registry, limits, settings, progress, offline=True if of_run else None)
    run = None if record is None else _facts(record, settings)
    pick = None if run is None else run.pick
    ordered = sorted(usable.subjects, key=lambda subject: _identity(subject.verification) != pick)
    return AppCandidates({subject.name: subject for subject in ordered}, usable.refused, run)


def _find_run(options: AppRequest, settings: Settings) -> RunRecord | None:
    if options.run is not None:
        return load_run(settings.cache, options.run)
    with suppress(RequestError):  # there is none yet
        return load_run(settings.cache)
    return None


def _registry_of(record: RunRecord) -> str | None:
    """The registry that a run was asked for; None for the default one."""
    chosen = None if record.request is None else record.request.options.get("candidates")
    if record.request is None or not isinstance(chosen, str):
        return None
    path = Path(record.request.folder, chosen)
    return str(path) if path.exists() else chosen


def _models_of(record: RunRecord, registry: str | Path | None) -> list[str]:
    """The usable candidates of a run, by name where the registry lists them, else by id."""
    listed = {candidate.name for candidate in find_registry(registry).candidates}
    usable = [
        own.candidate if own.candidate in listed else own.id
        for own in record.verifications
        if own.verdict is Verdict.USABLE and not own.is_imported
    ]
    if not usable:
        raise RequestError("No candidate of the run is usable: name a model with -m, or another run with --run.")
    return usable


def _facts(record: RunRecord, settings: Settings) -> RunFacts:
    predictions = PredictionStore(settings.cache).read
    leaderboard = score_run(record, predictions)
    recommendation = recommend(leaderboard, record, predictions, Constraints())
    identities = {own.candidate: _identity(own) for own in record.verifications}
    rows = [row for row in leaderboard.rows if row.uar is not None] or leaderboard.rows
    flags = {
        identity: in_order({flag for row in rows if row.candidate == name for flag in row.flags})
        for name, identity in identities.items()
    }
    elsewhere = "" if record.environment.is_same_machine(Environment.here()) else ", on another machine"
    name = f" “{record.name}”" if record.name else ""
    pick = None if recommendation.pick is None else identities.get(recommendation.pick)
    return RunFacts(f"the run{name} of {moment(record.created)}{elsewhere}", pick, flags)


def _identity(verification: Verification) -> str:
    return f"{verification.id}@{verification.revision}"
