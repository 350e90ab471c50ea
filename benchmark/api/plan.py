"""`plan`: how many speakers and clips a question about candidates needs. No model is loaded."""

from dataclasses import dataclass

from benchmark.api.outcomes import Outcome, judge_completeness
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.options.declare import keywords
from benchmark.options.report_commands import PlanRequest
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.run_selection import select_from, with_rare_classes
from benchmark.results.runs import RunRecord, load_run
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.planning import Plan, plan_from_assumptions, plan_from_run
from benchmark.settings import Settings

_DIFFERENCE = 0.1


@dataclass(frozen=True, kw_only=True)
class PlanOutcome(Outcome):
    """Result of `plan`.

    Attributes:
        plan: The designs, with what each needs.
        record: The run, or its selected part; None where the plan rests on assumptions.
    """

    plan: Plan
    record: RunRecord | None

    @property
    def complete(self) -> bool:
        """Whether everything that the run was asked for came to its end."""
        return self.plan.complete


def plan_with(options: PlanRequest) -> PlanOutcome:
    """Plan how many speakers and clips tell two candidates apart, or the best from the rest.

    Raises:
        RequestError: There is no such run, candidate or corpus, or the assumptions contradict each other.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.plan(assume_uar=0.6, difference=0.1)
        >>> [(design.clips_per_speaker, design.speakers.value) for design in outcome.plan.corpora[0].designs][:2]
        [(4, 111.0), (8, 67.0)]
    """
    if options.assume_uar is not None:
        return PlanOutcome(plan=_assumed(options, options.assume_uar), record=None)
    settings = options.settings or Settings()
    record = select_from(load_run(settings.cache, options.run), models=options.models, corpora=options.corpora)
    record = with_rare_classes(record, options.rare_classes)
    read = PredictionStore(settings.cache).read
    leaderboard = score_run(record, read)
    plan = plan_from_run(record, read, wanted=options.power, difference=options.difference, gaps=leaderboard.gaps)
    exit_code, problems = judge_completeness(leaderboard)
    unplanned = tuple(f"{corpus.corpus}: {corpus.problem}" for corpus in plan.corpora if corpus.problem is not None)
    if len(unplanned) == len(plan.corpora):
        exit_code, problems = EXIT_UNMET, (*problems, *unplanned)
    return PlanOutcome(plan=plan, record=record, exit_code=exit_code, problems=problems)


plan = keywords(plan_with, PlanRequest)


def _assumed(options: PlanRequest, uar: float) -> Plan:
    difference = _DIFFERENCE if options.difference is None else options.difference
    if options.run is not None or options.models or options.corpora:
        raise RequestError("--assume-uar plans without a run: leave out --run, --model and --corpus, or it.")
    if difference >= uar:
        raise RequestError(f"A candidate cannot be worse by {difference:g} than a UAR of {uar:g}: lower --difference.")
    return plan_from_assumptions(
        uar=uar,
        difference=difference,
        candidates=options.assume_candidates,
        emotions=options.assume_emotions,
        wanted=options.power,
    )
