"""Audio as every room above hands it on: mono float32 samples and their rate."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HASH_DIGITS = 32


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono audio in memory.

    Attributes:
        samples: float32, shape (samples,); full scale is ±1, which float recordings and lossy codecs may exceed.
        sampling_rate: Samples per second.

    Raises:
        ValueError: `samples` is not one row of float32, or the rate is not positive.

    Examples:
        >>> Waveform(np.zeros(8000, dtype=np.float32), 16000).duration_s
        0.5
    """

    samples: NDArray[np.float32]
    sampling_rate: int

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1:
            raise ValueError(f"one row of float32 samples expected, not {self.samples.dtype} {self.samples.shape}")
        if self.sampling_rate <= 0:
            raise ValueError(f"a positive sampling rate expected, not {self.sampling_rate}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.size / self.sampling_rate

    @property
    def content_hash(self) -> str:
        """SHA-256 of the rate and the samples, its first 32 hexadecimal digits; the file format does not enter.

        Examples:
            >>> silence = np.zeros(4, dtype=np.float32)
            >>> Waveform(silence, 16000).content_hash == Waveform(silence.copy(), 16000).content_hash
            True
            >>> Waveform(silence, 16000).content_hash == Waveform(silence, 8000).content_hash
            False
        """
        digest = hashlib.sha256(int(self.sampling_rate).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(self.samples, dtype="<f4").data)
        return digest.hexdigest()[:_HASH_DIGITS]
