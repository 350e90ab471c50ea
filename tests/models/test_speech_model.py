import numpy as np
from scipy.special import softmax

from benchmark.models.speech_model import averaged


def test_certain_answers_are_averaged_without_infinities() -> None:
    logits = np.array([[500.0, -500.0, -500.0], [500.0, -500.0, -500.0]], np.float32)
    mean = averaged(logits, np.array([1, 1]))
    assert np.isfinite(mean).all()
    assert softmax(mean)[0] == 1


def test_one_window_keeps_its_logits_as_they_are() -> None:
    logits = np.array([[1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(averaged(logits, np.array([7])), logits[0])
