import numpy as np
import pytest
from scipy import signal

from benchmark.audio.voice.tract import through_tract

RATE = 16000
FORMANTS = np.array([700.0, 1200.0, 2500.0, 3500.0, 4500.0])


def test_a_steady_tract_rings_at_its_formants() -> None:
    click = np.zeros(4096)
    click[0] = 1.0
    response = np.abs(np.fft.rfft(through_tract(click, np.tile(FORMANTS, (26, 1)), 160, RATE)))

    peaks = signal.find_peaks(response)[0] * RATE / 4096
    np.testing.assert_allclose(peaks[:3], FORMANTS[:3], atol=30)


@pytest.mark.parametrize("blocks", [1, 5, 26])
def test_blocks_leave_no_seam(blocks: int) -> None:
    noise = np.random.default_rng(0).standard_normal(4096)
    whole = through_tract(noise, FORMANTS[None], 4096, RATE)
    cut = through_tract(noise, np.tile(FORMANTS, (blocks, 1)), 160, RATE)
    np.testing.assert_allclose(cut, whole, atol=1e-9)


def test_formants_above_the_rate_do_not_ring_for_ever() -> None:
    click = np.zeros(4096)
    click[0] = 1.0
    response = through_tract(click, np.tile(FORMANTS * 3, (26, 1)), 160, RATE)
    assert np.abs(response[-100:]).max() < 1e-6
