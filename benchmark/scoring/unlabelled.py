"""What can be said of candidates without labels: what they answer, how surely, and how far they agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import krippendorff
import numpy as np
from numpy.typing import NDArray

from benchmark.results.analyses import CorpusAgreement, PairAgreement, Voter
from benchmark.scoring.answers import Answers

NO_VOTE = -1


MOST_ROUNDS = 200


CONVERGED = 1e-7


# As good as impossible, and still a number with a logarithm.
_LEAST = 1e-10


@dataclass(frozen=True, eq=False, kw_only=True)
class Consensus:
    """What the voters' answers say about truth and voters.

    Attributes:
        truth: Probability of each class for each clip, shape (clips, classes).
        accuracy: Expected share of each voter's answers that are right, shape (voters,); NaN without answers.
    """

    truth: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def dawid_skene(votes: NDArray[np.int64], classes: int, *, one_coin: bool = False) -> Consensus:
    """Estimate truth and accuracies from votes, beginning with the shares of the votes.

    Args:
        votes: Shape (clips, voters): the class that each voter chose, `NO_VOTE` where it chose none.
        classes: How many classes there are.
        one_coin: Give each voter one probability of being right, whatever the truth, with errors alike over the other
            classes; without, a probability for every answer to every truth, which takes far more clips.

    Returns:
        The estimates at the round after which no accuracy moved, or after 200.
    """
    chosen = np.stack([votes == each for each in range(classes)], axis=2).astype(np.float64)
    answered = np.maximum(chosen.sum(axis=(0, 2)), 1.0)
    truth = chosen.sum(axis=1) / np.maximum(chosen.sum(axis=(1, 2)), 1.0)[:, None]
    accuracy = np.full(votes.shape[1], np.nan)
    for _ in range(MOST_ROUNDS):
        skills = _one_coin(chosen, truth, answered) if one_coin else _confusions(chosen, truth)
        truth = _posterior(chosen, np.log(np.maximum(truth.mean(axis=0), _LEAST)), np.log(np.maximum(skills, _LEAST)))
        before, accuracy = accuracy, np.einsum("ivc,ic->v", chosen, truth) / answered
        if np.abs(accuracy - before).max() < CONVERGED:
            break
    return Consensus(truth=truth, accuracy=np.where((votes != NO_VOTE).any(axis=0), accuracy, np.nan))


def _confusions(chosen: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(answer | truth) of each voter, shape (voters, truths, answers)."""
    counts = np.einsum("it,iva->vta", truth, chosen)
    return np.asarray(counts / np.maximum(counts.sum(axis=2, keepdims=True), _LEAST), dtype=np.float64)


def _one_coin(
    chosen: NDArray[np.float64], truth: NDArray[np.float64], answered: NDArray[np.float64]
) -> NDArray[np.float64]:
    right = np.einsum("ivc,ic->v", chosen, truth) / answered
    classes = truth.shape[1]
    wrong = (1 - right) / max(classes - 1, 1)
    return np.asarray(np.where(np.eye(classes, dtype=np.bool_), right[:, None, None], wrong[:, None, None]))


def _posterior(
    chosen: NDArray[np.float64], log_prior: NDArray[np.float64], log_skills: NDArray[np.float64]
) -> NDArray[np.float64]:
    logs = log_prior + np.einsum("iva,vta->it", chosen, log_skills)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


FEWEST_VOTERS = 3


FEWEST_SHARED = 2


FEWEST_CLIPS = 10
"""An accuracy over fewer would be a handful of steps, and over one clip always right or always wrong."""


_FEWEST_TO_COMPARE = 2


CLIPS_PER_CLASS = 50
"""Below so many clips per class, a probability for every answer to every truth is more than the clips can tell."""


