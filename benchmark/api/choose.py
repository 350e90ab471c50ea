"""`recommend` and `ensemble`: choose from finished runs. No model is loaded."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchmark.api.outcomes import Outcome, ScoredOutcome, judge_completeness
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.options.declare import keywords
from benchmark.options.report_commands import EnsembleRequest, RecommendRequest
from benchmark.options.shared import InferenceOptions
from benchmark.reporting.numbers import counted, fraction
from benchmark.reporting.recommend import recommendation_markdown, registry_file
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.environment import Environment
from benchmark.results.files import write_atomically
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup
from benchmark.results.run_selection import with_rare_classes
from benchmark.results.runs import ListedRun, RunRecord, describe_runs, load_run
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.ensembles import ensemble_request
from benchmark.scoring.latency import median_ms, with_costs
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.recommendation import OtherLatency, Recommendation, latency_device
from benchmark.scoring.recommendation import recommend as recommend_from
from benchmark.settings import Settings, expanded


@dataclass(frozen=True, kw_only=True)
class RecommendOutcome(Outcome):
    """Result of `recommend`.

    Attributes:
        recommendation: The choices, and the reasons against all other candidates.
        record: The run.
        files: The registry file, if one was requested and there are choices.
    """

    recommendation: Recommendation
    record: RunRecord

    def __repr__(self) -> str:
        own = self.recommendation
        expected = "; ".join(f"expect UAR {fraction(uar)} on {corpus}" for corpus, uar in own.expected_uar.items())
        pick = f"{own.pick or 'no candidate'}, of {counted(len(own.choices), 'choice')}"
        return self._in_short(f"{pick}; {expected}" if expected else pick)

    def _repr_html_(self) -> str:
        return self._html([recommendation_markdown(self.recommendation)])

    @property
    def complete(self) -> bool:
        """Whether everything that the run was asked for came to its end."""
        return self.recommendation.complete


def recommend_with(options: RecommendRequest) -> RecommendOutcome:
    """Choose a candidate from a finished run.

    Raises:
        RequestError: There is no such run or corpus, a limit is out of range, or the file exists.
        UnavailableError: The disk is full.
    """
    settings = options.settings or Settings()
    target = None if options.write is None else expanded(options.write)
    if target is not None and target.exists() and not options.force:
        raise RequestError(f"{target} exists; choose another name, or add --force to replace it.")
    constraints = _constraints(options)
    record = with_rare_classes(load_run(settings.cache, options.run), options.rare_classes)
    predictions = PredictionStore(settings.cache).read
    leaderboard = with_costs(score_run(record, predictions), options.price_per_hour)
    others = _latencies_of_other_runs(settings.cache, record, latency_device(leaderboard, constraints))
    recommendation = recommend_from(leaderboard, record, predictions, constraints, latencies=others)
    files: tuple[Path, ...] = ()
    if target is not None and recommendation.choices:
        text = registry_file(record, [choice.candidate for choice in recommendation.choices])
        files = (write_atomically(target, text, remedy="choose another file with --write"),)
    exit_code, problems = judge_completeness(leaderboard)
    if recommendation.problem is not None:
        problems = (*problems, recommendation.problem)
    return RecommendOutcome(
        recommendation=recommendation,
        record=record,
        files=files,
        exit_code=exit_code if recommendation.choices else EXIT_UNMET,
        problems=problems,
    )


recommend = keywords(recommend_with, RecommendRequest)


def _latencies_of_other_runs(cache: Path, record: RunRecord, device: str) -> dict[str, OtherLatency]:
    """The latest latency on this machine of each candidate that the run did not time on the device.

    Only those of the same revision, engine and length of a segment, since others cannot be compared.
    """
    if not record.environment.is_same_machine(Environment.here()):
        return {}
    timed = {own.candidate for own in record.latencies if own.device == device and median_ms(own) is not None}
    untimed = {
        f"{own.setup.candidate}@{own.setup.revision}": own for own in record.evaluations if own.candidate not in timed
    }
    segment_s = _segment_s(record)
    found: dict[str, OtherLatency] = {}
    for run in describe_runs(cache) if untimed else ():
        other = _readable(run) if untimed.keys() & run.verified else None
        if other is None or not other.environment.is_same_machine(record.environment):
            continue
        identities = {own.candidate: f"{own.id}@{own.revision}" for own in other.verifications}
        for latency in other.latencies:
            identity = identities.get(latency.candidate, "")
            if identity not in untimed or not _is_alike(latency, untimed[identity].setup, device, segment_s):
                continue
            candidate = untimed.pop(identity).candidate
            name = run.name or run.path.stem
            found[candidate] = OtherLatency(
                p50_ms=median_ms(latency) or 0.0, segment_s=segment_s, run=name, created=other.created
            )
    return found


def _readable(run: ListedRun) -> RunRecord | None:
    try:
        return load_run(run.path.parents[1], str(run.path))
    except RequestError:  # damaged, or of another version
        return None


def _segment_s(record: RunRecord) -> float:
    if record.latencies:
        return record.latencies[0].segment_s
    given = {} if record.request is None else record.request.options
    return float(str(given.get("segment-seconds", InferenceOptions.segment_seconds)))


def _is_alike(latency: LatencyMeasurement, setup: InferenceSetup, device: str, segment_s: float) -> bool:
    measured = (latency.device, latency.backend, latency.dtype, latency.segment_s)
    return measured == (device, setup.backend, setup.dtype, segment_s) and median_ms(latency) is not None


def _constraints(options: RecommendRequest) -> Constraints:
    try:
        return Constraints.model_validate({field: getattr(options, field) for field in Constraints.model_fields})
    except ValidationError as problem:
        wrong = problem.errors()[0]
        raise RequestError(f"{wrong['loc'][0]} cannot be {wrong['input']}: {wrong['msg']}.") from problem


class EnsembleOutcome(ScoredOutcome):
    """Result of `ensemble`: the leaderboard has a row of it for every corpus on which it could be scored."""


def ensemble_with(options: EnsembleRequest) -> EnsembleOutcome:
    """Combine several candidates of a finished run, and write the leaderboards with the ensemble's row.

    Raises:
        RequestError: There is no such run or candidate, or the folder cannot be written.
        UnavailableError: The disk is full.
    """
    settings = options.settings or Settings()
    record = with_rare_classes(load_run(settings.cache, options.run), options.rare_classes)
    request = ensemble_request(options.members, record)
    leaderboard = score_run(record, PredictionStore(settings.cache).read, ensemble=request)
    present = any(row.candidate == request.name for row in leaderboard.rows)
    exit_code, problems = judge_completeness(leaderboard)
    if not present:
        problems = (*problems, leaderboard.failures.get(request.name, "The run has no corpus."))
    return EnsembleOutcome(
        leaderboard=leaderboard,
        record=record,
        files=write_leaderboard(leaderboard, Path(options.output)),
        exit_code=exit_code if present else EXIT_UNMET,
        problems=problems,
    )


ensemble = keywords(ensemble_with, EnsembleRequest)
