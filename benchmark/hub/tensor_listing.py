"""What the header of a checkpoint tells: names, shapes and types of its tensors, and the values of a few tiny ones."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Protocol

import numpy as np

from benchmark.hub.ranged import TooMuchToReadError
from benchmark.results.status import Status

NEEDS_LOAD_CHECK = "that needs the load check"


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a checkpoint, as its header describes it.

    Attributes:
        name: Its name, hostile until escaped.
        shape: Its shape.
        dtype: As torch calls it, such as `float32`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class TensorListing:
    """The tensors that a load of a repository would read, or why they are not known.

    Attributes:
        format: `safetensors` or `bin`; None where there are no weights that transformers reads.
        tensors: What the checkpoint holds; None where it is not known without loading it.
        values: The numbers of the biases of projector and classifier, by the names of their tensors, as far as they
            could be read with a few bytes.
        status: `unsafe-weights` or `load-failed`, where the header alone decides so; else None.
        reason: One sentence for a person: why `tensors` are not known; None where they are.
        unsafe_globals: What a pickle would import or call beyond rebuilding tensors, hostile until escaped.
        size: Bytes of the weight files that a load reads; None where nobody says.
        shards: The names of the weight files, where there are several.
    """

    format: str | None = None
    tensors: tuple[TensorInfo, ...] | None = None
    values: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    status: Status | None = None
    reason: str | None = None
    unsafe_globals: tuple[str, ...] = ()
    size: int | None = None
    shards: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the tensors are known."""
        return self.tensors is not None

    @cached_property
    def by_name(self) -> Mapping[str, TensorInfo]:
        """The tensors by name; empty where they are not known."""
        return {tensor.name: tensor for tensor in self.tensors or ()}

    @property
    def parameters(self) -> int | None:
        """How many numbers the checkpoint holds, buffers included."""
        return None if self.tensors is None else sum(tensor.elements for tensor in self.tensors)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The types that occur, the most frequent by elements first.

        Examples:
            >>> tensors = (TensorInfo("a", (1,), "int64"), TensorInfo("b", (2, 3), "float16"))
            >>> TensorListing(tensors=tensors).dtypes
            ('float16', 'int64')
        """
        elements: dict[str, int] = {}
        for tensor in self.tensors or ():
            elements[tensor.dtype] = elements.get(tensor.dtype, 0) + tensor.elements
        return tuple(sorted(elements, key=lambda dtype: (-elements[dtype], dtype)))


class ListingProblem(Exception):  # noqa: N818 - it is no error where it says that only a load can tell
    """Why a weight file cannot be listed.

    Args:
        reason: One sentence for a person.
        status: What the header alone decides; None where only a load can tell.
        unsafe_globals: What a pickle would import.
    """

    def __init__(self, reason: str, status: Status | None = None, unsafe_globals: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.unsafe_globals = unsafe_globals


def damaged(reason: str) -> ListingProblem:
    """Tell that no load of these weights can succeed."""
    return ListingProblem(reason, Status.LOAD_FAILED)


def unlisted(reason: str) -> ListingProblem:
    """Tell that the tensors are not known without a load.

    Examples:
        >>> unlisted("the format is an old one").reason
        'the format is an old one: that needs the load check'
    """
    return ListingProblem(f"{reason}: {NEEDS_LOAD_CHECK}")


def unsafe(reason: str, unsafe_globals: tuple[str, ...] = ()) -> ListingProblem:
    """Tell that these weights cannot be read without executing code from them."""
    return ListingProblem(reason, Status.UNSAFE_WEIGHTS, unsafe_globals)


FROM_SAFETENSORS = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}


FROM_STORAGE = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "QInt32Storage": "qint32",
    "QInt8Storage": "qint8",
    "QUInt2x4Storage": "quint2x4",
    "QUInt4x2Storage": "quint4x2",
    "QUInt8Storage": "quint8",
    "ShortStorage": "int16",
}


BYTES = {
    **dict.fromkeys(("bool", "uint8", "int8", "quint8", "qint8"), 1),
    **dict.fromkeys(("float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz", "float8_e8m0fnu"), 1),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("int32", "uint32", "float32", "qint32", "complex32"), 4),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 8),
    "complex128": 16,
}
"""Bytes of one number; types that share a byte between several numbers are not here."""


_PLAIN = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}


def decode(content: bytes, dtype: str) -> tuple[float, ...] | None:
    r"""Read little-endian numbers.

    Args:
        content: Their bytes.
        dtype: Their type, in torch's words.

    Returns:
        The numbers; None for types that no bias has.

    Examples:
        >>> decode(b"\x00\x00\x80\x3f", "float32"), decode(b"\x80\x3f", "bfloat16"), decode(b"\x01", "bool")
        ((1.0,), (1.0,), None)
    """
    if dtype == "bfloat16":
        # The upper half of a float32.
        numbers = (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    elif dtype in _PLAIN:
        numbers = np.frombuffer(content, _PLAIN[dtype])
    else:
        return None
    return tuple(float(number) for number in numbers)


_HEAD_BIAS = re.compile(r"(.+\.)?(projector|classifier)(\.\w+)*\.bias")


_MOST_BIASES = 8


_LARGEST_BIAS_BYTES = 16_384


class OpenedWeights(Protocol):
    """A weight file whose header was read."""

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """What it holds."""
        ...

    def read(self, name: str) -> bytes | None:
        """Read the numbers of a tensor, little-endian; None where they do not lie there as they are."""
        ...


def head_biases(tensors: Iterable[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Choose the tensors whose numbers tell whether a head was ever trained.

    Examples:
        >>> names = ("classifier.weight", "classifier.bias", "encoder.layers.0.bias", "classifier.dense.bias")
        >>> [tensor.name for tensor in head_biases([TensorInfo(name, (4,), "float32") for name in names])]
        ['classifier.bias', 'classifier.dense.bias']
    """
    chosen = [
        tensor
        for tensor in tensors
        if _HEAD_BIAS.fullmatch(tensor.name)
        and tensor.elements * BYTES.get(tensor.dtype, _LARGEST_BIAS_BYTES) <= _LARGEST_BIAS_BYTES
    ]
    return tuple(chosen[:_MOST_BIASES])


def bias_values(opened: OpenedWeights) -> dict[str, tuple[float, ...]]:
    """Read the numbers of the head's biases, as far as the budget of bytes allows."""
    values: dict[str, tuple[float, ...]] = {}
    for tensor in head_biases(opened.tensors):
        try:
            content = opened.read(tensor.name)
        except TooMuchToReadError:
            break
        numbers = None if content is None else decode(content, tensor.dtype)
        if numbers is not None:
            values[tensor.name] = numbers
    return values
