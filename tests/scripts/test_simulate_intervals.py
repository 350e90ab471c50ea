from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from benchmark.scoring.intervals import uar_interval
from benchmark.scoring.ranking import PairedDifferences
from scripts.simulate_intervals import (
    Cell,
    Layout,
    all_cells,
    coverage,
    draw,
    found_different,
    interval_ends,
    p_values,
    shift_for,
    text_cells,
    true_uar,
)

UNEQUAL = Cell(speakers=6, emotions=3, spread=0.5, layout=Layout.UNEQUAL)
TEXTS = Cell(speakers=6, emotions=3, spread=0.5, texts=4, text_spread=0.5)


def test_the_truth_is_that_of_very_many_speakers() -> None:
    cell = Cell(speakers=4, emotions=4, spread=1.0)
    people = np.random.default_rng(0).normal(size=200_000) * np.hypot(1.0, 0.5)
    assert true_uar(cell) == pytest.approx(expit(cell.ease[:, None] + people).mean(), abs=2e-3)
    assert true_uar(cell, shift_for(cell, 0.1)) - true_uar(cell) == pytest.approx(0.1, abs=1e-9)
    assert len(set(all_cells())) == 138


@pytest.mark.parametrize("cell", [UNEQUAL, TEXTS, replace(UNEQUAL, layout=Layout.TWO_HAVE)], ids=str)
def test_all_draws_at_once_give_what_scoring_gives(cell: Cell) -> None:
    generator = np.random.default_rng(0)
    first, second = draw(generator, cell, 20), draw(generator, cell, 20)
    first.hits[3] = first.clips  # nothing to learn from the spread
    if first.text_hits is not None:
        first.text_hits[3] = cell.speakers
    ends, p = interval_ends(first), p_values(first, second)
    for number in range(20):
        counts = first.counts(number)
        hits, clips = counts.hits.sum(axis=0), counts.clips.sum(axis=0)
        interval = uar_interval(np.column_stack([np.diag(hits), clips - hits]), counts, first.texts(number))
        assert interval is not None
        assert ends[:, number] == pytest.approx((interval.low, interval.high), abs=1e-12)
        pair = PairedDifferences.of([counts, second.counts(number)])
        assert p[number] == pytest.approx(pair.p_values[0], abs=1e-12)


@pytest.mark.parametrize(
    "cell",
    [
        UNEQUAL,
        replace(UNEQUAL, speakers=24, layout=Layout.TWO_HAVE),
        Cell(speakers=24, emotions=8, spread=0.5, texts=3, text_spread=0.3),
    ],
    ids=str,
)
def test_unequal_clips_rare_emotions_and_few_texts_are_covered(cell: Cell) -> None:
    """1,000 draws: 93 % to within two standard errors of the drawing."""
    assert coverage(cell, 1000) >= 0.93 - 0.016


def test_without_texts_or_speakers_the_interval_is_too_narrow() -> None:
    assert coverage(Cell(speakers=24, emotions=8, spread=0.5, texts=3, text_spread=0.5), 500, with_texts=False) < 0.8
    assert coverage(replace(UNEQUAL, layout=Layout.EQUAL, spread=1.0), 60, with_speakers=False) < 0.85


@pytest.mark.slow
@pytest.mark.parametrize("cell", [*all_cells(), *text_cells()], ids=str)
def test_intervals_hold_the_truth_and_equal_models_stay_equal(cell: Cell) -> None:
    """1,000 draws, as in the protocol: 93 % to within two standard errors of the drawing, and 5 % for equal models."""
    assert coverage(cell, 1000) >= 0.93 - 0.016
    assert cell.texts or found_different(cell, 1000) <= 0.05 + 0.02


def test_a_difference_of_a_tenth_is_found_as_often_as_the_protocol_says() -> None:
    cell = Cell(speakers=24, emotions=8, spread=0.5, clips=7)
    assert 0.7 <= found_different(cell, 500, difference=0.1) <= 0.9
    assert found_different(replace(cell, interaction=0.0), 200, difference=0.1) >= 0.95
