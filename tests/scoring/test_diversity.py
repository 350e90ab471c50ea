"""What a candidate answers, taken together."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import entropy

from benchmark.scoring.answers import Answers
from benchmark.scoring.diversity import answer_profile, diversity, informative_emotions
from tests.scoring.conftest import evaluation_of

Build = Callable[..., Answers]


CLASSES = ("anger", "fear", "neutral")


def test_without_any_answer_there_is_no_diversity(hard_answers: Build) -> None:
    assert diversity(hard_answers([], [], CLASSES)) is None
    assert diversity(hard_answers(["anger"], [None], CLASSES)) is None


def test_diversity_is_counted_on_hard_answers_whether_or_not_the_corpus_has_them(hard_answers: Build) -> None:
    found = diversity(hard_answers(["anger"] * 4, ["anger", "fear", "neutral", "neutral"], CLASSES))
    assert found is not None
    assert found.entropy == pytest.approx(entropy([1, 1, 2]))
    assert found.effective_emotions == pytest.approx(np.exp(entropy([1, 1, 2])))
    assert (found.top_emotion, found.top_share, found.top_share_of_truth) == ("neutral", 0.5, 0.0)


def test_failed_and_unscored_clips_are_left_out(hard_answers: Build) -> None:
    found = diversity(hard_answers(["anger", None, "fear"], ["anger", "neutral", None], CLASSES))
    assert found is not None
    assert (found.clips, found.top_emotion, found.top_share) == (1, "anger", 1.0)


@pytest.mark.parametrize(
    ("top", "others", "truth_of_top", "collapsed"),
    [
        (19, 0, 0, None),
        (20, 0, 0, True),
        (18, 2, 13, True),
        (18, 2, 14, False),
        (17, 3, 0, False),
        (20, 0, 15, True),
        (20, 0, 16, False),
    ],
)
def test_collapse_needs_twenty_clips_a_top_share_of_90_percent_and_25_percent_above_the_truth(
    hard_answers: Build, top: int, others: int, truth_of_top: int, collapsed: bool | None
) -> None:
    clips = top + others
    truth = ["neutral"] * truth_of_top + ["anger"] * (clips - truth_of_top)
    found = diversity(hard_answers(truth, ["neutral"] * top + ["fear"] * others, CLASSES))
    assert found is not None
    assert found.collapsed is collapsed
    assert not found.narrow


@pytest.mark.parametrize(("top", "others", "narrow"), [(19, 0, False), (19, 1, True), (18, 2, False), (20, 0, True)])
def test_without_labels_95_percent_of_one_answer_is_narrow_and_never_collapsed(
    hard_answers: Build, top: int, others: int, narrow: bool
) -> None:
    found = diversity(hard_answers([None] * (top + others), ["neutral"] * top + ["fear"] * others, CLASSES))
    assert found is not None
    assert found.narrow is narrow
    assert found.collapsed is None


def test_informative_emotions_equal_the_mutual_information(random_answers: Build) -> None:
    rows = random_answers(0, 100, gaps=0.0).probabilities
    mean = rows.mean(axis=0)
    information = -(mean * np.log(mean)).sum() + np.mean([(row * np.log(row)).sum() for row in rows])
    assert informative_emotions(rows) == pytest.approx(np.exp(information), rel=1e-9)


def test_mass_on_labels_that_mean_nothing_does_not_change_how_informative_answers_are() -> None:
    rows = np.array([[0.8, 0.2], [0.1, 0.9], [0.5, 0.5]])
    assert informative_emotions(rows * 0.3) == pytest.approx(informative_emotions(rows))
    assert informative_emotions(np.zeros((2, 3))) == 1.0


KNOWN = ("anger", "neutral", "surprise")


def test_answers_are_counted_on_the_scored_clips(hard_answers: Build) -> None:
    truth = ["anger", "anger", "neutral", None, "neutral"]
    found = answer_profile(
        evaluation_of("a", hard_answers(truth, ["neutral", "neutral", "surprise", "anger", None], KNOWN))
    )
    assert found is not None
    assert list(found.answers.items()) == [("neutral", 2), ("surprise", 1)]
    assert found.truth == {"anger": 2, "neutral": 2}
    assert found.unanswered == 1
    assert found.reliability == ()


def test_without_labels_all_answers_are_counted(hard_answers: Build) -> None:
    found = answer_profile(evaluation_of("a", hard_answers([None, None, None], ["neutral", None, "anger"], KNOWN)))
    assert found is not None
    assert (found.answers, found.truth, found.unanswered) == ({"anger": 1, "neutral": 1}, {}, 1)


def test_with_enough_clips_it_says_how_right_by_how_sure(hard_answers: Build) -> None:
    found = answer_profile(evaluation_of("a", hard_answers(["anger"] * 60, ["anger"] * 45 + ["neutral"] * 15, KNOWN)))
    assert found is not None
    (only,) = found.reliability
    assert (only.clips, only.accuracy) == (60, 0.75)


def test_missing_answers_are_no_profile(hard_answers: Build) -> None:
    whole = hard_answers(["anger"], ["anger"], KNOWN)
    part = Answers(
        probabilities=whole.probabilities,
        classes=whole.classes,
        truth=whole.truth,
        speakers=whole.speakers,
        missing=1,
    )
    assert answer_profile(evaluation_of("a", part)) is None
    assert answer_profile(evaluation_of("a", hard_answers([], [], KNOWN))) is None
