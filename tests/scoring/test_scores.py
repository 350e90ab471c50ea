from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, classification_report, f1_score, recall_score

from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import Decisions, covered_emotions, open_decisions
from benchmark.scoring.scores import (
    accuracy,
    common_uar,
    coverage,
    expected_calibration_error,
    macro_f1,
    majority_accuracy,
    shared_uar,
    uar,
    weighted_f1,
)

Build = Callable[..., Answers]
Decide = Callable[..., Decisions]


@pytest.mark.parametrize(
    ("truth", "answers", "classes", "expected"),
    [
        ([], [], 0, (None, None, None, None)),
        ([0], [0], 1, (1.0, 1.0, 1.0, 1.0)),
        ([0], [1], 1, (0.0, 0.0, 0.0, 1.0)),
        ([0, 0, 0], [0, 0, 1], 1, (2 / 3, 2 / 3, 0.8, 1.0)),
        ([0, 0, 0, 1], [0, 0, 0, 0], 2, (0.75, 0.5, (6 / 7) / 2, 0.75)),
        ([0, 0, 1, 1], [2, 2, 2, 2], 2, (0.0, 0.0, 0.0, 0.5)),
        ([0, 0, 1, 1], [0, 2, 1, 1], 2, (0.75, 0.75, (2 / 3 + 1) / 2, 0.5)),
        ([0, 1, 2, 2], [0, 1, 2, 2], 3, (1.0, 1.0, 1.0, 0.5)),
    ],
)
def test_hand_made_cases(
    decide: Decide, truth: list[int], answers: list[int], classes: int, expected: tuple[float | None, ...]
) -> None:
    decisions = decide(truth, answers, classes)
    found = accuracy(decisions), uar(decisions), macro_f1(decisions), majority_accuracy(decisions)
    assert found == (None,) * 4 if expected[0] is None else found == pytest.approx(expected)


@pytest.mark.parametrize("truths", [1, 2, 5])
@pytest.mark.parametrize("classes", [1, 3, 5])
@pytest.mark.parametrize("clips", [3, 20, 300])
def test_scores_equal_a_second_implementation(random_answers: Build, truths: int, classes: int, clips: int) -> None:
    answers = random_answers(clips + truths, clips, truths=truths, classes=classes)
    decisions = open_decisions(answers)
    true_names, said_names = [], []
    for row, emotion in zip(answers.probabilities, answers.truth, strict=True):
        if emotion is not None:
            true_names.append(emotion)
            said_names.append("?" if np.isnan(row).any() else answers.classes[int(row.argmax())])
    emotions = sorted(set(true_names))
    report = classification_report(true_names, said_names, labels=emotions, output_dict=True, zero_division=0)
    assert accuracy(decisions) == pytest.approx(accuracy_score(true_names, said_names), abs=1e-12)
    assert uar(decisions) == pytest.approx(report["macro avg"]["recall"], abs=1e-12)
    assert macro_f1(decisions) == pytest.approx(report["macro avg"]["f1-score"], abs=1e-12)
    most = max(true_names.count(emotion) for emotion in emotions)
    assert majority_accuracy(decisions) == most / len(true_names)
    assert coverage(answers) == sum(name in answers.classes for name in true_names) / len(true_names)


@pytest.mark.parametrize("seed", range(4))
def test_shared_uar_equals_a_loop_over_covered_clips(random_answers: Build, seed: int) -> None:
    answers = random_answers(seed, 150, classes=3)
    covered = covered_emotions(answers)
    recalls = []
    for emotion in covered:
        rows = [row for row, truth in zip(answers.probabilities, answers.truth, strict=True) if truth == emotion]
        best = [
            None if np.isnan(row).any() else max(covered, key=lambda name: row[answers.classes.index(name)])
            for row in rows
        ]
        recalls.append(best.count(emotion) / len(best))
    assert shared_uar(answers) == pytest.approx(np.mean(recalls), abs=1e-12)


def test_shared_uar_needs_two_covered_emotions(hard_answers: Build) -> None:
    one = hard_answers(["anger", "fear"], ["anger", "surprise"], ["anger", "surprise"])
    two = hard_answers(["anger", "fear", "sadness"], ["anger", "fear", "anger"], ["anger", "fear"])
    assert shared_uar(one) is None
    assert shared_uar(two) == 1.0


def test_common_uar_is_empty_for_a_candidate_that_does_not_cover_the_common_emotions(hard_answers: Build) -> None:
    answers = hard_answers(["anger", "fear", "sadness"], ["anger", "fear", "anger"], ["anger", "fear"])
    assert common_uar(answers, ("anger", "sadness")) is None
    assert common_uar(answers, ("anger",)) is None
    assert common_uar(answers, ()) is None
    assert common_uar(answers, ("anger", "fear")) == 1.0


def test_scores_without_scored_clips_are_empty(hard_answers: Build) -> None:
    answers = hard_answers([None, None], ["anger", "fear"], ["anger", "fear"])
    assert coverage(answers) is None
    assert shared_uar(answers) is None
    assert uar(open_decisions(answers)) is None


def test_calibration_error_is_empty_below_200_answered_clips(random_answers: Build) -> None:
    assert expected_calibration_error(open_decisions(random_answers(1, 0))) is None
    assert expected_calibration_error(open_decisions(random_answers(1, 199, gaps=0.0))) is None
    assert expected_calibration_error(open_decisions(random_answers(1, 200, gaps=0.0))) is not None


def test_calibration_error_equals_bins_of_sorted_clips() -> None:
    generator = np.random.default_rng(3)
    confidence = generator.uniform(0.2, 1.0, size=450)
    answers = generator.integers(2, size=450)
    decisions = Decisions(
        emotions=("anger", "fear"), truth=np.zeros(450, np.int64), answers=answers, confidence=confidence
    )
    bins = np.split(np.argsort(confidence), 15)
    gaps = [decisions.correct[rows].mean() - confidence[rows].mean() for rows in bins]
    assert min(gaps) < 0 < max(gaps), "else every way of binning gives the same"
    assert expected_calibration_error(decisions) == pytest.approx(np.mean(np.abs(gaps)), abs=1e-12)


def test_calibration_error_of_equal_confidences_does_not_depend_on_the_order_of_the_clips(decide: Decide) -> None:
    decisions = decide([0] * 150 + [1] * 50, [0] * 200, 2)
    assert expected_calibration_error(decisions) == pytest.approx(0.25)


@pytest.mark.parametrize("seed", range(20))
def test_counting_by_cells_gives_the_numbers_of_counting_by_clips_to_the_last_bit(decide: Decide, seed: int) -> None:
    generator = np.random.default_rng(seed)
    classes, clips = int(generator.integers(1, 6)), int(generator.integers(1, 400))
    found = decide(generator.integers(0, classes, clips), generator.integers(0, classes + 1, clips), classes)
    fixed = {"labels": range(classes), "zero_division": 0}
    assert accuracy(found) == accuracy_score(found.truth, found.answers)
    assert uar(found) == recall_score(found.truth, found.answers, average="macro", **fixed)
    assert macro_f1(found) == f1_score(found.truth, found.answers, average="macro", **fixed)
    assert weighted_f1(found) == f1_score(found.truth, found.answers, average="weighted", **fixed)
