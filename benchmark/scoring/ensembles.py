"""Ensembles: several candidates as one, by soft voting over their stored answers.

The probability of an emotion is the mean over those members that cover it and could process the clip, divided by the
sum over all emotions. A member that does not cover an emotion does not vote against it.
"""

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from benchmark.errors import RequestError, did_you_mean
from benchmark.results.leaderboard import LeaderboardRow, deciding_rows
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import unweighted_average_recall
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation
from benchmark.scoring.flags import Flag
from benchmark.scoring.leaderboard_rows import scored_row
from benchmark.scoring.ranking import rank_corpus
from benchmark.scoring.trained_on import Seen

MIN_MEMBERS = 2
_SEED = 20_260_301
_BEST = re.compile(r"best:(\d{1,4})")
_TIMES = ("latency_p50_ms", "load_s", "peak_memory_mb")
_SIZES = ("parameters", "size_mb")


@dataclass(frozen=True)
class EnsembleRequest:
    """An ensemble that a user requests: the members that vote by name, or how many of the best are to be chosen."""

    name: str
    members: tuple[str, ...] = ()
    best: int | None = None


def ensemble_request(words: Sequence[str], record: RunRecord) -> EnsembleRequest:
    """Read a user's request: names or ids of candidates that the run evaluated, or `best:N` alone.

    Raises:
        RequestError: A candidate was not evaluated, or there are fewer than two.
    """
    if len(words) == 1 and (best := _BEST.fullmatch(words[0])):
        size = int(best[1])
        if size < MIN_MEMBERS:
            raise RequestError(f"{words[0]} is no ensemble; ask for best:{MIN_MEMBERS} or more.")
        return EnsembleRequest(name=words[0], best=size)
    evaluated = list(dict.fromkeys(evaluation.candidate for evaluation in record.evaluations))
    ids = {candidate.id: candidate.candidate for candidate in record.verifications if candidate.candidate in evaluated}
    members = tuple(dict.fromkeys(word if word in evaluated else ids.get(word, word) for word in words))
    for member in members:
        if member not in evaluated:
            hint = did_you_mean(member, evaluated) or f"; it evaluated {', '.join(evaluated) or 'none'}"
            raise RequestError(f"this run did not evaluate {member!r}{hint}")
    if len(members) < MIN_MEMBERS:
        raise RequestError(f"an ensemble has at least {MIN_MEMBERS} members; name another, or ask for best:3.")
    return EnsembleRequest(name=" + ".join(members), members=members)


def soft_vote(members: Sequence[Answers]) -> Answers:
    """Combine the answers of candidates, over all classes that any of them has.

    A clip that no member could process has no answer.

    Examples:
        >>> def answers(classes: tuple[str, ...], *probabilities: float) -> Answers:
        ...     return Answers(source=np.array([probabilities]), classes=classes, truth=("fear",),
        ...         speakers=(None,))
        >>> both = soft_vote([answers(("anger", "fear"), 0.4, 0.6), answers(("anger", "sadness"), 0.6, 0.4)])
        >>> both.classes, both.probabilities.round(3).tolist()
        (('anger', 'fear', 'sadness'), [[0.333, 0.4, 0.267]])
    """
    classes = _all_classes(members)
    votes = reduce(operator.add, (_votes(member, classes) for member in members))
    missing = max(member.missing for member in members)
    return replace(members[0], classes=classes, source=_mean(votes), missing=missing)


def _votes(answers: Answers, classes: Sequence[str]) -> NDArray[np.float64]:
    """What a candidate adds to the vote: probabilities, and 1 where it gives one; shape (2, clips, classes)."""
    covered = np.array([name in answers.classes for name in classes], dtype=np.bool_)
    voters = (answers.answered[:, None] & covered).astype(np.float64)
    return np.stack([np.nan_to_num(answers.probabilities_of(classes)), voters])


