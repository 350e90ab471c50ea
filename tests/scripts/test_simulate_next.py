import numpy as np
import pytest

from scripts.simulate_next import BEST, GAPS, draw_pool, estimation_errors, labels_saved, named_best


def test_the_best_of_a_pool_has_the_uar_that_was_asked_for() -> None:
    pools = [draw_pool(np.random.default_rng(seed), 0.75, (0.0, 0.1)) for seed in range(8)]
    assert np.mean([pool.uars for pool in pools], axis=0) == pytest.approx([0.75, 0.65], abs=0.03)


def test_half_as_many_labels_for_the_same_chance_are_two_times_saved() -> None:
    named = np.array([[0.2, 0.3, 0.4, 0.5, 0.6], [0.3, 0.4, 0.5, 0.6, 0.7], [0.0] * 5])
    assert labels_saved(named) == pytest.approx(2, abs=0.01)


def test_clips_that_separate_name_the_best_and_rarely_lose_it() -> None:
    at_random, separating, lost = named_best(0.85, GAPS["others 0.05 to 0.30 behind"], 12)
    assert separating.sum() >= at_random.sum() - 0.5
    assert lost.max() <= 0.2


@pytest.mark.slow
@pytest.mark.parametrize("best", BEST)
def test_what_the_choice_of_clips_saves(best: float) -> None:
    at_random, systematic, weighted = estimation_errors(best, 150)
    assert systematic <= at_random * 1.08
    assert systematic <= weighted * 1.05
    for gaps in GAPS.values():
        named = named_best(best, gaps, 150)
        assert labels_saved(named) >= {0.75: 1.2, 0.85: 1.6}.get(best, 0.8)
        assert named[2].max() <= 0.05 + 0.04
