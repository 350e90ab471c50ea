"""A converted model's weights, mapped from their file, in memory only while somebody reads them."""

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class MappedWeights:
    """A file of weights.

    OpenVINO reads them once, to put most of them into an order of its own, and keeps both: for a model of base size
    378 MB that nobody reads again.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is empty.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            # OpenVINO takes only what could be written to. Nobody does, and the file would stay as it is.
            self._mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def values(self) -> NDArray[np.uint8]:
        """Give the bytes of the file; they are there as long as this object is."""
        return np.frombuffer(self._mapping, np.uint8)

    def let_go(self) -> None:
        """Give back the memory; what is read again comes from the file again, or from the system's copy of it.

        Where little has been read since the last time, this takes 0.05 ms.
        """
        if hasattr(mmap, "MADV_DONTNEED"):  # Windows keeps what was read until memory is short
            self._mapping.madvise(mmap.MADV_DONTNEED)
