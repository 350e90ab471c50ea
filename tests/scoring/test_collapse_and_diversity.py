"""What a candidate answers, taken together."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import entropy

from benchmark.scoring.collapse_and_diversity import answer_profile, diversity, informative_emotions
from tests.scoring.conftest import Build, evaluation_of

CLASSES = ("anger", "fear", "neutral")


def test_without_any_answer_there_is_no_diversity(hard_answers: Build) -> None:
    assert diversity(hard_answers([], [], CLASSES)) is None
    assert diversity(hard_answers(["anger"], [None], CLASSES)) is None


def test_diversity_is_counted_on_hard_answers_whether_or_not_the_corpus_has_them(hard_answers: Build) -> None:
    variety = diversity(hard_answers(["anger"] * 4, ["anger", "fear", "neutral", "neutral"], CLASSES))
    assert variety is not None
    assert variety.entropy == pytest.approx(entropy([1, 1, 2]))
    assert variety.effective_emotions == pytest.approx(np.exp(entropy([1, 1, 2])))
    assert (variety.top_emotion, variety.top_share) == ("neutral", 0.5)


def test_failed_and_unscored_clips_are_left_out(hard_answers: Build) -> None:
    variety = diversity(hard_answers(["anger", None, "fear"], ["anger", "neutral", None], CLASSES))
    assert variety is not None
    assert (variety.top_emotion, variety.top_share, variety.entropy) == ("anger", 1.0, 0.0)


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
    truth = ["neutral"] * truth_of_top + ["anger"] * (top + others - truth_of_top)
    variety = diversity(hard_answers(truth, ["neutral"] * top + ["fear"] * others, CLASSES))
    assert variety is not None
    assert (variety.collapsed, variety.narrow) == (collapsed, False)


@pytest.mark.parametrize(("top", "others", "narrow"), [(19, 0, False), (19, 1, True), (18, 2, False), (20, 0, True)])
def test_without_labels_95_percent_of_one_answer_is_narrow_and_never_collapsed(
    hard_answers: Build, top: int, others: int, narrow: bool
) -> None:
    variety = diversity(hard_answers([None] * (top + others), ["neutral"] * top + ["fear"] * others, CLASSES))
    assert variety is not None
    assert (variety.collapsed, variety.narrow) == (None, narrow)


def test_informative_emotions_equal_the_mutual_information(random_answers: Build) -> None:
    rows = random_answers(0, 100, gaps=0.0).probabilities
    mean = rows.mean(axis=0)
    information = -(mean * np.log(mean)).sum() + np.mean([(row * np.log(row)).sum() for row in rows])
    assert informative_emotions(rows) == pytest.approx(np.exp(information), rel=1e-9)


def test_mass_on_labels_that_mean_nothing_does_not_change_how_informative_answers_are() -> None:
    rows = np.array([[0.8, 0.2], [0.1, 0.9], [0.5, 0.5]])
    assert informative_emotions(rows * 0.3) == pytest.approx(informative_emotions(rows))
    assert informative_emotions(np.zeros((2, 3))) == 1.0


def test_a_profile_counts_the_answers_to_scored_clips_or_to_all_without_labels(hard_answers: Build) -> None:
    answers = ["neutral", "neutral", "fear", "anger", None]
    scored = answer_profile(
        evaluation_of("a", hard_answers(["anger", "anger", "neutral", None, "neutral"], answers, CLASSES))
    )
    assert scored is not None
    assert list(scored.answers.items()) == [("neutral", 2), ("fear", 1)]
    assert (scored.truth, scored.unanswered, scored.reliability) == ({"anger": 2, "neutral": 2}, 1, ())
    bare = answer_profile(evaluation_of("a", hard_answers([None] * 5, answers, CLASSES)))
    assert bare is not None
    assert (bare.answers, bare.truth, bare.unanswered) == ({"neutral": 2, "anger": 1, "fear": 1}, {}, 1)


def test_with_enough_clips_a_profile_has_accuracy_by_confidence(hard_answers: Build) -> None:
    answers = hard_answers(["anger"] * 60, ["anger"] * 45 + ["neutral"] * 15, CLASSES)
    profile = answer_profile(evaluation_of("a", answers))
    assert profile is not None
    (only,) = profile.reliability
    assert (only.clips, only.accuracy) == (60, 0.75)


def test_missing_answers_are_no_profile(hard_answers: Build) -> None:
    part = replace(hard_answers(["anger"], ["anger"], CLASSES), missing=1)
    assert answer_profile(evaluation_of("a", part)) is None
    assert answer_profile(evaluation_of("a", hard_answers([], [], CLASSES))) is None
