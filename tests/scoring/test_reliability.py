"""How right by how sure."""

import numpy as np
import pytest

from benchmark.scoring.decisions import Decisions
from benchmark.scoring.reliability import CLIPS_PER_BIN, MOST_BINS, reliability
from benchmark.scoring.scores import expected_calibration_error


def decisions(clips: int, *, seed: int = 0, unanswered: int = 0) -> Decisions:
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.3, 1.0, clips)
    confidence[:unanswered] = np.nan
    answers = np.where(generator.random(clips) < np.nan_to_num(confidence, nan=0.0), 0, 1)
    return Decisions(
        emotions=("anger", "fear"), truth=np.zeros(clips, np.int64), answers=answers, confidence=confidence
    )


@pytest.mark.parametrize(("clips", "bins"), [(0, 0), (39, 0), (40, 2), (112, 5), (300, 15), (5000, 15)])
def test_there_are_as_many_bins_as_clips_allow(clips: int, bins: int) -> None:
    found = reliability(decisions(clips))
    assert len(found) == bins
    assert sum(each.clips for each in found) == (clips if bins else 0)
    assert all(each.clips >= CLIPS_PER_BIN for each in found)


def test_from_300_clips_on_the_mean_distance_of_the_bins_is_the_calibration_error() -> None:
    given = decisions(1000, seed=3, unanswered=7)
    found = reliability(given)
    assert len(found) == MOST_BINS
    total = sum(each.clips for each in found)
    assert total == 993
    error = sum(each.clips * abs(each.accuracy - each.confidence) for each in found) / total
    assert error == pytest.approx(expected_calibration_error(given))


def test_bins_go_from_unsure_to_sure_whatever_the_order_of_the_clips() -> None:
    given = decisions(200, seed=1)
    shuffled = np.random.default_rng(2).permutation(200)
    other = Decisions(
        emotions=given.emotions,
        truth=given.truth[shuffled],
        answers=given.answers[shuffled],
        confidence=given.confidence[shuffled],
    )
    one, two = reliability(given), reliability(other)
    assert [each.accuracy for each in one] == pytest.approx([each.accuracy for each in two])
    sure = [each.confidence for each in one]
    assert sure == sorted(sure)


def test_one_who_is_always_as_sure_has_one_bin() -> None:
    given = Decisions(
        emotions=("anger", "fear"),
        truth=np.zeros(100, np.int64),
        answers=np.arange(100, dtype=np.int64) % 2,
        confidence=np.full(100, 0.8),
    )
    (only,) = reliability(given)
    assert (only.clips, only.accuracy) == (100, 0.5)
    assert only.confidence == pytest.approx(0.8)