def agreement(corpus: str, answers: Mapping[str, Answers], twins: Mapping[str, Sequence[str]]) -> CorpusAgreement:
    """Describe how far candidates agree.

    Accuracy is estimated with one voter for all near-twins, from at least ten clips and three voters that share two
    emotions; an answer outside the shared emotions is a class of its own; below 50 clips per class by the one-coin
    model.

    Args:
        corpus: What tables call it.
        answers: By candidate, complete, all to the same clips.
        twins: For each candidate that cannot be told from others, their names.
    """
    stands_for = _representatives(answers, twins)
    voters = [name for name in answers if stands_for[name] == name]
    shared = _shared([answers[name] for name in voters])
    votes = {name: _votes(own, shared) for name, own in answers.items()}
    table = np.stack([votes[name] for name in voters], axis=1) if voters else np.empty((0, 0), dtype=np.int64)
    problem = _why_not(len(voters), shared, table)
    classes = len(shared) + bool((table == len(shared)).any())
    one_coin = len(table) < CLIPS_PER_CLASS * classes
    accuracy = (
        {} if problem else dict(zip(voters, dawid_skene(table, classes, one_coin=one_coin).accuracy, strict=True))
    )
    majority = {} if len(voters) < FEWEST_VOTERS else dict(zip(voters, majority_agreement(table), strict=True))
    return CorpusAgreement(
        corpus=corpus,
        clips=len(next(iter(answers.values())).truth) if answers else 0,
        shared_emotions=shared,
        voters=tuple(
            _voter(name, own).model_copy(
                update={
                    "twin_of": None if stands_for[name] == name else stands_for[name],
                    "majority_agreement": _known(majority.get(stands_for[name])),
                    "estimated_accuracy": _known(accuracy.get(stands_for[name])),
                }
            )
            for name, own in answers.items()
        ),
        pairs=tuple(_pair(first, second, votes) for first, second in combinations(voters, 2)),
        alpha=krippendorff_alpha(table),
        model=None if problem else "one-coin" if one_coin else "dawid-skene",
        problem=problem,
    )


