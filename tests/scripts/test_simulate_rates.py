import pytest

from scripts.simulate_rates import SETTINGS, SURENESS, Setting, rates


@pytest.mark.parametrize("sureness", SURENESS)
def test_corrected_rates_are_nearer_to_the_truth_than_counted_ones(sureness: float) -> None:
    found = rates(SETTINGS[0], sureness, 3)
    assert found.corrected < 0.7 * found.counted


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_intervals_of_rates_hold_the_truth_about_as_often_as_they_say(setting: Setting) -> None:
    assert min(rates(setting, sureness, 40).held for sureness in SURENESS) > 0.8
