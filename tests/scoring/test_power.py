from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nct, t

from benchmark.scoring.power import (
    Pilot,
    assumed_pilot,
    detectable_difference,
    levels_of,
    measured_pilot,
    needed_speakers,
    power,
    speakers_and_range,
)


def pilot_of(generator: np.random.Generator, *, speakers: int, clips: int, between: float) -> Pilot:
    """Two candidates and three emotions; speakers change the recall of the second by a normal deviate."""
    recall = np.full((speakers, 3, clips, 2), 0.7)
    recall[..., 1] = np.clip(0.6 + between * generator.normal(size=(speakers, 1, 1)), 0, 1)
    right = generator.random(recall.shape) < recall
    who, truth = np.divmod(np.arange(speakers * 3), 3)
    return measured_pilot(right.reshape(-1, 2), truth.repeat(clips), who.repeat(clips))


def test_the_power_of_one_difference_is_that_of_a_noncentral_t() -> None:
    speakers, gap, variance = np.array([4.0, 10.0, 40.0]), 0.1, 0.03
    found = power(np.full((3, 1), gap), np.full((3, 1, 1), variance), speakers, np.array([0.025]))
    exact = nct.sf(t.isf(0.025, speakers - 1), speakers - 1, gap / np.sqrt(variance / speakers))
    assert found == pytest.approx(exact, abs=0.03)


def test_all_differences_are_found_less_often_than_one_and_more_often_than_independent_ones() -> None:
    alone = power(np.array([[0.1]]), np.array([[[0.02]]]), np.array([20.0]), levels_of(1, pair=False))[0]
    covariance = 0.01 + 0.01 * np.eye(3)
    gaps, speakers = np.full((1, 3), 0.1), np.array([20.0])
    all_three = power(gaps, covariance[None], speakers, levels_of(3, pair=False))[0]
    assert alone**3 < all_three < alone


def test_a_run_separates_what_more_clips_reduce_from_what_only_more_speakers_reduce() -> None:
    generator = np.random.default_rng(0)
    pilot = pilot_of(generator, speakers=1500, clips=20, between=0.1)
    by_clip = (0.7 * 0.3 + 0.6 * 0.4 - 0.01) / 60
    assert pilot.within[0, 1] == pytest.approx(by_clip, rel=0.05)
    assert pilot.total[0, 1] - pilot.within[0, 1] == pytest.approx(0.1**2, rel=0.15)
    many = pilot.variances(60 * 1000, np.ones(1))[0, 0, 1]
    assert many == pytest.approx(0.1**2, rel=0.15)


def test_equal_candidates_are_out_of_reach_and_a_few_speakers_tell_opposite_ones() -> None:
    variances = np.full((2, 1, 1), 0.03)
    needed = needed_speakers(np.array([[0.0], [0.9]]), variances, levels_of(1, pair=True), 0.8)
    assert needed.tolist() == [np.inf, 3]


def test_a_plan_needs_fewer_speakers_with_more_clips_and_has_a_range_only_after_a_run() -> None:
    pilot = pilot_of(np.random.default_rng(1), speakers=12, clips=4, between=0.1)
    few, many = (speakers_and_range(pilot, clips, wanted=0.8, pair=True) for clips in (6, 48))
    assert many[0] < few[0]
    assert few[1] < few[0] < few[2]
    assumed = speakers_and_range(assumed_pilot(0.6, 0.1, 2), 12, wanted=0.8, pair=True)
    assert len(set(assumed.tolist())) == 1
    stated = speakers_and_range(pilot, 12, wanted=0.8, pair=True, difference=0.1)
    assert stated[2] / stated[1] < few[2] / few[1]


def test_what_a_run_finds_is_what_it_would_take_its_own_speakers_to_find() -> None:
    pilot = replace(assumed_pilot(0.6, 0.1, 4), speakers=20)
    found = detectable_difference(pilot, wanted=0.8, pair=False)
    needed = speakers_and_range(pilot, pilot.clips, wanted=0.8, pair=False, difference=found)[0]
    assert needed == pytest.approx(20, abs=1)
