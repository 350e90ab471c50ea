from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.scoring.answers import Answers
from benchmark.scoring.twins import same_logits
from tests.scoring.conftest import EMOTIONS, random_answers

GENERATOR = np.random.default_rng(5)
LOGITS = 3 * GENERATOR.normal(size=(200, 5))
NOISE = GENERATOR.normal(size=(200, 5))
SURE = 30 * np.eye(5)[np.arange(200) % 5]
FAINT = 0.02 * LOGITS


def answered(logits: NDArray[np.float64], classes: Sequence[str] = EMOTIONS) -> Answers:
    clips = len(logits)
    return Answers(
        source=softmax(logits, axis=1), classes=tuple(classes), truth=(None,) * clips, speakers=(None,) * clips
    )


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (LOGITS, LOGITS, True),
        (LOGITS, LOGITS + 0.003 * NOISE, True),
        (LOGITS, LOGITS + 0.03 * NOISE + 7.0, True),
        (LOGITS, LOGITS + 0.05 * NOISE, False),
        (LOGITS, np.where(np.arange(200)[:, None] < 150, LOGITS, NOISE), False),
        (SURE, SURE + NOISE, False),
        (FAINT, FAINT + 0.03 * NOISE, False),
        (FAINT, FAINT + 0.003 * NOISE, True),
    ],
    ids=[
        "equal",
        "rounded to half precision",
        "noise, and a constant that softmax removes",
        "trained further",
        "equal on the first clips only",
        "both sure of the same answers",
        "other answers of models whose logits hardly vary",
        "noise of a model whose logits hardly vary",
    ],
)
def test_twins_differ_by_noise_in_logits(first: NDArray[np.float64], second: NDArray[np.float64], same: bool) -> None:
    assert same_logits(answered(first), answered(second)) is same


def test_twins_have_100_answered_clips_and_the_same_classes_in_any_order() -> None:
    assert not same_logits(answered(LOGITS[:99]), answered(LOGITS[:99]))
    assert same_logits(answered(LOGITS), answered(LOGITS[:, ::-1], EMOTIONS[::-1]))
    assert not same_logits(answered(LOGITS), answered(LOGITS, (*EMOTIONS[:-1], "boredom")))


def test_tables_of_hard_answers_are_compared_too() -> None:
    hard = answered(np.where(SURE > 0, 0.0, -np.inf))
    assert same_logits(hard, hard)
    assert not same_logits(hard, replace(hard, source=np.roll(hard.probabilities, 1, axis=0)))


def test_failures_are_the_same_only_on_the_same_clips() -> None:
    answers = random_answers(1, 200, gaps=0.1)
    assert same_logits(answers, answers)
    changed = answers.probabilities.copy()
    changed[np.flatnonzero(answers.answered)[0]] = np.nan
    assert not same_logits(answers, replace(answers, source=changed))
