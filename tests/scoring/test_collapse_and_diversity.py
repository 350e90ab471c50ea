from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import entropy

from benchmark.results.analyses import AnswerProfile
from benchmark.scoring.answers import Answers
from benchmark.scoring.collapse_and_diversity import Diversity, answer_profile, confident_emotions, diversity
from tests.scoring.conftest import evaluation_of, hard_answers, random_answers

CLASSES = ("anger", "fear", "neutral")


def diversity_of(truth: Sequence[str | None], answers: Sequence[str | None]) -> Diversity:
    variety = diversity(hard_answers(truth, answers, CLASSES))
    assert variety is not None
    return variety


def profile_of(answers: Answers) -> AnswerProfile:
    profile = answer_profile(evaluation_of("a", answers))
    assert profile is not None
    return profile


def test_without_any_answer_there_is_no_diversity() -> None:
    assert diversity(hard_answers([], [], CLASSES)) is None
    assert diversity(hard_answers(["anger"], [None], CLASSES)) is None


def test_diversity_is_counted_on_hard_answers_to_scored_clips_whatever_the_corpus_has() -> None:
    variety = diversity_of(["anger"] * 5 + [None], ["anger", "fear", "neutral", "neutral", None, "fear"])
    assert variety.entropy == pytest.approx(entropy([1, 1, 2]))
    assert variety.effective_emotions == pytest.approx(np.exp(entropy([1, 1, 2])))
    assert (variety.top_emotion, variety.top_share) == ("neutral", 0.5)


@pytest.mark.parametrize(
    ("top", "others", "truth_of_top", "collapsed"),
    [
        (19, 0, 0, None),
        (18, 2, 13, True),
        (18, 2, 14, False),
        (17, 3, 0, False),
        (20, 0, 19, True),
        (20, 0, 20, False),
        (95, 5, 83, True),
        (95, 5, 84, False),
    ],
)
def test_collapse_needs_twenty_clips_a_top_share_of_90_percent_and_70_percent_of_the_other_clips(
    top: int, others: int, truth_of_top: int, collapsed: bool | None
) -> None:
    truth = ["neutral"] * truth_of_top + ["anger"] * (top + others - truth_of_top)
    variety = diversity_of(truth, ["neutral"] * top + ["fear"] * others)
    assert (variety.collapsed, variety.narrow) == (collapsed, False)


@pytest.mark.parametrize(("top", "others", "narrow"), [(19, 0, False), (19, 1, True), (18, 2, False)])
def test_without_labels_95_percent_of_one_answer_is_narrow_and_never_collapsed(
    top: int, others: int, narrow: bool
) -> None:
    variety = diversity_of([None] * (top + others), ["neutral"] * top + ["fear"] * others)
    assert (variety.collapsed, variety.narrow) == (None, narrow)


def test_confident_emotions_equal_the_mutual_information_of_normalised_rows() -> None:
    rows = random_answers(0, 100, gaps=0.0).probabilities
    mean = rows.mean(axis=0)
    information = -(mean * np.log(mean)).sum() + np.mean([(row * np.log(row)).sum() for row in rows])
    assert confident_emotions(rows) == pytest.approx(np.exp(information), rel=1e-9)
    assert confident_emotions(rows * 0.3) == pytest.approx(confident_emotions(rows)), "unmapped labels have mass"
    assert confident_emotions(np.zeros((2, 3))) == 1.0


def test_confident_emotions_measure_confidence_and_not_skill() -> None:
    always_sure = np.eye(8)[np.random.default_rng(0).integers(8, size=800)]
    assert confident_emotions(always_sure) == pytest.approx(8, abs=0.1), "guesses"
    assert confident_emotions(0.999 / 8 + 0.001 * always_sure) == pytest.approx(1, abs=0.001), (
        "the same answers, unsure"
    )


def test_a_profile_counts_the_answers_to_scored_clips_or_to_all_without_labels() -> None:
    answers = ["neutral", "neutral", "fear", "anger", None]
    scored = profile_of(hard_answers(["anger", "anger", "neutral", None, "neutral"], answers, CLASSES))
    assert list(scored.answers.items()) == [("neutral", 2), ("fear", 1)]
    assert (scored.truth, scored.unanswered, scored.reliability) == ({"anger": 2, "neutral": 2}, 1, ())
    bare = profile_of(hard_answers([None] * 5, answers, CLASSES))
    assert (bare.answers, bare.truth, bare.unanswered) == ({"neutral": 2, "anger": 1, "fear": 1}, {}, 1)


def test_with_enough_clips_a_profile_has_accuracy_by_confidence() -> None:
    answers = ["anger"] * 45 + ["neutral"] * 15
    (only,) = profile_of(hard_answers(["anger"] * 60, answers, CLASSES)).reliability
    assert (only.clips, only.accuracy) == (60, 0.75)


def test_missing_answers_are_no_profile() -> None:
    part = replace(hard_answers(["anger"], ["anger"], CLASSES), missing=1)
    assert answer_profile(evaluation_of("a", part)) is None
    assert answer_profile(evaluation_of("a", hard_answers([], [], CLASSES))) is None
