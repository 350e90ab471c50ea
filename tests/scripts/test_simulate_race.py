import pytest

from benchmark.results.runs import RaceKind
from scripts.simulate_race import EQUAL, SPREAD, TWO, Field, hold_races


def field_of(setting: tuple[str, tuple[float, ...]], speakers: int, clips: int = 8) -> Field:
    return Field(name=setting[0], gaps=setting[1], speakers=speakers, clips=clips)


def test_a_race_asks_little_and_keeps_the_best() -> None:
    """20 races, which ask alike: the standard error of the share is below 0.01."""
    assert hold_races(field_of(SPREAD, 24), "speakers", 20).asked <= 0.55
    held = hold_races(field_of(SPREAD, 24), "table", 20)
    assert held.asked <= 0.35
    assert held.lost_in_table <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "speakers", "asked"),
    [("speakers", 24, 0.55), ("speakers", 100, 0.30), ("table", 24, 0.35), ("table", 100, 0.30)],
)
def test_races_of_20_candidates_keep_what_is_promised(kind: RaceKind, speakers: int, asked: float) -> None:
    """5 % to within two standard errors of the drawing."""
    held = hold_races(field_of(SPREAD, speakers), kind, 200)
    assert held.asked <= asked
    assert (held.lost if kind == "speakers" else held.lost_in_table) <= 0.05 + 0.031


@pytest.mark.slow
@pytest.mark.parametrize("clips", [2, 8])
@pytest.mark.parametrize("speakers", [8, 24])
def test_races_between_equals_seldom_stop_one(speakers: int, clips: int) -> None:
    """Either of two equals may be stopped, so that twice the level is allowed."""
    two = hold_races(field_of(TWO, speakers, clips), "speakers", 400)
    assert two.lost <= 0.05 + 0.033
    assert two.to_the_end >= 0.90 - 0.045
    assert hold_races(field_of(EQUAL, speakers, clips), "speakers", 200).lost <= 0.05 + 0.046
