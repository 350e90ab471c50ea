from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from sklearn.metrics import recall_score

from benchmark.scoring.answers import Answers
from benchmark.scoring.confusion import confusion_matrix, count_by_speaker, unweighted_average_recall
from benchmark.scoring.decisions import open_decisions

Build = Callable[..., Answers]


def test_without_clips_there_is_an_empty_matrix_and_no_recall(hard_answers: Build) -> None:
    matrix = confusion_matrix(open_decisions(hard_answers([], [], ["anger"])))
    assert matrix.shape == (0, 1)
    assert np.isnan(unweighted_average_recall(matrix))


@pytest.mark.parametrize(("clips", "truths"), [(1, 5), (7, 5), (40, 1), (200, 3), (200, 5)])
def test_counts_and_recall_equal_scikit_learns(random_answers: Build, clips: int, truths: int) -> None:
    decisions = open_decisions(random_answers(clips, clips, truths=truths, gaps=0.0 if clips == 1 else 0.1))
    size = len(decisions.emotions)
    expected = sklearn_confusion_matrix(decisions.truth, decisions.answers, labels=range(size + 1))[:size]
    matrix = confusion_matrix(decisions)
    np.testing.assert_array_equal(matrix, expected)
    recall = recall_score(decisions.truth, decisions.answers, labels=range(size), average="macro", zero_division=0)
    assert unweighted_average_recall(matrix) == pytest.approx(recall, abs=1e-12)


def test_emotions_without_clips_do_not_count_in_the_average() -> None:
    assert unweighted_average_recall(np.array([[3, 1, 0], [0, 0, 0]])) == 0.75


@pytest.mark.parametrize("seed", range(3))
def test_counts_by_speaker_equal_a_loop(random_answers: Build, seed: int) -> None:
    answers = random_answers(seed, 120, gaps=0.0)
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


def test_no_clips_have_no_speakers(hard_answers: Build) -> None:
    counts = count_by_speaker(open_decisions(hard_answers([], [], ["anger"])), [])
    assert counts is not None
    assert counts.clips.shape == (0, 0)
