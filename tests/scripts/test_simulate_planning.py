import pytest

from scripts.simulate_planning import PILOTS, QUESTIONS, check_plans, share_found, true_need


def test_a_planned_study_finds_what_it_is_planned_for() -> None:
    gaps = QUESTIONS[2]
    found = share_found(gaps, speakers=true_need(gaps, 4), clips=4, draws=150)
    assert 0.7 <= found <= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("gaps", QUESTIONS, ids=str)
def test_plans_hold(gaps: tuple[float, ...]) -> None:
    """400 draws: 80 % to within three standard errors of the drawing, and six points for the approximations."""
    assert 0.74 <= share_found(gaps, speakers=true_need(gaps, 4), clips=4, draws=400) <= 0.92
    for speakers, clips in PILOTS:
        assert check_plans(gaps, speakers=speakers, clips=clips, draws=100).inside >= 0.8 - 0.12
