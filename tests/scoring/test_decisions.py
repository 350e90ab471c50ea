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
from tests.scoring.conftest import Build


def test_no_clips_make_no_decisions(hard_answers: Build) -> None:
    decisions = open_decisions(hard_answers([], [], ["anger", "fear"]))
    assert decisions.emotions == ()
    assert decisions.truth.size == decisions.answers.size == decisions.confidence.size == 0
    assert confusion_matrix(decisions).shape == (0, 1)
    counts = count_by_speaker(decisions, [])
    assert counts is not None
    assert counts.clips.shape == (0, 0)


def test_answers_outside_the_corpus_and_failures_count_as_none_of_its_emotions(hard_answers: Build) -> None:
    answers = hard_answers(["fear", "anger", "fear", None], ["fear", "surprise", None, "anger"], ["surprise", "fear"])
    decisions = open_decisions(answers)
    assert decisions.emotions == ("anger", "fear")
    assert decisions.truth.tolist() == [1, 0, 1]
    assert decisions.answers.tolist() == [1, 2, 2]
    np.testing.assert_array_equal(decisions.confidence, [0.6, 0.6, np.nan])


@pytest.mark.parametrize("seed", range(3))
def test_open_decisions_equal_a_loop_over_the_clips(random_answers: Build, seed: int) -> None:
    answers = random_answers(seed, 60)
    decisions = open_decisions(answers)
    expected = []
    for row, emotion in zip(answers.probabilities, answers.truth, strict=True):
        if emotion is not None:
            answer = None if np.isnan(row).any() else answers.classes[int(np.argmax(row))]
            expected.append((emotion, answer if answer in decisions.emotions else None))
    names = (*decisions.emotions, None)
    pairs = zip(decisions.truth, decisions.answers, strict=True)
    assert [(names[truth], names[answer]) for truth, answer in pairs] == expected


def test_restricted_decisions_choose_the_best_of_the_given_emotions_with_renormalised_confidence() -> None:
    answers = Answers(
        probabilities=np.array([[0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [1.0, 0.0, 0.0]]),
        classes=("surprise", "anger", "fear"),
        truth=("anger", "anger", "happiness", "fear"),
        speakers=("s",) * 4,
    )
    decisions = restricted_decisions(answers, ("anger", "fear"))
    assert decisions.truth.tolist() == [0, 0, 1]
    assert decisions.answers.tolist() == [1, 0, 2], "the last clip has no probability left among the given"
    np.testing.assert_allclose(decisions.confidence, [0.75, 0.625, np.nan])


def test_covered_emotions_are_those_of_the_corpus_that_the_candidate_knows(hard_answers: Build) -> None:
    answers = hard_answers(["fear", "anger", None], ["fear"] * 3, ["surprise", "fear", "sadness"])
    assert covered_emotions(answers) == ("fear",)


@pytest.mark.parametrize(("clips", "truths"), [(1, 5), (40, 1), (200, 5)])
def test_counts_and_recall_equal_scikit_learns(random_answers: Build, clips: int, truths: int) -> None:
    decisions = open_decisions(random_answers(clips, clips, truths=truths, gaps=0.0 if clips == 1 else 0.1))
    size = len(decisions.emotions)
    expected = sklearn_confusion_matrix(decisions.truth, decisions.answers, labels=range(size + 1))[:size]
    matrix = confusion_matrix(decisions)
    np.testing.assert_array_equal(matrix, expected)
    recall = recall_score(decisions.truth, decisions.answers, labels=range(size), average="macro", zero_division=0)
    assert unweighted_average_recall(np.diagonal(matrix), matrix.sum(axis=1)) == pytest.approx(recall, abs=1e-12)


def test_counts_by_speaker_equal_a_loop(random_answers: Build) -> None:
    answers = random_answers(0, 120, gaps=0.0)
    decisions = open_decisions(answers)
    counts = count_by_speaker(decisions, answers.speakers)
    assert counts is not None
    for row, speaker in enumerate(sorted(set(map(str, answers.speakers)))):
        own = np.array([name == speaker for name in answers.speakers])
        for emotion in range(len(decisions.emotions)):
            of_emotion = own & (decisions.truth == emotion)
            assert counts.clips[row, emotion] == of_emotion.sum()
            assert counts.hits[row, emotion] == (of_emotion & (decisions.answers == emotion)).sum()


def test_one_clip_of_an_unknown_speaker_makes_speakers_unusable(hard_answers: Build) -> None:
    decisions = open_decisions(hard_answers(["anger", "fear"], ["anger", "fear"], ["anger", "fear"]))
    assert count_by_speaker(decisions, ["s1", None]) is None
    assert count_by_speaker(decisions, ["s1", "s2"]) is not None
