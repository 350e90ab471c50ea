import numpy as np
import pytest

from benchmark.results.tuning import AppliedTuning, EmotionTuning, TuningMethod, log_probabilities
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.metrics import expected_calibration_error
from benchmark.scoring.tuning import LabelledAnswers, class_thresholds, fit_tuning, mean_change
from tests.support.finished_runs import WHEN

EVERY = np.ones(3, dtype=np.bool_)


def answers(clips: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated logits of three classes, and the truth."""
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, clips)
    return 2 * (generator.normal(size=(clips, 3)) + 2 * np.eye(3)[truth]), truth


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def test_the_fit_finds_the_temperature_and_the_biases_that_answers_were_distorted_by() -> None:
    logits, truth = answers()
    fit = fit_tuning(log_probabilities(softmax(2.5 * logits + [3.0, 0.0, -3.0])), truth, EVERY)
    assert fit.temperature == pytest.approx(2.5, rel=0.06)
    assert fit.biases == pytest.approx(np.array([-3.0, 0.0, 3.0]) / 2.5, abs=0.12)
    assert fit.biases.sum() == pytest.approx(0)


def test_an_emotion_without_clips_keeps_its_bias() -> None:
    logits, truth = answers()
    is_known = truth != 2
    fit = fit_tuning(log_probabilities(softmax(logits))[is_known], truth[is_known], np.array([True, True, False]))
    assert fit.biases[2] == 0
    assert fit.biases[:2] == pytest.approx([0, 0], abs=0.15)


def test_clips_without_a_speaker_are_left_out_and_emotions_that_a_candidate_lacks_are_not_fitted() -> None:
    own = LabelledAnswers.of(
        Answers(
            source=np.tile([0.7, 0.3], (40, 1)),
            classes=("anger", "fear"),
            truth=("anger", "fear", "boredom", None) * 10,
            speakers=("a", None, "b", "c") * 10,
        )
    )
    assert (len(own.truth), own.left_out, own.number_of_speakers) == (20, 10, 2)
    assert own.fitted.tolist() == [True, False]
    everything = np.ones(20, dtype=np.bool_)
    # Of the clips that can be right all are, so that answers get surer; the others would make them less so.
    assert own.fit(everything, TuningMethod.TEMPERATURE).temperature < 1


def test_the_calibration_error_is_that_of_a_count_by_hand() -> None:
    # 100 answers of 0.9 of which 70 are right, and 100 of 0.6 of which 60 are: 0.5 · |0.7 - 0.9| + 0.5 · 0.
    correct = np.r_[np.arange(100) < 70, np.arange(100) < 60]
    decisions = Decisions(
        emotions=("anger", "fear"),
        truth=np.zeros(200, dtype=np.int64),
        answers=np.where(correct, 0, 1),
        confidence=np.repeat([0.9, 0.6], 100),
    )
    assert expected_calibration_error(decisions) == pytest.approx(0.1)


def test_thresholds_of_answers_that_are_as_good_at_any_confidence_do_not_take_the_luckiest() -> None:
    generator, found = np.random.default_rng(2), []
    for _ in range(100):
        confidence = generator.uniform(0.75, 0.85, 60)  # all are right in 80 %
        wrong = generator.random(60) > 0.8
        probabilities = np.column_stack([confidence, 1 - confidence])
        found.append(class_thresholds(probabilities, wrong.astype(np.int64), 0.1)[0])
    assert np.isinf(found).all()


def test_of_answers_with_one_confidence_all_or_none_are_accepted() -> None:
    probabilities = np.tile([0.95, 0.05], (40, 1))
    assert class_thresholds(probabilities, np.zeros(40, dtype=np.int64), 0.1)[0] == 0.95
    assert np.isinf(class_thresholds(probabilities, np.repeat([0, 1], 20), 0.1)[0])


def test_the_mean_change_has_the_interval_of_the_means_of_equal_speakers() -> None:
    differences, speakers = np.repeat([0.0, 0.1, 0.2, 0.3], 5), np.repeat(np.arange(4), 5)
    change = mean_change(differences, speakers)
    reach = 3.1824463 * np.std([0.0, 0.1, 0.2, 0.3], ddof=1) / 2  # t of 3 degrees of freedom
    assert (change.value, change.low, change.high) == pytest.approx((0.15, 0.15 - reach, 0.15 + reach))


def test_what_labels_without_an_emotion_have_stays_apart() -> None:
    emotions = tuple(EmotionTuning(emotion=name, clips=20) for name in ("anger", "fear"))
    tuning = AppliedTuning(corpus="calls", created=WHEN, temperature=1.0, max_error=0.1, emotions=emotions)
    assert tuning.probabilities(np.array([[0.5, 0.2]])) == pytest.approx(np.array([[0.5, 0.2]]))
