"""The header of a safetensors file, held to what its format demands.

The Hub's own library reads 100 kB and more of every file, takes a header of 25 MB for granted, and believes whatever
the header says; a file that the safetensors library refuses to load is told from a sound one only by these checks.
The format: 8 bytes of little-endian length, a JSON object of that length, and the numbers without a gap.
"""

from dataclasses import dataclass
from typing import Any

from benchmark.hub.documents import foreign_kind, is_safetensors, parse_document
from benchmark.hub.ranged import RangedFile
from benchmark.hub.tensor_listing import BYTES, FROM_SAFETENSORS, TensorInfo, damaged, unlisted

_LENGTH_BYTES = 8


_FIRST_READ_BYTES = 65_536


_LARGEST_HEADER_BYTES = 100_000_000  # safetensors itself refuses more


_LARGEST_NUMBER = 2**63


_MOST_DIMENSIONS = 64  # torch has no tensors of more


@dataclass(frozen=True)
class _Place:
    tensor: TensorInfo
    start: int
    stop: int


class SafetensorsFile:
    """A safetensors file whose header was read.

    Args:
        file: The file.
        name: What messages call it.

    Raises:
        ListingProblem: It cannot be loaded, or not be listed.
        TooMuchToReadError: Its header is larger than what may be read.
    """

    def __init__(self, file: RangedFile, name: str) -> None:
        self._file = file
        header, self._data_start = _read_header(file, name)
        places = [_place(key, value, name) for key, value in header.items() if key != "__metadata__"]
        _check_metadata(header.get("__metadata__"), name)
        _check_coverage(places, file.size - self._data_start, name)
        self._places = {place.tensor.name: place for place in places}

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """What it holds, in the header's order."""
        return tuple(place.tensor for place in self._places.values())

    def read(self, name: str) -> bytes:
        """Read the numbers of a tensor, little-endian."""
        place = self._places[name]
        return self._file.read_at(self._data_start + place.start, self._data_start + place.stop)


def _read_header(file: RangedFile, name: str) -> tuple[dict[str, Any], int]:
    first = file.read_at(0, _FIRST_READ_BYTES)
    if not is_safetensors(first) and (kind := foreign_kind(first)) is not None:
        raise damaged(f"{name} {kind}")
    if len(first) < _LENGTH_BYTES:
        raise damaged(f"{name} is damaged: with {len(first)} bytes it is too short for any header")
    length = int.from_bytes(first[:_LENGTH_BYTES], "little")
    stop = _LENGTH_BYTES + length
    if length > _LARGEST_HEADER_BYTES or stop > file.size:
        raise damaged(f"{name} is damaged: its header claims {length} bytes, and the file has {file.size}")
    document = parse_document(file.read_at(_LENGTH_BYTES, stop))
    if document.content is None:
        raise damaged(f"{name} is damaged: as to its header, {document.problem}")
    return document.content, stop


def _place(key: str, value: Any, name: str) -> _Place:
    fields = value if isinstance(value, dict) else {}
    dtype, shape, offsets = fields.get("dtype"), _numbers(fields.get("shape")), _numbers(fields.get("data_offsets"))
    if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2:  # noqa: PLR2004 - a pair
        raise damaged(f"{name} is damaged: its header describes {key[:80]!r} in no way that makes sense")
    if dtype not in FROM_SAFETENSORS:
        raise unlisted(f"the type {dtype[:20]!r} of {key[:80]!r} is a new one")
    tensor = TensorInfo(key, shape, FROM_SAFETENSORS[dtype])
    if offsets[1] - offsets[0] != _bytes(tensor):
        raise damaged(f"{name} is damaged: shape and bytes of {key[:80]!r} contradict each other")
    return _Place(tensor, offsets[0], offsets[1])


def _bytes(tensor: TensorInfo) -> int | None:
    """Count the bytes of a tensor; None beyond all bounds, where a zero among the sizes does not help either."""
    if len(tensor.shape) > _MOST_DIMENSIONS:
        return None
    amount = BYTES[tensor.dtype]
    for size in tensor.shape:
        amount *= size
        if amount >= _LARGEST_NUMBER:
            return None
    return amount


def _numbers(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, list) and all(type(item) is int and 0 <= item < _LARGEST_NUMBER for item in value):
        return tuple(value)
    return None


def _check_metadata(value: Any, name: str) -> None:
    if value is None or (isinstance(value, dict) and all(isinstance(text, str) for text in value.values())):
        return
    raise damaged(f"{name} is damaged: the metadata in its header is no table of texts")


def _check_coverage(places: list[_Place], size: int, name: str) -> None:
    """Hold that the tensors lie one after the other and fill the file."""
    end = 0
    for place in sorted(places, key=lambda place: (place.start, place.stop)):
        if place.start != end:
            raise damaged(f"{name} is damaged: before {place.tensor.name[:80]!r} its tensors overlap or leave a hole")
        end = place.stop
    if end != size:
        raise damaged(f"{name} is damaged: its tensors need {end} bytes, and the file has {size} for them")
