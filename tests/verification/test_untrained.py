from benchmark.results.status import Status
from benchmark.verification.untrained import judge_biases


def test_one_bias_that_moved_is_a_trained_head() -> None:
    assert not list(judge_biases({"projector.bias": (0.0, 0.0), "classifier.bias": (0.0, 1e-7)}))


def test_biases_of_exactly_zero_are_an_untrained_head() -> None:
    (finding,) = judge_biases({"projector.bias": (0.0, -0.0), "classifier.bias": (0.0,)})
    assert finding.status is Status.RANDOM_HEAD


def test_unknown_biases_say_nothing() -> None:
    assert not list(judge_biases({}))
