"""The header of a safetensors file, checked as strictly as the safetensors library does when it loads one.

`huggingface_hub.get_safetensors_metadata` reads at least 100 kB of every file, accepts headers of 25 MB and does not
check shapes against offsets. The format: 8 bytes of little-endian length, a JSON object, the numbers without a gap.
"""

from typing import Any

from benchmark.hub.json_documents import foreign_kind, is_safetensors, parse_document
from benchmark.hub.ranged import RangedFile
from benchmark.hub.tensor_listing import ITEM_BYTES, SAFETENSORS_DTYPES, TensorInfo, damaged, unlisted

_LENGTH_BYTES = 8
_FIRST_READ_BYTES = 65_536
_LARGEST_HEADER_BYTES = 100_000_000  # safetensors itself refuses more
_LARGEST_NUMBER = 2**63
_MOST_DIMENSIONS = 64  # torch has no tensors of more


class SafetensorsFile:
    """A safetensors file whose header was read.

    Raises:
        ListingProblem: It cannot be loaded, or not be listed.
        TooMuchToReadError: Its header is larger than the budget.
    """

    def __init__(self, file: RangedFile, name: str) -> None:
        self._file = file
        header, self._data_start = _read_header(file, name)
        metadata = header.pop("__metadata__", None)
        self._spans: dict[str, tuple[int, int]] = {}
        self.tensors = tuple(self._tensor(key, value, name) for key, value in header.items())
        is_table = isinstance(metadata, dict) and all(isinstance(text, str) for text in metadata.values())
        if metadata is not None and not is_table:
            raise damaged(f"{name} is damaged: the metadata in its header is no table of texts")
        self._check_coverage(name)

    def read(self, name: str) -> bytes:
        """Read the numbers of a tensor, little-endian."""
        start, stop = self._spans[name]
        return self._file.read_at(self._data_start + start, self._data_start + stop)

    def _tensor(self, key: str, value: Any, name: str) -> TensorInfo:
        fields = value if isinstance(value, dict) else {}
        dtype, shape, offsets = fields.get("dtype"), _sizes(fields.get("shape")), _sizes(fields.get("data_offsets"))
        if not isinstance(dtype, str) or shape is None or offsets is None or len(offsets) != 2:  # noqa: PLR2004 - a pair
            raise damaged(f"{name} is damaged: its header describes {key[:80]!r} in no way that makes sense")
        if dtype not in SAFETENSORS_DTYPES:
            raise unlisted(f"the type {dtype[:20]!r} of {key[:80]!r} is a new one")
        tensor = TensorInfo(key, shape, SAFETENSORS_DTYPES[dtype][0])
        self._spans[key] = start, stop = offsets
        if stop - start != _tensor_bytes(tensor):
            raise damaged(f"{name} is damaged: shape and bytes of {key[:80]!r} contradict each other")
        return tensor

    def _check_coverage(self, name: str) -> None:
        """Check that the tensors follow each other without overlap or hole, and fill the file."""
        end, size = 0, self._file.size - self._data_start
        for key, (start, stop) in sorted(self._spans.items(), key=lambda item: item[1]):
            if start != end:
                raise damaged(f"{name} is damaged: before {key[:80]!r} its tensors overlap or leave a hole")
            end = stop
        if end != size:
            raise damaged(f"{name} is damaged: its tensors need {end} bytes, and the file has {size} for them")


def _read_header(file: RangedFile, name: str) -> tuple[dict[str, Any], int]:
    """Read the JSON header, and find where the numbers begin."""
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


def _sizes(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, list) and all(type(item) is int and 0 <= item < _LARGEST_NUMBER for item in value):
        return tuple(value)
    return None


def _tensor_bytes(tensor: TensorInfo) -> int | None:
    """Count the bytes of a tensor; None where the product overflows on the way, as the safetensors library does it."""
    if len(tensor.shape) > _MOST_DIMENSIONS:
        return None
    amount = ITEM_BYTES[tensor.dtype]
    for size in tensor.shape:
        amount *= size
        if amount >= _LARGEST_NUMBER:
            return None
    return amount