def _mean(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities that sums of votes give, shape (clips, classes); NaN for clips without any."""
    mass, voters = votes
    mean = np.divide(mass, voters, out=np.zeros_like(mass), where=voters > 0)
    total = mean.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(mean, total, out=np.full_like(mean, np.nan), where=total > 0), dtype=np.float64)


def _all_classes(members: Sequence[Answers]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for member in members for name in member.classes))


def best_members(candidates: Sequence[Answers], size: int, clips: NDArray[np.bool_]) -> tuple[int, ...]:
    """Choose the members of an ensemble one by one, each time the one with which the open UAR is highest.

    Args:
        candidates: Answers to the same clips.
        size: How many to choose, no more than there are.
        clips: Which clips to choose on, shape (clips,); those without an emotion are ignored.

    Returns:
        Indices of candidates, in the order in which they were chosen; of equals the first.
    """
    first = candidates[0]
    classes = _all_classes(candidates)
    used = clips & first.scored
    # Emotions that no candidate covers come after all classes: they count, and are always missed.
    truth = first.index_among(tuple(dict.fromkeys((*classes, *first.emotions))))[used]
    votes = [_votes(candidate, classes)[:, used] for candidate in candidates]
    chosen: list[int] = []
    total = np.zeros_like(votes[0])
    for _ in range(size):
        scores = {index: _uar(truth, _mean(total + vote)) for index, vote in enumerate(votes) if index not in chosen}
        best = max(scores, key=lambda index: scores[index])
        chosen.append(best)
        total = total + votes[best]
    return tuple(chosen)


def _uar(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    answered = ~np.isnan(probabilities.sum(axis=1))
    hits = answered & (np.nan_to_num(probabilities).argmax(axis=1) == truth)
    clips = np.bincount(truth)
    occurring = clips > 0
    return float(unweighted_average_recall(np.bincount(truth[hits], minlength=len(clips))[occurring], clips[occurring]))


def cross_fitted(candidates: Sequence[Answers], size: int) -> tuple[Answers, list[tuple[int, ...]]] | None:
    """Choose an ensemble on one half of the speakers and let it answer the other half, both ways.

    Returns:
        The answers to each clip of the ensemble that was chosen without its speaker, and the indices of the members
        for the first and the second half. None where the speaker of a scored clip is unknown, or there are fewer than
        two speakers.
    """
    first = first_half(candidates[0])
    if first is None:
        return None
    members = [best_members(candidates, size, clips) for clips in (~first, first)]
    votes = [soft_vote([candidates[index] for index in team]) for team in members]
    classes = _all_classes(votes)
    columns = [vote.probabilities_of(classes) for vote in votes]
    probabilities = np.where(first[:, None], columns[0], columns[1])
    return replace(votes[0], classes=classes, source=probabilities), members


def first_half(answers: Answers) -> NDArray[np.bool_] | None:
    """Whether each clip's speaker is in the first half, a random one with a fixed seed.

    Returns:
        Shape (clips,); None where the speaker of a scored clip is unknown, or there are fewer than two speakers.
    """
    scored = {speaker for speaker, is_scored in zip(answers.speakers, answers.scored, strict=True) if is_scored}
    speakers = sorted(speaker for speaker in scored if speaker is not None)
    if None in scored or len(speakers) < 2:  # noqa: PLR2004 - two halves
        return None
    order = np.random.default_rng(_SEED).permutation(len(speakers))
    half = {speakers[index] for index in order[: len(speakers) // 2]}
    return np.array([speaker in half for speaker in answers.speakers], dtype=np.bool_)


def ensemble_row(
    corpus: CorpusEvaluations, rows: Sequence[LeaderboardRow], request: EnsembleRequest
) -> LeaderboardRow | str:
    """Score an ensemble on one corpus, given its rows; or the reason in a sentence why there is no score.

    It is not ranked, so that it changes no other rank. Its latency is the sum of its members', which answer one after
    the other; where the members differ between the halves of the speakers, that of the slower team.
    """
    complete = {evaluation.candidate: evaluation for evaluation in corpus.complete}
    team = _named(request, complete) if request.best is None else _chosen(request, complete, request.best)
    if isinstance(team, str):
        return f"{corpus.summary.name}: {team}"
    standings = rank_corpus(tuple(complete.values()), rank_seen=True)
    row = scored_row(team.evaluation, corpus, standings)
    deciding, name = deciding_rows(rows), corpus.summary.name
    return row.model_copy(
        update={
            "rank": None,
            "revision": None,
            "head": None,
            "flags": (Flag.ENSEMBLE.value, *row.flags),
            "flag_reasons": {Flag.ENSEMBLE.value: team.reason, **row.flag_reasons},
            **_costs([[deciding[member, name] for member in members] for members in team.members]),
        }
    )


@dataclass(frozen=True, eq=False)
class _Team:
    """The evaluation of an ensemble, its members (one team, or one per half of the speakers), and how they came."""

    evaluation: Evaluation
    members: Sequence[Sequence[str]]
    reason: str


def _named(request: EnsembleRequest, complete: dict[str, Evaluation]) -> _Team | str:
    absent = [name for name in request.members if name not in complete]
    if absent:
        return f"{', '.join(absent)} did not answer all clips."
    members = [complete[name] for name in request.members]
    evaluation = _as_evaluation(request.name, members, soft_vote([member.answers for member in members]))
    return _Team(evaluation, (request.members,), f"the mean probabilities of {', '.join(request.members)}.")


def _chosen(request: EnsembleRequest, complete: dict[str, Evaluation], size: int) -> _Team | str:
    unseen = [evaluation for evaluation in complete.values() if evaluation.seen != Seen.YES]
    if len(unseen) < size:
        return f"{len(unseen)} candidates that were not trained on it answered all clips; {size} were asked for."
    if not unseen[0].answers.scored.any():
        return "without labels nobody can say which candidates are the best; name the members."
    fitted = cross_fitted([evaluation.answers.to_compared for evaluation in unseen], size)
    if fitted is None:
        return "to choose on one half of the speakers and score on the other, all speakers must be known, and two."
    answers, teams = fitted
    whole = unseen[0].answers
    answers = replace(answers, truth=whole.truth, texts=whole.texts, compared=whole.compared)
    first, second = ([unseen[index].candidate for index in team] for team in teams)
    if set(first) == set(second):
        reason = f"both halves of the speakers, each scored by what was chosen on the other, got {', '.join(first)}."
    else:
        reason = (
            f"chosen on one half of the speakers and scored on the other: {', '.join(first)} for the first, "
            f"{', '.join(second)} for the second; none of these is the ensemble of the whole corpus."
        )
    members = [complete[name] for name in dict.fromkeys((*first, *second))]
    return _Team(_as_evaluation(request.name, members, answers), (first, second), reason)


def _as_evaluation(name: str, members: Sequence[Evaluation], answers: Answers) -> Evaluation:
    """Describe an ensemble like a candidate, since rows are made from candidates; `ensemble_row` drops the setup."""
    repaired = any(member.verification.status is Status.REPAIRED for member in members)
    return Evaluation(
        record=members[0].record.model_copy(
            update={"candidate": name, "heard_clips": max(member.record.heard_clips for member in members)}
        ),
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
        seen=min((member.seen for member in members), key=[Seen.YES, Seen.PARTLY, Seen.UNKNOWN, Seen.NO].index),
        loose_map=any(member.loose_map for member in members),
        adapted=any(member.adapted for member in members),
    )


def _costs(teams: Sequence[Sequence[LeaderboardRow]]) -> dict[str, object]:
    """The sums of the members' costs, for the costlier team; None where one is unknown, or on another device."""
    members = [member for team in teams for member in team]
    settings = {name: {getattr(member, name) for member in members} for name in ("device", "backend", "dtype")}
    costs: dict[str, object] = {name: values.pop() if len(values) == 1 else None for name, values in settings.items()}
    comparable = None not in costs.values()
    for name in (*_TIMES, *_SIZES) if comparable else _SIZES:
        costs[name] = _highest_sum([[getattr(member, name) for member in team] for team in teams])
    # Seconds of computing per second of audio add up, and RTFx is their reciprocal.
    shares = [[None if member.rtfx is None else 1 / member.rtfx for member in team] for team in teams]
    share = _highest_sum(shares) if comparable else None
    return {**costs, "rtfx": None if share is None else 1 / share}


def _highest_sum(teams: Sequence[Sequence[float | None]]) -> float | None:
    known = [[value for value in team if value is not None] for team in teams]
    return max(map(sum, known)) if list(map(len, known)) == list(map(len, teams)) else None
