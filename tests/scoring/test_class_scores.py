from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, precision_recall_fscore_support

from benchmark.scoring.answers import Answers
from benchmark.scoring.class_scores import emotion_scores
from benchmark.scoring.confusion import confusion_matrix
from benchmark.scoring.decisions import open_decisions
from benchmark.scoring.scores import brier, weighted_f1

Build = Callable[..., Answers]


@pytest.mark.parametrize("truths", [1, 2, 5])
@pytest.mark.parametrize("classes", [1, 3, 5])
@pytest.mark.parametrize("clips", [1, 3, 20, 300])
def test_every_emotions_scores_equal_a_second_implementation(
    random_answers: Build, truths: int, classes: int, clips: int
) -> None:
    answers = random_answers(clips + truths, clips, truths=truths, classes=classes)
    pairs = [
        (emotion, "?" if np.isnan(row).any() else answers.classes[int(row.argmax())], row)
        for row, emotion in zip(answers.probabilities, answers.truth, strict=True)
        if emotion is not None
    ]
    decisions = open_decisions(answers)
    if not pairs:
        assert (emotion_scores(decisions), brier(answers), weighted_f1(decisions)) == ((), None, None)
        return
    true, said = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    emotions = sorted(set(true))
    precision, recall, f1, clips_of = precision_recall_fscore_support(true, said, labels=emotions, zero_division=0)
    found = emotion_scores(decisions)
    assert [score.precision or 0.0 for score in found] == pytest.approx(list(precision))
    assert [score.precision is None for score in found] == [emotion not in said for emotion in emotions]
    assert [score.recall for score in found] == pytest.approx(list(recall))
    assert [score.f1 for score in found] == pytest.approx(list(f1))
    assert [score.clips for score in found] == list(clips_of)
    assert weighted_f1(decisions) == pytest.approx(np.average(f1, weights=clips_of))
    distances = []
    for emotion, _, row in pairs:
        chances = dict(zip(answers.classes, np.nan_to_num(row), strict=True))
        distances.append(sum((chances.get(name, 0.0) - (name == emotion)) ** 2 for name in emotions))
    assert brier(answers) == pytest.approx(np.mean(distances))
    matrix = confusion_matrix(decisions)
    for place, emotion in enumerate(emotions):
        for column, answer in enumerate(emotions):
            assert matrix[place, column] == sum(one == (emotion, answer) for one in zip(true, said, strict=True))


def test_where_all_emotions_are_covered_brier_is_scikit_learns(random_answers: Build) -> None:
    answers = random_answers(0, 200, truths=5, classes=5, gaps=0.0)
    chances = answers.probabilities[:, :-1] / answers.probabilities[:, :-1].sum(axis=1, keepdims=True)
    whole = Answers(
        probabilities=chances,
        classes=answers.classes[:-1],
        truth=answers.truth,
        speakers=answers.speakers,
        labelled=True,
    )
    expected = brier_score_loss(list(answers.truth), chances, labels=list(whole.classes))
    assert brier(whole) == pytest.approx(expected)


def test_no_clips_have_no_scores(random_answers: Build) -> None:
    answers = random_answers(0, 0)
    assert (emotion_scores(open_decisions(answers)), brier(answers)) == ((), None)