def majority_agreement(votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each voter says what most say; where n answers tie, 1/n for each who gave one of them.

    Args:
        votes: Shape (clips, voters), `NO_VOTE` where a voter chose none.

    Returns:
        Shape (voters,), over the clips that each answered; NaN for one that answered none.

    Examples:
        >>> majority_agreement(np.array([[0, 0, 1], [0, 1, 2]])).round(3).tolist()
        [0.667, 0.667, 0.167]
    """
    counts = np.stack([(votes == each).sum(axis=1) for each in range(max(votes.max(initial=0), 0) + 1)], axis=1)
    leading = counts == counts.max(axis=1, keepdims=True)
    shares = leading / leading.sum(axis=1, keepdims=True)
    gained = np.where(votes == NO_VOTE, np.nan, np.take_along_axis(shares, np.maximum(votes, 0), axis=1))
    answered = (votes != NO_VOTE).sum(axis=0)
    return np.asarray(np.where(answered > 0, np.nansum(gained, axis=0) / np.maximum(answered, 1), np.nan))


def krippendorff_alpha(votes: NDArray[np.int64]) -> float | None:
    """Krippendorff's alpha for names without an order: 1 for perfect agreement, 0 for that of chance.

    Args:
        votes: Shape (clips, voters), `NO_VOTE` where a voter chose none.

    Returns:
        None where fewer than two answers occur, or fewer than two clips have two voters: chance cannot be told from
        agreement.

    Examples:
        >>> krippendorff_alpha(np.array([[0, 0], [1, 1], [0, 1]])) is not None
        True
        >>> krippendorff_alpha(np.array([[0, 0], [0, 0]])) is None
        True
    """
    counts = np.stack([(votes == each).sum(axis=1) for each in range(votes.max(initial=0) + 1)], axis=1)
    paired = counts[counts.sum(axis=1) > 1]
    if (paired.sum(axis=0) > 0).sum() < FEWEST_SHARED or len(paired) < _FEWEST_TO_COMPARE:
        return None
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _representatives(answers: Mapping[str, Answers], twins: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The first of all that are twins, or twins of twins, stands for them."""
    stands_for: dict[str, str] = {}
    for name in answers:
        family, waiting = set[str](), [name]
        while waiting:
            member = waiting.pop()
            if member not in family and member in answers:
                family.add(member)
                waiting.extend(twins.get(member, ()))
        stands_for[name] = next(each for each in answers if each in family)
    return stands_for


def _shared(voters: Sequence[Answers]) -> tuple[str, ...]:
    if not voters:
        return ()
    return tuple(name for name in voters[0].classes if all(name in voter.classes for voter in voters))


def _votes(answers: Answers, shared: Sequence[str]) -> NDArray[np.int64]:
    place = {name: index for index, name in enumerate(shared)}
    # The entry behind the last class is for clips without an answer: NO_ANSWER, which is -1, finds it.
    columns = np.array([*(place.get(name, len(shared)) for name in answers.classes), NO_VOTE], dtype=np.int64)
    return columns[answers.chosen]


def _why_not(voters: int, shared: Sequence[str], table: NDArray[np.int64]) -> str | None:
    if voters < FEWEST_VOTERS:
        return (
            f"Accuracy is estimated from at least {FEWEST_VOTERS} voters, near-twins counted once; there are {voters}."
        )
    if len(shared) < FEWEST_SHARED:
        return f"The voters share fewer than {FEWEST_SHARED} emotions, so that agreement says nothing about accuracy."
    answered = int((table != NO_VOTE).any(axis=1).sum())
    if not answered:
        return "Not one clip was answered."
    if answered < FEWEST_CLIPS:
        are = "is" if answered == 1 else "are"
        return f"Accuracy is estimated from at least {FEWEST_CLIPS} answered clips; there {are} {answered}."
    return None


def _voter(name: str, answers: Answers) -> Voter:
    counts = np.bincount(answers.chosen[answers.answered], minlength=len(answers.classes))
    total = int(counts.sum())
    order = sorted(range(len(answers.classes)), key=lambda place: -counts[place])
    return Voter(
        candidate=name,
        clips=total,
        distribution={answers.classes[place]: counts[place] / total for place in order if counts[place]},
        confidence=float(answers.probabilities[answers.answered].max(axis=1).mean()) if total else None,
    )


def _pair(first: str, second: str, votes: Mapping[str, NDArray[np.int64]]) -> PairAgreement:
    both = (votes[first] != NO_VOTE) & (votes[second] != NO_VOTE)
    one, other = votes[first][both], votes[second][both]
    if not len(one):
        return PairAgreement(first=first, second=second, agreement=0.0, kappa=None)
    return PairAgreement(
        first=first, second=second, agreement=float((one == other).mean()), kappa=cohen_kappa(one, other)
    )


def cohen_kappa(one: NDArray[np.int64], other: NDArray[np.int64]) -> float | None:
    """Cohen's kappa: 1 for perfect agreement, 0 for that of chance. scikit-learn's, which would sort all clips first.

    Args:
        one: The class that one voter chose for each clip, from 0; at least one clip.
        other: What another one chose.

    Returns:
        None where both always say the same one class, or there is one clip only: chance cannot be told from agreement.

    Examples:
        >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))
        0.5
    """
    classes = int(max(one.max(), other.max())) + 1
    counts = np.bincount(one * classes + other, minlength=classes**2).reshape(classes, classes)
    occurs = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    if len(occurs) == 1 or len(one) < _FEWEST_TO_COMPARE:
        return None
    counts = counts[np.ix_(occurs, occurs)].astype(np.float64)
    expected = np.outer(counts.sum(axis=0), counts.sum(axis=1)) / counts.sum()
    different = ~np.eye(len(occurs), dtype=np.bool_)
    return float(1 - np.sum(different * counts) / np.sum(different * expected))


def _known(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
