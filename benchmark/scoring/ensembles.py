"""Several candidates as one: soft voting over the emotions that each covers, from what they answered already.

p(e) is the mean of the probabilities of e over those members that cover e and could process the clip, divided by the
sum over all emotions. A member has no say in what it has no name for: its silence is no vote against it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.predictions import InferenceSetup
from benchmark.results.runs import EvaluationRecord, RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers
from benchmark.scoring.evaluations import CorpusBoard, StoredEvaluation
from benchmark.scoring.flags import Flag
from benchmark.scoring.ranking import rank_corpus
from benchmark.scoring.rows import scored_row
from benchmark.scoring.seen import Seen

_SEED = 20_260_301


FEWEST_MEMBERS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossFitted:
    """An ensemble that was chosen on one half of the speakers and answers the other, both ways.

    Attributes:
        answers: To each clip, of the ensemble that was chosen without its speaker.
        members: The places of the members for the first and for the second half of the speakers.
    """

    answers: Answers
    members: tuple[tuple[int, ...], tuple[int, ...]]


def soft_vote(members: Sequence[Answers]) -> Answers:
    """Let candidates answer together.

    Args:
        members: What each answered to the same clips.

    Returns:
        Their common answers, over all classes that any of them has; a clip that none of them could process has none.

    Examples:
        >>> def said(classes: tuple[str, ...], *chances: float) -> Answers:
        ...     return Answers(probabilities=np.array([chances]), classes=classes, truth=("fear",), speakers=(None,),
        ...         labelled=True)
        >>> both = soft_vote([said(("anger", "fear"), 0.4, 0.6), said(("anger", "sadness"), 0.6, 0.4)])
        >>> both.classes, both.probabilities.round(3).tolist()
        (('anger', 'fear', 'sadness'), [[0.333, 0.4, 0.267]])
    """
    classes = _all_classes(members)
    votes = [_Votes.of(member, classes) for member in members]
    return replace(
        members[0],
        classes=classes,
        probabilities=_mean(
            np.add.reduce([vote.mass for vote in votes]), np.add.reduce([vote.voices for vote in votes])
        ),
        missing=max(member.missing for member in members),
    )


def best_members(candidates: Sequence[Answers], size: int, clips: NDArray[np.bool_]) -> tuple[int, ...]:
    """Choose the members of an ensemble one by one, each time the one with which the open UAR is highest.

    Args:
        candidates: What each answered to the same clips.
        size: How many to choose, no more than there are.
        clips: Which clips to choose on, shape (clips,); those without an emotion do not count.

    Returns:
        Places in `candidates`, in the order in which they were chosen; of equals the first.
    """
    classes = _all_classes(candidates)
    used = clips & candidates[0].scored
    truth = _truth(candidates[0], classes, used)
    votes = [_Votes.of(candidate, classes, used) for candidate in candidates]
    mass, voices = np.zeros_like(votes[0].mass), np.zeros_like(votes[0].voices)
    chosen: list[int] = []
    for _ in range(size):
        scores = {
            place: _uar(truth, _mean(mass + vote.mass, voices + vote.voices))
            for place, vote in enumerate(votes)
            if place not in chosen
        }
        best = max(scores, key=lambda place: scores[place])
        chosen.append(best)
        mass, voices = mass + votes[best].mass, voices + votes[best].voices
    return tuple(chosen)


def cross_fitted(candidates: Sequence[Answers], size: int) -> CrossFitted | None:
    """Choose an ensemble on one half of the speakers and let it answer the other half, both ways.

    The speakers of the scored clips are divided at random, always the same way.

    Args:
        candidates: What each answered to the same clips; at least `size`.
        size: The number of members.

    Returns:
        None where the speaker of a scored clip is unknown, or there are fewer than two speakers.
    """
    first = first_half(candidates[0])
    if first is None:
        return None
    # Whom the first half answers must not depend on what the first half says.
    for_first = best_members(candidates, size, ~first)
    for_second = best_members(candidates, size, first)
    votes = [soft_vote([candidates[place] for place in members]) for members in (for_first, for_second)]
    classes = _all_classes(votes)
    spread = [_spread(vote, classes) for vote in votes]
    answers = replace(votes[0], classes=classes, probabilities=np.where(first[:, None], spread[0], spread[1]))
    return CrossFitted(answers=answers, members=(for_first, for_second))


def first_half(answers: Answers) -> NDArray[np.bool_] | None:
    """Whether each clip's speaker is in the first half; None where that cannot be said of a scored clip."""
    scored = [speaker for speaker, counts in zip(answers.speakers, answers.scored, strict=True) if counts]
    known = sorted({speaker for speaker in scored if speaker is not None})
    if None in scored or len(known) < 2:  # noqa: PLR2004  (two halves)
        return None
    order = np.random.default_rng(_SEED).permutation(len(known))
    half = {known[place] for place in order[: len(known) // 2]}
    return np.array([speaker in half for speaker in answers.speakers], dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class _Votes:
    mass: NDArray[np.float64]
    voices: NDArray[np.float64]

    @classmethod
    def of(cls, answers: Answers, classes: tuple[str, ...], clips: NDArray[np.bool_] | None = None) -> "_Votes":
        which = np.ones(len(answers.truth), dtype=np.bool_) if clips is None else clips
        answered = answers.answered[which].reshape(-1, 1)
        covered = np.array([name in answers.classes for name in classes])
        mass = np.where(answered, np.nan_to_num(_spread(answers, classes)[which]), 0.0)
        return cls(mass, (answered & covered).astype(np.float64))


def _all_classes(members: Sequence[Answers]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for member in members for name in member.classes))


def _spread(answers: Answers, classes: tuple[str, ...]) -> NDArray[np.float64]:
    """The probabilities in the columns of `classes`; 0 where the candidate has no such class, NaN where no answer."""
    spread = np.zeros((len(answers.truth), len(classes)))
    spread[:, [classes.index(name) for name in answers.classes]] = answers.probabilities
    spread[~answers.answered] = np.nan
    return spread


def _mean(mass: NDArray[np.float64], voices: NDArray[np.float64]) -> NDArray[np.float64]:
    mean = np.divide(mass, voices, out=np.zeros_like(mass), where=voices > 0)
    total = mean.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(mean, total, out=np.full_like(mean, np.nan), where=total > 0)
    return shares


def _truth(answers: Answers, classes: tuple[str, ...], clips: NDArray[np.bool_]) -> NDArray[np.int64]:
    # An emotion that no candidate covers gets a number behind all classes: it counts, and is always missed.
    place = {name: index for index, name in enumerate(dict.fromkeys((*classes, *answers.emotions)))}
    emotions = (emotion for emotion, wanted in zip(answers.truth, clips, strict=True) if wanted)
    return np.array([place[emotion] for emotion in emotions if emotion is not None], dtype=np.int64)


def _uar(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    answered = ~np.isnan(probabilities.sum(axis=1))
    hits = answered & (np.nan_to_num(probabilities).argmax(axis=1) == truth)
    clips = np.bincount(truth)
    occurs = clips > 0
    return float((np.bincount(truth[hits], minlength=len(clips))[occurs] / clips[occurs]).mean())


_BEST = re.compile(r"best:(\d{1,4})")


@dataclass(frozen=True)
class EnsembleRequest:
    """An ensemble that is asked for.

    Attributes:
        name: What tables call it.
        members: The candidates that vote; empty where they are to be chosen.
        best: How many are to be chosen; None where they are named.
    """

    name: str
    members: tuple[str, ...] = ()
    best: int | None = None


def ensemble_request(words: Sequence[str], record: RunRecord) -> EnsembleRequest:
    """Read what a user asks for.

    Args:
        words: Names or ids of candidates that the run evaluated, or `best:N` alone.
        record: The run.

    Raises:
        RequestError: A candidate was not evaluated, or there are fewer than two.
    """
    if len(words) == 1 and (found := _BEST.fullmatch(words[0])):
        size = int(found[1])
        if size < FEWEST_MEMBERS:
            raise RequestError(f"{words[0]} is no ensemble; ask for best:{FEWEST_MEMBERS} or more.")
        return EnsembleRequest(name=words[0], best=size)
    evaluated = list(dict.fromkeys(evaluation.candidate for evaluation in record.evaluations))
    ids = {each.id: each.candidate for each in record.verifications if each.candidate in evaluated}
    members = tuple(dict.fromkeys(word if word in evaluated else ids.get(word, word) for word in words))
    for member in members:
        if member not in evaluated:
            hint = did_you_mean(member, evaluated) or f"; it evaluated {', '.join(evaluated) or 'none'}"
            raise RequestError(f"this run did not evaluate {member!r}{hint}")
    if len(members) < FEWEST_MEMBERS:
        raise RequestError(f"an ensemble has at least {FEWEST_MEMBERS} members; name another, or ask for best:3.")
    return EnsembleRequest(name=" + ".join(members), members=members)


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
