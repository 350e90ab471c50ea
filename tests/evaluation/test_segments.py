from dataclasses import dataclass

import numpy as np
import pytest

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.waveform import Waveform
from benchmark.evaluation.segments import cut_segments


@dataclass
class Tone:
    """Audio of a given length, or none."""

    seconds: float | None
    rate: int = 16_000

    def waveform(self) -> Waveform:
        if self.seconds is None:
            raise UndecodableAudio("gone")
        return Waveform(np.full(round(self.seconds * self.rate), 0.25, dtype=np.float32), self.rate)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([], 0), ([None], 0), ([0.4], 1), ([1.0], 1), ([2.5], 2), ([0.6, 0.6], 1), ([None, 3.0], 3), ([20.0], 8)],
)
def test_segments_are_exact_and_cut_one_after_another(lengths: list[float | None], expected: int) -> None:
    segments = cut_segments([Tone(seconds) for seconds in lengths], seconds=1.0)
    assert len(segments) == expected
    assert {segment.samples.size for segment in segments} <= {16_000}


def test_segments_of_other_rates_are_resampled() -> None:
    (segment,) = cut_segments([Tone(1.0, rate=8_000)], seconds=1.0)
    assert (segment.sampling_rate, segment.samples.size) == (16_000, 16_000)


def test_no_more_clips_are_read_than_are_needed() -> None:
    read: list[int] = []

    @dataclass
    class Counted(Tone):
        def waveform(self) -> Waveform:
            read.append(1)
            return super().waveform()

    cut_segments([Counted(2.0) for _ in range(10)], seconds=1.0, count=3)
    assert len(read) == 2
