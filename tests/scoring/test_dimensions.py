"""CCC, Pearson's correlation and the mean absolute error, against second implementations that share no code."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmark.results.dimensions import Scale
from benchmark.scoring.dimensions import dimension_row, score_ratings

SCALE = Scale(1, 7)
SPEAKERS = [f"s{index % 6}" for index in range(240)]


def lin_ccc(truth: NDArray[np.float64], answers: NDArray[np.float64]) -> float:
    """Lin's definition by the correlation and the two standard deviations."""
    correlation = float(np.corrcoef(truth, answers)[0, 1])
    spread = truth.std() ** 2 + answers.std() ** 2 + (truth.mean() - answers.mean()) ** 2
    return float(2 * correlation * truth.std() * answers.std() / spread)


@pytest.fixture
def rated() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratings of 1 to 7, and answers of 0 to 1 with an error of each speaker."""
    rng = np.random.default_rng(5)
    truth = rng.integers(1, 8, len(SPEAKERS)).astype(np.float64)
    offsets = rng.normal(0, 0.1, 6)
    answers = 0.3 + (truth - 1) / 12 + offsets[np.arange(len(truth)) % 6] + rng.normal(0, 0.1, len(truth))
    return truth, answers


def test_scores_are_those_of_the_definitions(rated: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    truth, answers = rated
    scores, _ = score_ratings(truth, answers, SPEAKERS, SCALE)
    unit = (truth - 1) / 6
    assert scores["ccc"].value == pytest.approx(lin_ccc(unit, answers), abs=1e-12)
    assert scores["pearson"].value == pytest.approx(stats.pearsonr(truth, answers)[0], abs=1e-12)
    assert scores["mae"].value == pytest.approx(np.abs(unit - answers).mean(), abs=1e-12)
    assert scores["ccc"].value < scores["pearson"].value


def test_intervals_are_the_jackknifes_over_speakers(rated: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    truth, answers = rated
    scores, interval = score_ratings(truth, answers, SPEAKERS, SCALE)
    names, unit = np.array(SPEAKERS), (truth - 1) / 6
    left_out = np.arctanh([lin_ccc(unit[names != name], answers[names != name]) for name in sorted(set(SPEAKERS))])
    error = np.sqrt(5 / 6 * ((left_out - left_out.mean()) ** 2).sum())
    centre, reach = np.arctanh(lin_ccc(unit, answers)), stats.t.ppf(0.975, 5) * error
    assert interval == "speakers"
    assert scores["ccc"].low == pytest.approx(np.tanh(centre - reach), abs=1e-9)
    assert scores["ccc"].high == pytest.approx(np.tanh(centre + reach), abs=1e-9)
    over_clips, without = score_ratings(truth, answers, None, SCALE)
    assert without == "clips"
    for name, score in over_clips.items():
        assert score.low < score.value < score.high
        assert score.high - score.low < scores[name].high - scores[name].low, name


def test_a_scale_that_is_not_declared_leaves_the_correlation_alone(
    rated: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    truth, answers = rated
    scores, _ = score_ratings(truth, answers, SPEAKERS, None)
    assert list(scores) == ["pearson"]
    assert scores["pearson"].value == pytest.approx(stats.pearsonr(truth, answers)[0], abs=1e-12)


def test_nobody_gains_by_leaving_clips_unanswered(rated: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    truth, answers = rated
    base = {"corpus": "c", "dimension": "arousal", "candidate": "m"}
    whole = dimension_row(base, truth, answers, SPEAKERS, SCALE)
    wrong = np.abs((truth - 1) / 6 - answers) > np.median(np.abs((truth - 1) / 6 - answers))
    picked = dimension_row(base, truth, np.where(wrong, np.nan, answers), SPEAKERS, SCALE)
    assert whole.pearson is not None
    assert picked.pearson is not None
    assert (picked.clips, picked.answered) == (240, 240 - int(wrong.sum()))
    assert picked.pearson < whole.pearson
    shifted = dimension_row(base, truth, 6 * answers + 1, SPEAKERS, SCALE)
    assert "only pearson counts" in (shifted.note or "")


@pytest.mark.parametrize(
    ("truth", "answered", "why"), [(4.0, 240, "all ratings are the same"), (None, 1, "fewer than two")]
)
def test_what_cannot_be_scored_says_why(
    rated: tuple[NDArray[np.float64], NDArray[np.float64]], truth: float | None, answered: int, why: str
) -> None:
    ratings = rated[0] if truth is None else np.full(240, truth)
    answers = np.where(np.arange(240) < answered, rated[1], np.nan)
    row = dimension_row({"corpus": "c", "dimension": "arousal", "candidate": "m"}, ratings, answers, SPEAKERS, SCALE)
    assert (row.ccc, row.pearson, row.mae) == (None, None, None)
    assert why in (row.note or "")


def test_a_constant_candidate_has_no_correlation(rated: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    base = {"corpus": "c", "dimension": "arousal", "candidate": "m"}
    row = dimension_row(base, rated[0], np.full(240, 0.5), SPEAKERS, SCALE)
    assert (row.pearson, row.pearson_low) == (None, None)
    assert row.ccc == 0.0
