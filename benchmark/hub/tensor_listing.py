"""What the header of a checkpoint tells: names, shapes and types of its tensors, and the values of a few tiny ones."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

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
