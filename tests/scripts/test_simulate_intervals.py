import numpy as np
import pytest
from scipy.special import expit

from scripts.simulate_intervals import Cell, all_cells, coverage, found_different, shift_for, true_uar


def test_the_truth_is_that_of_very_many_speakers() -> None:
    cell = Cell(speakers=4, emotions=4, spread=1.0)
    people = np.random.default_rng(0).normal(size=200_000)
    assert true_uar(cell) == pytest.approx(expit(cell.ease[:, None] + people).mean(), abs=2e-3)
    assert true_uar(cell, shift_for(cell, 0.1)) - true_uar(cell) == pytest.approx(0.1, abs=1e-9)
    assert len(set(all_cells())) == 24


@pytest.mark.slow
@pytest.mark.parametrize("cell", all_cells()[::5], ids=str)
def test_intervals_hold_the_truth_and_equal_models_stay_equal(cell: Cell) -> None:
    """500 draws: 95 % of them to within three standard errors of the drawing."""
    assert 0.92 <= coverage(cell, 500) <= 0.98
    assert found_different(cell, 500) <= 0.07 + 0.02


def test_a_difference_of_a_tenth_is_found_alone_and_among_45_pairs() -> None:
    cell = Cell(speakers=24, emotions=8, spread=0.5, clips=7)
    assert found_different(cell, 200, difference=0.1) >= 0.95
    assert found_different(cell, 200, difference=0.1, level=0.05 / 45) >= 0.7
