import numpy as np
import pytest

from scripts.simulate_groups import BOARDS, SHIFT, Board, Cell, all_cells, claims, draw, rates, spreads


def test_the_truth_is_that_of_very_many_speakers() -> None:
    cell = Cell(groups=2, speakers=20_000, same=True, spread=1.0, shift=SHIFT)
    drawn = draw(np.random.default_rng(0), cell)
    assert [drawn.counts(0, group).uar for group in range(2)] == pytest.approx(cell.truth.tolist(), abs=0.01)
    assert np.ptp(cell.truth) > 0.1
    assert len(set(all_cells())) == 36


@pytest.mark.slow
@pytest.mark.parametrize("cell", all_cells()[::7], ids=str)
def test_intervals_hold_the_truth_and_gaps_are_not_claimed_where_there_are_none(cell: Cell) -> None:
    """300 draws: to within three standard errors of the drawing."""
    shares = rates(cell, 300)
    assert shares.groups >= 0.92
    assert shares.gap >= 0.92
    assert shares.claimed <= 0.07 + 0.04


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS, ids=str)
def test_boards_rarely_claim_a_gap_that_is_not_there(board: Board) -> None:
    """300 draws: to within three standard errors of the drawing."""
    assert claims(board, 300)[0] <= 0.05 + 0.04


def test_a_large_gap_is_found() -> None:
    assert rates(Cell(groups=2, speakers=12, same=True, spread=0.5, shift=1.2), 50).claimed > 0.9


def test_chance_is_taken_off_the_spread_between_speakers() -> None:
    true, seen, left = spreads(24, 1.0, 100)
    assert abs(left - true) < 0.02
    assert seen > true + 0.015
