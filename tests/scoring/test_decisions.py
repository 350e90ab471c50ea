import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from sklearn.metrics import recall_score

from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import (
    confusion_matrix,
    count_by_speaker,
    covered_emotions,
    open_decisions,
    restricted_decisions,
    unweighted_average_recall,
)
from tests.scoring.conftest import hard_answers, random_answers


def test_no_clips_make_no_decisions() -> None:
    decisions = open_decisions(hard_answers([], [], ["anger", "fear"]))
    assert decisions.emotions == ()
    assert decisions.truth.size == decisions.answers.size == decisions.confidence.size == 0
    assert confusion_matrix(decisions).shape == (0, 1)
    counts = count_by_speaker(decisions, [])
    assert counts is not None
    assert counts.clips.shape == (0, 0)


def test_answers_outside_the_corpus_and_failures_count_as_none_of_its_emotions() -> None:
    answers = hard_answers(["fear", "anger", "fear", None], ["fear", "surprise", None, "anger"], ["surprise", "fear"])
    decisions = open_decisions(answers)
    assert decisions.emotions == ("anger", "fear")
    assert decisions.truth.tolist() == [1, 0, 1]
    assert decisions.answers.tolist() == [1, 2, 2]
    np.testing.assert_array_equal(decisions.confidence, [0.6, 0.6, np.nan])


def test_restricted_decisions_choose_the_best_of_the_given_emotions_with_renormalised_confidence() -> None:
    answers = Answers(
        source=np.array([[0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [1.0, 0.0, 0.0]]),
        classes=("surprise", "anger", "fear"),
        truth=("anger", "anger", "happiness", "fear"),
        speakers=("s",) * 4,
    )
    decisions = restricted_decisions(answers, ("anger", "fear"))
    assert decisions.truth.tolist() == [0, 0, 1]
    assert decisions.answers.tolist() == [1, 0, 2], "the last clip has no probability left among the given"
    np.testing.assert_allclose(decisions.confidence, [0.75, 0.625, np.nan])


def test_covered_emotions_are_those_of_the_corpus_that_the_candidate_knows() -> None:
    answers = hard_answers(["fear", "anger", None], ["fear"] * 3, ["surprise", "fear", "sadness"])
    assert covered_emotions(answers) == ("fear",)


@pytest.mark.parametrize(("clips", "truths"), [(1, 5), (40, 1), (200, 5)])
def test_counts_and_recall_equal_scikit_learns(clips: int, truths: int) -> None:
    decisions = open_decisions(random_answers(clips, clips, truths=truths, gaps=0.0 if clips == 1 else 0.1))
    size = len(decisions.emotions)
    expected = sklearn_confusion_matrix(decisions.truth, decisions.answers, labels=range(size + 1))[:size]
    matrix = confusion_matrix(decisions)
    np.testing.assert_array_equal(matrix, expected)
    recall = recall_score(decisions.truth, decisions.answers, labels=range(size), average="macro", zero_division=0)
    assert unweighted_average_recall(np.diagonal(matrix), matrix.sum(axis=1)) == pytest.approx(recall, abs=1e-12)


def test_counts_by_speaker_equal_a_loop() -> None:
    answers = random_answers(0, 120, gaps=0.0)
    decisions = open_decisions(answers)
    counts = count_by_speaker(decisions, answers.speakers)
    assert counts is not None
    for row, speaker in enumerate(sorted(set(map(str, answers.speakers)))):
        own = np.array([name == speaker for name in answers.speakers])
        emotions = range(len(decisions.emotions))
        assert counts.clips[row].tolist() == [(own & (decisions.truth == emotion)).sum() for emotion in emotions]
        right = own & (decisions.truth == decisions.answers)
        assert counts.hits[row].tolist() == [(right & (decisions.truth == emotion)).sum() for emotion in emotions]


def test_one_clip_of_an_unknown_speaker_makes_speakers_unusable() -> None:
    decisions = open_decisions(hard_answers(["anger", "fear"], ["anger", "fear"], ["anger", "fear"]))
    assert count_by_speaker(decisions, ["s1", None]) is None
    assert count_by_speaker(decisions, ["s1", "s2"]) is not None
