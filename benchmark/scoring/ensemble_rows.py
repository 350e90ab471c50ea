"""The row of an ensemble: its scores from its members' stored answers, its costs the sums of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.predictions import InferenceSetup
from benchmark.results.runs import EvaluationRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers
from benchmark.scoring.corpus_board import CorpusBoard
from benchmark.scoring.ensemble_requests import EnsembleRequest
from benchmark.scoring.ensembles import cross_fitted, soft_vote
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.flags import Flag
from benchmark.scoring.rows import scored_row
from benchmark.scoring.seen import Seen
from benchmark.scoring.standings import rank_corpus

_TIMES = ("latency_p50_ms", "load_s", "peak_memory_mb")
_SIZES = ("parameters", "size_mb")
_SETTING = ("device", "backend", "dtype")


@dataclass(frozen=True, kw_only=True)
class EnsembleRow:
    """What came of an ensemble on one corpus: a row, or why there is none, in a sentence."""

    row: LeaderboardRow | None = None
    problem: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class _Ensemble:
    evaluated: StoredEvaluation
    teams: tuple[tuple[str, ...], ...]
    reason: str


def ensemble_row(board: CorpusBoard, rows: Sequence[LeaderboardRow], request: EnsembleRequest) -> EnsembleRow:
    """Score an ensemble on one corpus.

    It is not ranked, so that asking for one changes nobody else's rank. Its latency is the sum of its members': they
    answer one after the other; where the members differ between the halves of the speakers, that of the slower team.

    Args:
        board: What the candidates said to the corpus.
        rows: Their rows on it, a candidate's deciding one first.
        request: The members, or how many to choose.
    """
    deciding = {one.evaluation.candidate: board.of(one.evaluation.candidate)[0] for one in board.evaluated}
    complete = {name: one for name, one in deciding.items() if one.complete}
    found = _named(request, complete) if request.best is None else _chosen(request, complete, request.best)
    if isinstance(found, str):
        return EnsembleRow(problem=f"{board.summary.name}: {found}")
    standings = rank_corpus(tuple(complete.values()), rank_seen=True)
    row = scored_row(found.evaluated, board.summary, standings, loose=board.loose)
    first = {row.candidate: row for row in reversed(rows) if row.corpus == board.summary.name}
    return EnsembleRow(
        row=row.model_copy(
            update={
                "rank": None,
                "revision": None,
                "head": None,
                "flags": (Flag.ENSEMBLE.value, *row.flags),
                "flag_reasons": {Flag.ENSEMBLE.value: found.reason, **row.flag_reasons},
                **_costs([[first[name] for name in team] for team in found.teams]),
            }
        )
    )


def _named(request: EnsembleRequest, complete: dict[str, StoredEvaluation]) -> _Ensemble | str:
    absent = [name for name in request.members if name not in complete]
    if absent:
        return f"{', '.join(absent)} did not answer all clips."
    members = [complete[name] for name in request.members]
    return _Ensemble(
        evaluated=_together(request.name, members, soft_vote([member.answers for member in members])),
        teams=(request.members,),
        reason=f"the mean probabilities of {', '.join(request.members)}.",
    )


def _chosen(request: EnsembleRequest, complete: dict[str, StoredEvaluation], size: int) -> _Ensemble | str:
    unseen = {name: one for name, one in complete.items() if one.seen != Seen.YES}
    if len(unseen) < size:
        return f"{len(unseen)} candidates that were not trained on it answered all clips; {size} were asked for."
    answers = [one.answers for one in unseen.values()]
    if not answers[0].scored.any():
        return "without labels nobody can say which candidates are the best; name the members."
    fitted = cross_fitted(answers, size)
    if fitted is None:
        return "to choose on one half of the speakers and score on the other, all speakers must be known, and two."
    names = list(unseen)
    teams = tuple(tuple(names[place] for place in team) for team in fitted.members)
    members = [unseen[name] for name in dict.fromkeys(name for team in teams for name in team)]
    return _Ensemble(evaluated=_together(request.name, members, fitted.answers), teams=teams, reason=_how_chosen(teams))


def _how_chosen(teams: tuple[tuple[str, ...], ...]) -> str:
    listed = [", ".join(team) for team in teams]
    if set(teams[0]) == set(teams[1]):
        return f"both halves of the speakers, each scored by what was chosen on the other, got {listed[0]}."
    return (
        f"chosen on one half of the speakers and scored on the other: {listed[0]} for the first, {listed[1]} for the "
        "second; none of these is the ensemble of the whole corpus."
    )


def _together(name: str, members: Sequence[StoredEvaluation], answers: Answers) -> StoredEvaluation:
    """Describe the ensemble as if it were a candidate, for rows are made of candidates."""
    first = members[0].evaluation
    setup = InferenceSetup(
        candidate=name,
        revision="",
        labels=answers.classes,
        head="",
        backend=first.setup.backend,
        device=first.setup.device,
        dtype=first.setup.dtype,
        window_s=min(member.evaluation.setup.window_s for member in members),
        versions={},
    )
    repaired = any(member.verification.status is Status.REPAIRED for member in members)
    return StoredEvaluation(
        evaluation=EvaluationRecord(candidate=name, corpus=first.corpus, setup=setup),
        verification=Verification(
            candidate=name,
            id=name,
            status=Status.REPAIRED if repaired else Status.USABLE,
            reason="An ensemble.",
            labels=answers.classes,
            emotions=answers.classes,
            multi_label=any(member.verification.multi_label for member in members),
        ),
        answers=answers,
        seen=_seen(members),
        loose_map=any(member.loose_map for member in members),
    )


def _seen(members: Sequence[StoredEvaluation]) -> Seen:
    said = {member.seen for member in members}
    return next(answer for answer in (Seen.YES, Seen.UNKNOWN, Seen.NO) if answer in said)


def _costs(teams: Sequence[Sequence[LeaderboardRow]]) -> dict[str, object]:
    """Sum what the members cost, for the dearer team; None where that of a member is unknown, or on another device."""
    members = [member for team in teams for member in team]
    setting = {name: _shared([getattr(member, name) for member in members]) for name in _SETTING}
    names = _TIMES + _SIZES if None not in setting.values() else _SIZES
    costs = {name: _dearest([[getattr(member, name) for member in team] for team in teams]) for name in names}
    # Seconds of computing per second of audio add up, and RTFx is their reciprocal.
    shares = [[None if member.rtfx is None else 1 / member.rtfx for member in team] for team in teams]
    share = _dearest(shares) if names != _SIZES else None
    return {**setting, **costs, "rtfx": None if share is None else 1 / share}


def _shared(values: Sequence[str | None]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _dearest(teams: Sequence[Sequence[float | None]]) -> float | None:
    sums = [_sum(team) for team in teams]
    return None if None in sums else max(each for each in sums if each is not None)


def _sum(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(value for value in values if value is not None)
