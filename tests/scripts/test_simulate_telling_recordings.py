import pytest

from scripts.simulate_telling_recordings import DESIGNS, rates
from scripts.simulated_corpora import Design


def test_a_tie_as_large_as_the_spread_between_clips_is_found() -> None:
    found = rates(DESIGNS[0], 1.0, 2)
    assert (found.length_tied, found.silence_tells, found.level_tied) == (1.0, 1.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_recordings_are_rarely_called_telling_where_they_are_not(design: Design) -> None:
    """200 draws: to within three standard errors of the drawing."""
    found = rates(design, 0.0, 200)
    assert max(found.length_tied, found.level_tied, found.silence_tells) <= 0.05 + 0.047
