import pytest

from scripts.simulate_suspects import suspects


def test_most_suspects_of_good_candidates_are_wrong_labels() -> None:
    found = suspects(0.8, 0.05, 3, 2)
    assert found.right >= 0.85 * found.listed > 0
    assert found.wrong == pytest.approx(0.05 * 2 * 24 * 60, rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(("accuracy", "candidates", "least"), [(0.8, 1, 0.82), (0.8, 8, 0.95), (0.5, 1, 0.27)])
def test_as_many_suspects_are_wrong_as_reports_promise(accuracy: float, candidates: int, least: float) -> None:
    """20 draws of 30 suspects each: to within three standard errors of the drawing."""
    found = suspects(accuracy, 0.05, candidates, 20)
    assert found.right >= least * found.listed
