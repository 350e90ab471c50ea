"""`recommend` and `ensemble`: choose from finished runs. No model is loaded."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchmark.api.outcomes import Outcome, ScoredOutcome, judge_completeness
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.options.declare import keywords
from benchmark.options.report_commands import EnsembleRequest, RecommendRequest
from benchmark.reporting.recommend import registry_file
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.files import write_atomically
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import RunRecord, load_run
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.ensembles import ensemble_request
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.recommendation import Recommendation
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
    record = load_run(settings.cache, options.run)
    predictions = PredictionStore(settings.cache).read
    leaderboard = score_run(record, predictions)
    recommendation = recommend_from(leaderboard, record, predictions, constraints)
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
    record = load_run(settings.cache, options.run)
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
