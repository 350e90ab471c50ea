"""Arrays in a temporary file: probabilities of many candidates on many clips, which do not fit into memory together."""

import tempfile
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from numpy.typing import NDArray


@dataclass(eq=False)
class ArrayFile:
    """A file without a name in the system's temporary folder, which ends with the last array in it.

    The array that was added or read last stays in memory, since the scores of a candidate are computed one after the
    other.
    """

    _file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    _size: int = 0
    _last: tuple[int, NDArray[np.float64]] | None = None

    def add(self, values: NDArray[np.float64]) -> "NDArray[np.float64] | StoredArray":
        """Write an array; where the disk is full, it is returned as it is, and stays in memory."""
        # Column by column: sums and maxima over the columns of a row are then several times as fast.
        offset, content = self._size, np.ascontiguousarray(values.T)
        try:
            self._file.seek(offset)
            self._file.write(content.data)
            self._file.flush()
        except OSError:
            return values
        self._size = offset + content.nbytes
        self._last = (offset, content.T)
        return StoredArray(self, offset, values.shape)

    def read(self, offset: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Read the array at an offset; it must not be changed."""
        if self._last is None or self._last[0] != offset:
            self._file.seek(offset)
            values = np.fromfile(self._file, dtype=np.float64, count=int(np.prod(shape)))
            self._last = (offset, values.reshape(shape[::-1]).T)
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
    offset: int
    shape: tuple[int, ...]

    def read(self) -> NDArray[np.float64]:
        """The array."""
        return self.file.read(self.offset, self.shape)
