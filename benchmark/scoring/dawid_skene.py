"""How often each voter is right, from nothing but how voters agree: Dawid and Skene's expectation maximisation.

A. P. Dawid and A. M. Skene, Maximum likelihood estimation of observer error-rates using the EM algorithm, Journal of
the Royal Statistical Society C 28 (1979). It assumes that voters err independently of each other; voters that were
trained on the same recordings do not, and their common errors are taken for the truth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
