import numpy as np
import pytest

from benchmark.scoring.pareto import pareto_front


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_a_loop_over_all_pairs_finds(seed: int) -> None:
    generator = np.random.default_rng(seed)
    costs = generator.integers(0, 4, size=(generator.integers(1, 12), 3)).astype(np.float64)
    costs[generator.random(costs.shape) < 0.1] = np.inf
    front = [
        not any(all(x <= y for x, y in zip(other, own, strict=True)) and tuple(other) != tuple(own) for other in costs)
        for own in costs
    ]
    assert pareto_front(costs).tolist() == front
    assert any(front)


def test_equal_candidates_are_both_on_the_front() -> None:
    assert pareto_front(np.array([[1.0, 1.0], [1.0, 1.0]])).tolist() == [True, True]


def test_no_candidates_have_no_front() -> None:
    assert pareto_front(np.empty((0, 3))).tolist() == []
