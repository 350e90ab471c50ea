"""Candidates on a corpus without labels: their answers, their agreement, and the accuracy that agreement suggests.

Accuracy is estimated by the expectation maximisation of A. P. Dawid and A. M. Skene, Maximum likelihood estimation of
observer error-rates using the EM algorithm, Journal of the Royal Statistical Society C 28 (1979). It assumes that
voters err independently of each other; voters that were trained on the same recordings do not, and their common errors
are taken for the truth.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import krippendorff
import numpy as np
from numpy.typing import NDArray

from benchmark.results.analyses import CorpusAgreement, PairAgreement, Voter
from benchmark.scoring.answers import NO_ANSWER, Answers

NO_VOTE = NO_ANSWER
MIN_VOTERS = 3
MIN_SHARED = 2
MIN_CLIPS = 10
"""An accuracy over fewer clips would have only a few possible values."""
CLIPS_PER_CLASS = 50
"""With fewer clips per class there are too few for a probability of every answer to every truth."""
MAX_ROUNDS = 200
CONVERGED = 1e-7
_MIN_TO_COMPARE = 2
# Practically impossible, and still a number with a logarithm.
_FLOOR = 1e-10


def agreement(corpus: str, answers: Mapping[str, Answers], twins: Mapping[str, Sequence[str]]) -> CorpusAgreement:
    """Describe the agreement of candidates.

    Near-twins are one voter. Accuracy is estimated from at least ten clips and three voters that share two emotions; an
    answer outside the shared emotions is a class of its own; below 50 clips per class by the one-coin model.
    """
    stands_for = _representatives(answers, twins)
    names = [name for name in answers if stands_for[name] == name]
    candidates = [answers[name] for name in names]
    first_classes = candidates[0].classes if candidates else ()
    shared = tuple(name for name in first_classes if all(name in candidate.classes for candidate in candidates))
    votes = {name: own.chosen_among(shared) for name, own in answers.items()}
    table = np.stack([votes[name] for name in names], axis=1) if names else np.empty((0, 0), dtype=np.int64)
    problem = _problem(len(names), shared, table)
    classes = len(shared) + bool((table == len(shared)).any())
    one_coin = len(table) < CLIPS_PER_CLASS * classes
    unknown = [np.nan] * len(names)
    accuracies = unknown if problem else dawid_skene(table, classes, one_coin=one_coin).tolist()
    majorities = majority_agreement(table).tolist() if len(names) >= MIN_VOTERS else unknown
    estimates = dict(zip(names, zip(majorities, accuracies, strict=True), strict=True))
    return CorpusAgreement(
        corpus=corpus,
        clips=len(next(iter(answers.values())).truth) if answers else 0,
        shared_emotions=shared,
        voters=tuple(
            _voter(name, own, stands_for[name], *estimates[stands_for[name]]) for name, own in answers.items()
        ),
        pairs=tuple(_pair(first, second, votes) for first, second in combinations(names, 2)),
        alpha=krippendorff_alpha(table),
        model=None if problem else "one-coin" if one_coin else "dawid-skene",
        problem=problem,
    )


def _representatives(answers: Mapping[str, Answers], twins: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """For each candidate, the first of all its twins and twins of twins."""
    stands_for: dict[str, str] = {}
    for name in answers:
        if name in stands_for:
            continue
        waiting = [name]
        while waiting:
            member = waiting.pop()
            if member in answers and member not in stands_for:
                stands_for[member] = name
                waiting.extend(twins.get(member, ()))
    return stands_for


def _problem(voters: int, shared: Sequence[str], table: NDArray[np.int64]) -> str | None:
    """The reason why accuracy cannot be estimated."""
    if voters < MIN_VOTERS:
        return f"Accuracy is estimated from at least {MIN_VOTERS} voters, near-twins counted once; there are {voters}."
    if len(shared) < MIN_SHARED:
        return f"The voters share fewer than {MIN_SHARED} emotions, so that agreement says nothing about accuracy."
    answered = int((table != NO_VOTE).any(axis=1).sum())
    if not answered:
        return "Not one clip was answered."
    if answered < MIN_CLIPS:
        are = "is" if answered == 1 else "are"
        return f"Accuracy is estimated from at least {MIN_CLIPS} answered clips; there {are} {answered}."
    return None


def _voter(name: str, answers: Answers, stands_for: str, majority: float, accuracy: float) -> Voter:
    counts = np.bincount(answers.chosen[answers.answered], minlength=len(answers.classes))
    total = int(counts.sum())
    by_frequency = np.argsort(-counts, kind="stable")
    return Voter(
        candidate=name,
        clips=total,
        distribution={answers.classes[index]: counts[index] / total for index in by_frequency if counts[index]},
        confidence=float(answers.probabilities[answers.answered].max(axis=1).mean()) if total else None,
        twin_of=None if stands_for == name else stands_for,
        majority_agreement=None if np.isnan(majority) else majority,
        estimated_accuracy=None if np.isnan(accuracy) else accuracy,
    )


def _pair(first: str, second: str, votes: Mapping[str, NDArray[np.int64]]) -> PairAgreement:
    both = (votes[first] != NO_VOTE) & (votes[second] != NO_VOTE)
    left, right = votes[first][both], votes[second][both]
    if not len(left):
        return PairAgreement(first=first, second=second, agreement=0.0, kappa=None)
    share = float((left == right).mean())
    return PairAgreement(first=first, second=second, agreement=share, kappa=cohen_kappa(left, right))


def majority_agreement(votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each voter agrees with the majority; where n answers tie, 1/n for each voter who gave one of them.

    Returns:
        Shape (voters,), over the clips that each answered; NaN for one that answered none.

    Examples:
        >>> majority_agreement(np.array([[0, 0, 1], [0, 1, 2]])).round(3).tolist()
        [0.667, 0.667, 0.167]
    """
    counts = _vote_counts(votes)
    leading = counts == counts.max(axis=1, keepdims=True)
    shares = leading / leading.sum(axis=1, keepdims=True)
    gained = np.where(votes == NO_VOTE, np.nan, np.take_along_axis(shares, np.maximum(votes, 0), axis=1))
    answered = (votes != NO_VOTE).sum(axis=0)
    return np.asarray(np.where(answered > 0, np.nansum(gained, axis=0) / np.maximum(answered, 1), np.nan))


