from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmark.scoring.answers import Answers
from benchmark.scoring.suspicion.twins import same_probabilities

Build = Callable[..., Answers]


@pytest.mark.parametrize(("distance", "same"), [(0.0, True), (0.0009, True), (0.0011, False)])
def test_one_probability_decides(random_answers: Build, distance: float, same: bool) -> None:
    one = random_answers(0, 150, gaps=0.0)
    changed = one.probabilities.copy()
    changed[149, 0] += distance
    assert same_probabilities(one, replace(one, probabilities=changed)) is same


def test_fewer_than_100_answered_clips_tell_nothing(random_answers: Build) -> None:
    one = random_answers(0, 99, gaps=0.0)
    assert not same_probabilities(one, one)


def test_the_order_of_the_classes_does_not_matter_and_other_classes_do(random_answers: Build) -> None:
    one = random_answers(0, 150, gaps=0.0)
    turned = replace(one, classes=one.classes[::-1], probabilities=one.probabilities[:, ::-1])
    assert same_probabilities(one, turned)
    assert not same_probabilities(one, replace(one, classes=(*one.classes[:-1], "boredom")))


def test_failures_are_the_same_only_on_the_same_clips(random_answers: Build) -> None:
    one = random_answers(1, 200, gaps=0.1)
    assert same_probabilities(one, one)
    changed = one.probabilities.copy()
    changed[np.flatnonzero(one.answered)[0]] = np.nan
    assert not same_probabilities(one, replace(one, probabilities=changed))
