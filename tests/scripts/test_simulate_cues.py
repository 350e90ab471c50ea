import pytest

from scripts.simulate_cues import Cell, all_cells, said_to_matter


@pytest.mark.slow
@pytest.mark.parametrize("cell", all_cells(), ids=str)
def test_cues_that_are_worth_nothing_are_seldom_named(cell: Cell) -> None:
    """500 draws: 5 % of them to within three standard errors of the drawing."""
    assert said_to_matter(cell, 500)[1] <= 0.05 + 0.03


def test_a_cue_worth_a_fifth_is_found() -> None:
    assert said_to_matter(Cell(speakers=24, emotions=4), 40, worth=0.2)[0] >= 0.9
