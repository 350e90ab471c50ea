from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.results.training_record import OutOfFold
from benchmark.scoring.suspected_labels import suspected_labels

CLASSES = ("anger", "fear", "joy", "neutral")


def answers(labels: Sequence[int], probabilities: NDArray[np.float64]) -> OutOfFold:
    count = len(labels)
    return OutOfFold(
        clips=tuple(f"clip {number}" for number in range(count)),
        clip_hashes=tuple(str(number) for number in range(count)),
        speakers=("a",) * count,
        folds=(1,) * count,
        labels=tuple(CLASSES[label] for label in labels),
        classes=CLASSES,
        probabilities=probabilities.astype(np.float32),
    )


def noisy_model(labels: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Answers of a model that is right in about two thirds of the clips."""
    scores = np.random.default_rng(seed).normal(size=(len(labels), len(CLASSES)))
    scores[np.arange(len(labels)), labels] += 1.5
    return np.asarray(softmax(2 * scores, axis=1), np.float64)


def test_planted_wrong_labels_are_found_among_the_errors_of_the_model() -> None:
    truth = np.tile(np.arange(4), 100)
    wrong = np.arange(0, 400, 20)
    labels = truth.copy()
    labels[wrong] = (truth[wrong] + 1) % 4
    found = suspected_labels(answers(labels.tolist(), noisy_model(truth, seed=3)), most=20)
    planted = {f"clip {number}" for number in wrong}
    # 5 % of all clips are planted: by chance, one of 20 would be.
    assert len(planted & {suspect.clip for suspect in found}) >= 8
    first = found[0]
    assert first.likelier != first.label
    assert first.likelier_probability > 0.5
    assert first.label_probability < 0.05


def test_right_labels_of_a_sure_model_are_not_suspected() -> None:
    labels = np.tile(np.arange(4), 20)
    assert suspected_labels(answers(labels.tolist(), np.eye(4)[labels] * 0.88 + 0.03)) == ()


def test_an_emotion_that_never_gets_high_probabilities_is_measured_by_itself() -> None:
    # Clips of neutral get 0.3 for it and 0.4 for joy: that is how this model answers neutral clips, and no error.
    joy, neutral = [0.05, 0.05, 0.85, 0.05], [0.15, 0.15, 0.4, 0.3]
    swapped = [0.29, 0.3, 0.01, 0.4]
    found = suspected_labels(answers([2] * 10 + [3] * 10 + [2], np.array([joy] * 10 + [neutral] * 10 + [swapped])))
    assert [(suspect.clip, suspect.label, suspect.likelier) for suspect in found] == [("clip 20", "joy", "neutral")]


def test_an_emotion_without_clips_is_not_suggested() -> None:
    found = suspected_labels(answers([0] * 10 + [1] * 10, np.tile([0.01, 0.49, 0.25, 0.25], (20, 1))))
    assert {suspect.likelier for suspect in found} <= {"fear"}
