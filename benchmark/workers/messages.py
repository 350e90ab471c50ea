"""Plain data on a pipe: a JSON header and the raw buffers of numpy arrays. Nothing is ever unpickled from a worker."""

import json
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ARRAY = "$array"
_ITEMS = "$items"
_NUMBERS = "biufc"
# A worker may be hostile, and its messages must not fill the memory of its parent. The largest header that is needed
# names all tensors of a checkpoint; the largest arrays are the windows of a batch.
_LARGEST_HEADER = 32_000_000
_LARGEST_ARRAYS = 500_000_000


class NotPlainError(TypeError):
    """Something that is not plain data was to be sent through the pipe."""


class GarbledError(Exception):
    """What came through the pipe is not a message."""


@dataclass(frozen=True, eq=False)
class Message:
    """A message ready to be sent.

    Attributes:
        header: JSON, in which each array is replaced by its index, type and shape.
        buffers: The arrays, contiguous, by index.
    """

    header: bytes
    buffers: tuple[NDArray[Any], ...]


def encode(value: object) -> Message:
    """Make a message of plain data.

    Args:
        value: None, bool, int, float (NaN and infinities too), str, lists, tuples and dictionaries of those with text
            as keys, numpy scalars, and numpy arrays of numbers.

    Raises:
        NotPlainError: Something else is inside; the message says what and where.

    Examples:
        >>> encode({"labels": ["sad"], "logits": np.zeros(2, np.float32)}).header
        b'{"labels": ["sad"], "logits": {"$array": 0, "type": "<f4", "shape": [2]}}'
    """
    buffers: list[NDArray[Any]] = []
    try:
        header = json.dumps(_to_json(value, "value", buffers), ensure_ascii=True).encode("ascii")
    except NotPlainError:
        raise
    except RecursionError as error:
        raise NotPlainError("the value is nested too deeply, or contains itself") from error
    except (ValueError, TypeError) as error:  # an integer of thousands of digits, a scalar of 128 bits
        raise NotPlainError(f"the value can't be written as JSON: {error}") from error
    return Message(header, tuple(buffers))


def send(pipe: "Connection[Any, Any]", message: Message) -> None:
    """Send a message; raises OSError where the other end is closed."""
    pipe.send_bytes(message.header)
    for buffer in message.buffers:
        pipe.send_bytes(buffer.reshape(-1).view(np.uint8).data if buffer.size else b"")


def receive(pipe: "Connection[Any, Any]") -> Any:
    """Wait for a message and decode it.

    Raises:
        EOFError: The other end is closed.
        OSError: The other end broke off in the middle, or sends more than any message needs.
        GarbledError: What arrived is not a message.
    """
    header = pipe.recv_bytes(_LARGEST_HEADER)
    try:
        return _Arrays(pipe).insert_into(json.loads(header))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GarbledError(f"not a message: {header[:80]!r}") from error


def _to_json(value: object, where: str, buffers: list[NDArray[Any]]) -> object:
    if isinstance(value, np.generic) and value.dtype.kind in _NUMBERS.replace("c", ""):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _NUMBERS:
            raise NotPlainError(f"{where} is an array of {value.dtype}; only arrays of numbers are plain data")
        buffers.append(np.ascontiguousarray(value))
        return {_ARRAY: len(buffers) - 1, "type": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, list | tuple):
        return [_to_json(item, f"{where}[{index}]", buffers) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        raise NotPlainError(f"{where} is of type {type(value).__name__}, which is not plain data")
    for key in value:
        if not isinstance(key, str):
            raise NotPlainError(f"{where} has the key {key!r}; only text can be a key in plain data")
    items = {key: _to_json(item, f"{where}[{key!r}]", buffers) for key, item in value.items()}
    # A key of the user's that looks like one of ours must not be mistaken for it.
    return {_ITEMS: [[key, item] for key, item in items.items()]} if _ARRAY in items or _ITEMS in items else items


@dataclass
class _Arrays:
    """The arrays of a message, which follow its header in the order in which they stand in it.

    Attributes:
        room: Bytes that those still to come may have.
    """

    pipe: "Connection[Any, Any]"
    room: int = _LARGEST_ARRAYS

    def insert_into(self, value: Any) -> Any:
        """Replace placeholders by the arrays."""
        if isinstance(value, list):
            return [self.insert_into(item) for item in value]
        if not isinstance(value, dict):
            return value
        if _ARRAY in value:
            return self._receive(np.dtype(value["type"]), tuple(value["shape"]))
        items = value[_ITEMS] if _ITEMS in value else value.items()
        return {key: self.insert_into(item) for key, item in items}

    def _receive(self, dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> NDArray[Any]:
        if dtype.kind not in _NUMBERS:
            raise GarbledError(f"an array of {dtype}")
        content = self.pipe.recv_bytes(self.room)
        self.room -= len(content)
        return np.frombuffer(content, dtype=dtype).reshape(shape).copy()