def _vote_counts(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Votes for each class on each clip, shape (clips, classes)."""
    classes = max(votes.max(initial=0), 0) + 1
    return np.stack([(votes == number).sum(axis=1) for number in range(classes)], axis=1)


def krippendorff_alpha(votes: NDArray[np.int64]) -> float | None:
    """Krippendorff's alpha for nominal values: 1 for perfect agreement, 0 for that of chance.

    Args:
        votes: Shape (clips, voters), `NO_VOTE` where a voter chose none.

    Returns:
        None where fewer than two answers occur, or fewer than two clips have two voters.
    """
    counts = _vote_counts(votes)
    paired = counts[counts.sum(axis=1) > 1]
    if (paired.sum(axis=0) > 0).sum() < MIN_SHARED or len(paired) < _MIN_TO_COMPARE:
        return None
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def cohen_kappa(first: NDArray[np.int64], second: NDArray[np.int64]) -> float | None:
    """Cohen's kappa of two voters' classes for each of at least one clip. scikit-learn's would sort all clips first.

    Returns:
        1 for perfect agreement, 0 for that of chance; None where both always choose the same one class, or there is one
        clip only.

    Examples:
        >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]))
        0.5
    """
    classes = int(max(first.max(), second.max())) + 1
    counts = np.bincount(first * classes + second, minlength=classes**2).reshape(classes, classes)
    occurring = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    if len(occurring) == 1 or len(first) < _MIN_TO_COMPARE:
        return None
    counts = counts[np.ix_(occurring, occurring)].astype(np.float64)
    expected = np.outer(counts.sum(axis=0), counts.sum(axis=1)) / counts.sum()
    different = ~np.eye(len(occurring), dtype=np.bool_)
    return float(1 - np.sum(different * counts) / np.sum(different * expected))


def dawid_skene(votes: NDArray[np.int64], classes: int, *, one_coin: bool = False) -> NDArray[np.float64]:
    """Estimate the share of each voter's answers that are right, starting from the shares of the votes.

    Args:
        votes: Shape (clips, voters): the class that each voter chose, `NO_VOTE` where it chose none.
        classes: Number of classes.
        one_coin: Give each voter one probability of being right, whatever the truth, with errors equally distributed
            over the other classes; without, a probability for every answer to every truth, which takes far more clips.

    Returns:
        Shape (voters,), after the round that changed no accuracy, or after 200; NaN for a voter without answers.
    """
    chosen = np.stack([votes == number for number in range(classes)], axis=2).astype(np.float64)
    answered = np.maximum(chosen.sum(axis=(0, 2)), 1.0)
    truth = chosen.sum(axis=1) / np.maximum(chosen.sum(axis=(1, 2)), 1.0)[:, None]
    accuracy = np.full(votes.shape[1], np.nan)
    for _ in range(MAX_ROUNDS):
        if one_coin:
            right = np.einsum("ivc,ic->v", chosen, truth) / answered
            wrong = (1 - right) / max(classes - 1, 1)
            skills = np.where(np.eye(classes, dtype=np.bool_), right[:, None, None], wrong[:, None, None])
        else:  # P(answer | truth) of each voter, shape (voters, truths, answers)
            counts = np.einsum("it,iva->vta", truth, chosen)
            skills = counts / np.maximum(counts.sum(axis=2, keepdims=True), _FLOOR)
        log_prior = np.log(np.maximum(truth.mean(axis=0), _FLOOR))
        logs = log_prior + np.einsum("iva,vta->it", chosen, np.log(np.maximum(skills, _FLOOR)))
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        truth = weights / weights.sum(axis=1, keepdims=True)
        previous, accuracy = accuracy, np.einsum("ivc,ic->v", chosen, truth) / answered
        if np.abs(accuracy - previous).max() < CONVERGED:
            break
    return np.where((votes != NO_VOTE).any(axis=0), accuracy, np.nan)
