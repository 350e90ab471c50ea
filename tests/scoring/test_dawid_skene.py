import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.scoring.dawid_skene import NO_VOTE, dawid_skene


def simulated(
    seed: int, clips: int, classes: int, skills: list[float], gaps: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Truth and the votes of independent voters."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(classes, size=clips)
    votes = np.stack(
        [
            np.where(generator.random(clips) < skill, truth, (truth + generator.integers(1, classes, clips)) % classes)
            for skill in skills
        ],
        axis=1,
    )
    votes[generator.random(votes.shape) < gaps] = NO_VOTE
    return truth, votes


def by_loops(votes: NDArray[np.int64], classes: int, rounds: int, *, one_coin: bool) -> list[float]:
    """The same estimation, written out clip by clip; returns the accuracies."""
    clips, voters = votes.shape
    truth = [[0.0] * classes for _ in range(clips)]
    for i in range(clips):
        cast = [v for v in votes[i].tolist() if v != NO_VOTE]
        for v in cast:
            truth[i][v] += 1 / len(cast)
    for _ in range(rounds):
        prior = [max(sum(truth[i][k] for i in range(clips)) / clips, 1e-10) for k in range(classes)]
        skill = {}
        for j in range(voters):
            given = [i for i in range(clips) if votes[i, j] != NO_VOTE]
            right = sum(truth[i][votes[i, j]] for i in given) / len(given)
            for t in range(classes):
                total = sum(truth[i][t] for i in given)
                for a in range(classes):
                    said = sum(truth[i][t] for i in given if votes[i, j] == a)
                    coin = right if a == t else (1 - right) / (classes - 1)
                    skill[j, t, a] = max(coin if one_coin else said / max(total, 1e-10), 1e-10)
        for i in range(clips):
            logs = [
                math.log(prior[t])
                + sum(math.log(skill[j, t, int(votes[i, j])]) for j in range(voters) if votes[i, j] != NO_VOTE)
                for t in range(classes)
            ]
            weights = [math.exp(each - max(logs)) for each in logs]
            truth[i] = [each / sum(weights) for each in weights]
    answered = [[i for i in range(clips) if votes[i, j] != NO_VOTE] for j in range(voters)]
    return [sum(truth[i][votes[i, j]] for i in answered[j]) / len(answered[j]) for j in range(voters)]


@pytest.mark.parametrize("one_coin", [False, True])
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_the_estimates_are_those_of_a_second_implementation(gaps: float, one_coin: bool) -> None:
    _, votes = simulated(3, 60, 3, [0.9, 0.7, 0.6, 0.8], gaps)
    votes = votes[(votes != NO_VOTE).any(axis=1)]
    found = dawid_skene(votes, 3, one_coin=one_coin)
    assert found.accuracy.tolist() == pytest.approx(by_loops(votes, 3, 200, one_coin=one_coin), abs=1e-4)


def test_with_independent_errors_the_true_accuracies_are_found() -> None:
    skills = [0.85, 0.7, 0.55, 0.4]
    truth, votes = simulated(1, 3000, 4, skills)
    found = dawid_skene(votes, 4)
    assert found.accuracy == pytest.approx((votes == truth[:, None]).mean(axis=0), abs=0.03)
    right = (found.truth.argmax(axis=1) == truth).mean()
    assert right > (votes == truth[:, None]).mean(axis=0).max()


def test_few_clips_are_better_served_by_one_coin() -> None:
    errors = {False: 0.0, True: 0.0}
    for seed in range(20):
        truth, votes = simulated(seed, 60, 6, [0.75, 0.6, 0.5])
        for one_coin in errors:
            estimated = dawid_skene(votes, 6, one_coin=one_coin).accuracy
            errors[one_coin] += float(np.abs(estimated - (votes == truth[:, None]).mean(axis=0)).mean())
    assert errors[True] < errors[False]


def test_a_voter_that_never_votes_has_no_accuracy() -> None:
    _, votes = simulated(1, 50, 3, [0.9, 0.8, 0.7])
    votes[:, 1] = NO_VOTE
    assert np.isnan(dawid_skene(votes, 3).accuracy).tolist() == [False, True, False]
