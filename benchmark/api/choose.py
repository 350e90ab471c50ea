"""Choosing from finished runs: `recommend` and `ensemble`. Stored results only; no model is ever loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchmark.api.arguments import checked
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.reporting.recommend import registry_file
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.files import write_atomically
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import RunRecord, load_run
from benchmark.results.store import PredictionStore
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.ensembles import ensemble_request
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.recommendation import Recommendation
from benchmark.scoring.recommendation import recommend as recommend_from
from benchmark.settings import Settings, expanded


@dataclass(frozen=True, kw_only=True)
class RecommendOutcome:
    """What `recommend` brought.

    Attributes:
        recommendation: The choices, and what speaks against all others.
        record: The run they come from.
        files: The registry file, where one was asked for and there was something to write.
        exit_code: As the command line would exit with: 1 where nobody keeps to what was asked for.
        problems: Why that is not 0, in sentences for a person.
    """

    recommendation: Recommendation
    record: RunRecord
    files: tuple[Path, ...]
    exit_code: int
    problems: tuple[str, ...]


@checked
def recommend(
    run: str | None = None,
    *,
    max_latency_ms: float | None = None,
    min_uar: float | None = None,
    language: str | None = None,
    max_size_mb: float | None = None,
    licenses: Sequence[str] = (),
    corpora: Sequence[str] = (),
    device: str | None = None,
    write: str | Path | None = None,
    force: bool = False,
    settings: Settings | None = None,
) -> RecommendOutcome:
    """Choose a candidate from a finished run.

    Args:
        run: Which run: its name in the store, or the path of its record; by default the latest that was finished.
        max_latency_ms: The median time of one segment at most.
        min_uar: The lower bound of UAR at least.
        language: Only corpora in this language count.
        max_size_mb: Megabytes of weight files at most.
        licenses: The licences to choose from.
        corpora: Only these corpora of the run count.
        device: What the latency belongs to; by default the CPU, or what was timed.
        write: A registry file to write, with all that may be chosen, the pick first.
        force: Whether `write` may replace a file.
        settings: Places and limits.

    Returns:
        The choices, and every other candidate with what speaks against it.

    Raises:
        RequestError: There is no such run or corpus, a limit makes no sense, or the file exists.
        UnavailableError: The disk is full.
    """
    settings = settings or Settings()
    target = None if write is None else expanded(write)
    if target is not None and target.exists() and not force:
        raise RequestError(f"{target} exists; choose another name, or add --force to replace it.")
    try:
        constraints = Constraints(
            max_latency_ms=max_latency_ms,
            min_uar=min_uar,
            language=language,
            max_size_mb=max_size_mb,
            licenses=tuple(licenses),
            corpora=tuple(corpora),
            device=device,
        )
    except ValidationError as problem:
        wrong = problem.errors()[0]
        raise RequestError(f"{wrong['loc'][0]} cannot be {wrong['input']}: {wrong['msg']}.") from problem
    record = load_run(settings.cache, run)
    leaderboard = score_run(record, PredictionStore(settings.cache).read)
    recommendation = recommend_from(leaderboard, record, constraints)
    files: tuple[Path, ...] = ()
    if target is not None and recommendation.choices:
        text = registry_file(record, [choice.candidate for choice in recommendation.choices])
        files = (write_atomically(target, text, remedy="choose another file with --write"),)
    return RecommendOutcome(
        recommendation=recommendation,
        record=record,
        files=files,
        exit_code=0 if recommendation.choices else EXIT_UNMET,
        problems=() if recommendation.problem is None else (recommendation.problem,),
    )


@dataclass(frozen=True, kw_only=True)
class EnsembleOutcome:
    """What `ensemble` brought.

    Attributes:
        leaderboard: The run's leaderboard, with a row of the ensemble on every corpus where there is one.
        record: The run it comes from.
        files: The reports that were written.
        exit_code: As the command line would exit with: 1 where the ensemble has no row at all.
        problems: Why that is not 0, in sentences for a person.
    """

    leaderboard: Leaderboard
    record: RunRecord
    files: tuple[Path, ...]
    exit_code: int
    problems: tuple[str, ...]


@checked
def ensemble(
    members: Sequence[str],
    run: str | None = None,
    *,
    output: str | Path = "reports",
    settings: Settings | None = None,
) -> EnsembleOutcome:
    """Let several candidates of a finished run answer together, and write the leaderboards with their row.

    Args:
        members: Names or ids of candidates that the run evaluated; or `best:3`, to have three chosen on one half of
            the speakers and scored on the other, both ways.
        run: Which run: its name in the store, or the path of its record; by default the latest that was finished.
        output: The folder for the reports.
        settings: Places and limits.

    Returns:
        The leaderboard with the ensemble, and the files.

    Raises:
        RequestError: There is no such run or candidate, or the folder cannot be written.
        UnavailableError: The disk is full.
    """
    settings = settings or Settings()
    record = load_run(settings.cache, run)
    request = ensemble_request(members, record)
    leaderboard = score_run(record, PredictionStore(settings.cache).read, ensemble=request)
    present = any(row.candidate == request.name for row in leaderboard.rows)
    return EnsembleOutcome(
        leaderboard=leaderboard,
        record=record,
        files=write_leaderboard(leaderboard, Path(output)),
        exit_code=0 if present else EXIT_UNMET,
        problems=() if present else (leaderboard.failures.get(request.name, "The run has no corpus."),),
    )
