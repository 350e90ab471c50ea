import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio, decode

RATE = 16_000
Samples = NDArray[np.float32]


def tone(hertz: float, seconds: float = 1.0, peak: float = 0.5, rate: int = RATE) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def encoded(
    samples: NDArray[np.floating], container: str = "WAV", subtype: str | None = None, rate: int = RATE
) -> bytes:
    """A recording by libsndfile; samples of shape (frames,) or (frames, channels)."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=container, subtype=subtype)
    return buffer.getvalue()


def refusal(source: Path | bytes) -> str:
    """The sentence with which a recording is refused."""
    with pytest.raises(UndecodableAudio) as refused:
        decode(source)
    sentence = refused.value.reason
    assert sentence == str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence
