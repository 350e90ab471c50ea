"""The tensors of a checkpoint as its header describes them, or why they are not known without loading it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmark.results.status import Status

NEEDS_LOAD_CHECK = "that needs the load check"

SAFETENSORS_DTYPES = {
    "BOOL": ("bool", 1),
    "U8": ("uint8", 1),
    "I8": ("int8", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", 1),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", 1),
    "F8_E8M0": ("float8_e8m0fnu", 1),
    "I16": ("int16", 2),
    "U16": ("uint16", 2),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I32": ("int32", 4),
    "U32": ("uint32", 4),
    "F32": ("float32", 4),
    "C64": ("complex64", 8),
    "F64": ("float64", 8),
    "I64": ("int64", 8),
    "U64": ("uint64", 8),
}
"""Name in torch and bytes per element of the types that safetensors has."""

ITEM_BYTES = dict(SAFETENSORS_DTYPES.values())


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a checkpoint, whose name is hostile until escaped; `dtype` is as torch calls it."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


class ListingProblem(Exception):  # noqa: N818 - no error where only a load can tell
    """Why the tensors of a weight file cannot be listed, in one sentence.

    Args:
        status: `unsafe-weights` or `load-failed`, where the header decides it; None where only a load can tell.
        unsafe_globals: What a pickle would import beyond what weights need, hostile until escaped.
    """

    def __init__(self, reason: str, status: Status | None = None, unsafe_globals: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.unsafe_globals = unsafe_globals


@dataclass(frozen=True, kw_only=True)
class TensorListing:
    """The tensors that a load of a repository reads, by name, or why they are not known.

    Attributes:
        values: Biases of projector and classifier by tensor name, as far as a few small reads reach.
        size: Bytes of the weight files; None where unknown.
    """

    tensors: Mapping[str, TensorInfo] = field(default_factory=dict)
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    problem: ListingProblem | None = None
    size: int | None = None


def damaged(reason: str) -> ListingProblem:
    """No load of these weights can succeed."""
    return ListingProblem(reason, Status.LOAD_FAILED)


def unlisted(reason: str) -> ListingProblem:
    """Only a load can tell which tensors there are.

    Examples:
        >>> unlisted("the format is an old one").reason
        'the format is an old one: that needs the load check'
    """
    return ListingProblem(f"{reason}: {NEEDS_LOAD_CHECK}")


def unsafe(reason: str, unsafe_globals: tuple[str, ...] = ()) -> ListingProblem:
    """These weights cannot be read without executing code from them."""
    return ListingProblem(reason, Status.UNSAFE_WEIGHTS, unsafe_globals)
