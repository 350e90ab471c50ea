import pytest

from scripts.simulate_intervals import Cell
from scripts.simulate_missing_speakers import Unnamed, coverages


@pytest.mark.parametrize("unnamed", Unnamed)
def test_intervals_of_named_clips_hold_the_truth_whoever_says_the_others(unnamed: Unnamed) -> None:
    own, around_all = coverages(Cell(speakers=100, emotions=4, spread=0.5), unnamed, 1000)
    assert 0.93 < own < 0.97
    assert (around_all < 0.93) == (unnamed is Unnamed.ANOTHER)
