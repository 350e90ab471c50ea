"""What the readers of all weight formats offer once they have read the header of a file."""

import re
from collections.abc import Iterable
from typing import Protocol

from benchmark.hub.dtypes import BYTES, decode
from benchmark.hub.ranged import TooMuchToReadError
from benchmark.hub.tensor_listing import TensorInfo

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
