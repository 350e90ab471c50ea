"""Arrays in a temporary file: probabilities of many candidates on many clips, which do not fit into memory together."""

import tempfile
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray


class ArrayFile:
    """A file without a name in the system's temporary folder, which ends with the last array in it.

    The array that was added or read last stays in memory, since the scores of a candidate are computed one after the
    other.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._size = 0
        self._last: tuple[StoredArray, NDArray[np.float64]] | None = None

    def add(self, values: NDArray[np.float64]) -> "NDArray[np.float64] | StoredArray":
        """Write an array; where the disk is full, it is returned as it is, and stays in memory."""
        # Column by column: sums and maxima over the columns of a row are then several times as fast.
        content = np.ascontiguousarray(values.T)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as its arrays are used
            self._file.seek(self._size)
            self._file.write(content.data)
            self._file.flush()
        except OSError:
            return values
        stored = StoredArray(self, self._file, self._size, values.shape)
        self._size += content.nbytes
        self._last = (stored, content.T)
        return stored

    def read(self, stored: "StoredArray") -> NDArray[np.float64]:
        """Read an array of this file; it must not be changed."""
        if self._last is None or self._last[0] is not stored:
            stored.content.seek(stored.offset)
            values = np.fromfile(stored.content, dtype=np.float64, count=int(np.prod(stored.shape)))
            self._last = (stored, values.reshape(stored.shape[::-1]).T)
        return self._last[1]


@dataclass(frozen=True, eq=False)
class StoredArray:
    """One array of an `ArrayFile`.

    Examples:
        >>> array = ArrayFile().add(np.array([[0.25, 0.75]]))
        >>> array.read().tolist()
        [[0.25, 0.75]]
    """

    file: ArrayFile
    content: IO[bytes]
    offset: int
    shape: tuple[int, ...]

    def read(self) -> NDArray[np.float64]:
        """The array."""
        return self.file.read(self)
