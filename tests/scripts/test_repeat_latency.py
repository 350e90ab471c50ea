import numpy as np
import pytest

from benchmark.results.inference_record import LatencyMeasurement
from scripts.repeat_latency import stability
from tests.scoring.conftest import measured


def run(speed: float, ratio: float = 10.0) -> LatencyMeasurement:
    """A run on a machine of this speed, as slow for the candidate as for the reference workload."""
    scatter = np.exp(np.random.default_rng(round(100 * speed)).normal(0, 0.02, (20, 10)))
    reference = tuple([speed] * 20)
    return measured((ratio * speed * scatter).ravel(), block_calls=10, reference="small", reference_ms=reference)


def test_a_machine_that_is_slower_in_some_runs_moves_milliseconds_and_not_ratios() -> None:
    own = stability([run(1.0), run(2.0), run(1.5)])
    assert own.ms_spread == pytest.approx(np.std(np.log([1, 2, 1.5]), ddof=1), abs=0.01)
    assert own.ratio_spread < 0.01
    assert (own.different, own.pairs) == (0, 3)
    assert stability([run(1.0), run(1.0, ratio=14)]).different == 1
