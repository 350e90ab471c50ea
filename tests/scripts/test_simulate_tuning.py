from scripts.simulate_tuning import PROMISED, check


def test_a_tuning_helps_speakers_that_it_was_not_fitted_to_and_thresholds_keep_the_promised_error() -> None:
    drawn = check(12, 6, factor=2.5, anger=0.0)
    stored = [own for own in drawn if own.stored]
    assert len(stored) >= 5
    assert all(own.ece[1] < own.ece[0] / 2 for own in stored)
    assert all(own.uar[1] >= own.uar[0] - 0.01 for own in stored)
    errors = [own.error for own in stored if own.error is not None]
    assert sum(errors) / len(errors) < PROMISED + 0.02
    assert sum(own.held for own in stored) >= len(stored) - 1
