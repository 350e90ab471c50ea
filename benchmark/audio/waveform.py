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
        content = ContentHash(self.sampling_rate)
        content.update(self.samples)
        return content.digits


class ContentHash:
    """The content hash of audio that comes piece by piece.

    Args:
        sampling_rate: Samples per second.

    Examples:
        >>> pieces = ContentHash(16000)
        >>> for _ in range(2):
        ...     pieces.update(np.zeros(2, dtype=np.float32))
        >>> pieces.digits == Waveform(np.zeros(4, dtype=np.float32), 16000).content_hash
        True
    """

    def __init__(self, sampling_rate: int) -> None:
        self._digest = hashlib.sha256(int(sampling_rate).to_bytes(8, "little"))

    def update(self, samples: NDArray[np.float32]) -> None:
        """Take in the next samples."""
        self._digest.update(np.ascontiguousarray(samples, dtype="<f4").data)

    @property
    def digits(self) -> str:
        """What `Waveform.content_hash` is for all samples so far."""
        return self._digest.hexdigest()[:_HASH_DIGITS]
