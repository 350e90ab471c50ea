import pytest

from scripts.simulate_ranks import LIMITED, PICKED, RANKED, Board, equal, ladder, pick_boards, rank_boards


@pytest.mark.parametrize("board", [RANKED[2], RANKED[8]], ids=str)
def test_ranges_and_the_set_of_the_best_hold(board: Board) -> None:
    """200 boards: 5 % to within three standard errors of the drawing."""
    result = rank_boards(board, 200)
    assert max(result.excluded, result.lost, result.exceeded) <= 0.05 + 0.046
    assert board.gaps[1] == 0 or result.alone > 0.25


def test_the_expected_score_of_the_pick_is_not_made_higher_by_luck() -> None:
    """60 boards, whose standard error is 0.006."""
    result = pick_boards(Board(name="", gaps=equal(10)[1], speakers=10, clips=4), 60)
    assert result.shown > 0.03
    assert abs(result.expected) < 0.02
    assert result.exceeded <= 0.04 + 0.076
    assert result.table_exceeded > result.exceeded


@pytest.mark.slow
@pytest.mark.parametrize("board", RANKED, ids=str)
def test_ranks_hold_everywhere(board: Board) -> None:
    result = rank_boards(board, 1000)
    assert max(result.excluded, result.lost, result.exceeded) <= 0.05 + 0.021


@pytest.mark.slow
@pytest.mark.parametrize("board", [*PICKED[::4], *LIMITED[:3]], ids=str)
def test_the_pick_holds_with_few_and_many_speakers_and_limits(board: Board) -> None:
    result = pick_boards(board, 300)
    assert result.covered >= 0.94 - 0.041
    assert result.exceeded <= 0.04 + 0.034


def test_the_candidates_of_a_ladder_are_evenly_apart() -> None:
    assert ladder(3)[1] == pytest.approx((0.0, 0.1, 0.2))
