from collections.abc import Callable

import numpy as np
import pytest

from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import covered_emotions, open_decisions, restricted_decisions

Build = Callable[..., Answers]


def test_no_clips_make_no_decisions(hard_answers: Build) -> None:
    decisions = open_decisions(hard_answers([], [], ["anger", "fear"]))
    assert decisions.emotions == ()
    assert decisions.truth.size == decisions.answers.size == decisions.confidence.size == 0


def test_answers_outside_the_corpus_and_failures_count_as_none_of_its_emotions(hard_answers: Build) -> None:
    answers = hard_answers(["fear", "anger", "fear", None], ["fear", "surprise", None, "anger"], ["surprise", "fear"])
    decisions = open_decisions(answers)
    assert decisions.emotions == ("anger", "fear")
    assert decisions.truth.tolist() == [1, 0, 1]
    assert decisions.answers.tolist() == [1, 2, 2]
    np.testing.assert_array_equal(decisions.confidence, [0.6, 0.6, np.nan])


@pytest.mark.parametrize("seed", range(5))
def test_open_decisions_equal_a_loop_over_the_clips(random_answers: Build, seed: int) -> None:
    answers = random_answers(seed, 60)
    decisions = open_decisions(answers)
    expected = []
    for row, emotion in zip(answers.probabilities, answers.truth, strict=True):
        if emotion is None:
            continue
        said = None if np.isnan(row).any() else answers.classes[int(np.argmax(row))]
        expected.append((emotion, said if said in decisions.emotions else None))
    names = (*decisions.emotions, None)
    found = [(names[truth], names[said]) for truth, said in zip(decisions.truth, decisions.answers, strict=True)]
    assert found == expected


def test_restricted_decisions_choose_the_best_of_the_wanted_emotions_with_renormalised_confidence() -> None:
    answers = Answers(
        probabilities=np.array([[0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [1.0, 0.0, 0.0]]),
        classes=("surprise", "anger", "fear"),
        truth=("anger", "anger", "happiness", "fear"),
        speakers=("s",) * 4,
        labelled=True,
    )
    decisions = restricted_decisions(answers, ("anger", "fear"))
    assert decisions.truth.tolist() == [0, 0, 1]
    assert decisions.answers.tolist() == [1, 0, 2], "the last clip has no probability left among the wanted"
    np.testing.assert_allclose(decisions.confidence, [0.75, 0.625, np.nan])


def test_covered_emotions_are_those_of_the_corpus_that_the_candidate_knows(hard_answers: Build) -> None:
    answers = hard_answers(["fear", "anger", None], ["fear"] * 3, ["surprise", "fear", "sadness"])
    assert covered_emotions(answers) == ("fear",)
