"""What the calls in the pickle of a checkpoint would have made: records of tensors, and inert things."""

from dataclasses import dataclass
from typing import Any

from benchmark.hub.tensor_listing import BYTES, FROM_STORAGE, unlisted

_MOST_DIMENSIONS = 64  # torch has no tensors of more
_LARGEST_NUMBER = 2**63
_UTILS = "torch._utils._rebuild_"


@dataclass(frozen=True)
class Storage:
    """The numbers of one or several tensors, in a member of the archive.

    Attributes:
        key: The member's name.
        dtype: Their type; None where it holds bytes.
        elements: How many there are.
    """

    key: str
    dtype: str | None
    elements: int


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A tensor that a load would rebuild; `storage` is None where it brings no numbers of its own."""

    storage: Storage | None
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Global:
    """A name that a pickle mentions; what bears it is never looked up."""

    name: str


class Inert:
    """What a call would have made, where nobody needs to know."""


def of_type(value: Any, kind: type) -> Any:
    """Let only values of one type through.

    Raises:
        TypeError: It is of another.
    """
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def plain_key(key: Any) -> Any:
    """Let only those keys through that take no time to hash: a tuple of tuples of tuples can take forever.

    Raises:
        ListingProblem: It is another key.
    """
    if key is None or isinstance(key, (str, bytes, int, float)):
        return key
    raise unlisted("it holds a table with keys that are no names")


def storage_of(identity: tuple[Any, ...]) -> Storage:
    """Read what the pickle says of a storage that lies outside of it.

    Raises:
        TypeError: It is no storage.
        ValueError: It is none of a size that could be.
    """
    kind, storage_type, key, _location, elements = identity[:5]
    if kind != "storage" or not isinstance(storage_type, Global) or not isinstance(key, str):
        raise TypeError("no storage")
    return Storage(key, FROM_STORAGE.get(storage_type.name.rpartition(".")[2]), _numbers((elements,))[0])


def call(name: str, arguments: tuple[Any, ...]) -> Any:
    """Tell what a call would have made.

    Args:
        name: What is called; it is one of those that are allowed.
        arguments: With what.

    Returns:
        A table, sizes, a tensor, or an inert thing.

    Raises:
        ListingProblem: Only a load can tell.
        TypeError: The arguments make no sense; IndexError and ValueError likewise.
    """
    match name:
        case "collections.OrderedDict" | "collections.Counter":
            return _table(arguments)
        case "torch.nn.parameter.Parameter":
            return arguments[0]
        case "torch.Size":
            return _numbers(arguments[0])
        case "torch._tensor._rebuild_from_type_v2":
            inner = of_type(arguments[0], Global).name
            if not inner.startswith(_UTILS):
                raise unlisted("it holds tensors of a class of their own")
            return call(inner, of_type(arguments[2], tuple))
    if not name.startswith(_UTILS):
        return Inert()
    return _rebuild(name.removeprefix(_UTILS), arguments)


def _table(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    if not arguments:
        return {}
    if isinstance(arguments[0], dict):
        return dict(arguments[0])
    return {plain_key(key): value for key, value in of_type(arguments[0], list)}


def _rebuild(kind: str, arguments: tuple[Any, ...]) -> Any:
    match kind:
        case "parameter" | "parameter_with_state":
            return arguments[0]
        case "tensor" | "tensor_v2" | "tensor_v3" | "qtensor":
            storage: Storage = of_type(arguments[0], Storage)
            own_dtype = of_type(arguments[6], Global).name if kind == "tensor_v3" else None
            return _rebuilt(storage, arguments[1], (arguments[2], arguments[3]), own_dtype)
        case "meta_tensor_no_storage":
            shape = _numbers(arguments[1])
            dtype = of_type(arguments[0], Global).name.removeprefix("torch.")
            return Rebuilt(None, 0, shape, (0,) * len(shape), dtype)
    raise unlisted(f"it holds a tensor that {kind} rebuilds")


def _rebuilt(storage: Storage, offset: Any, layout: tuple[Any, Any], dtype: str | None) -> Rebuilt:
    start, shape, stride = _numbers((offset,))[0], _numbers(layout[0]), _numbers(layout[1])
    if len(shape) != len(stride):
        raise ValueError("as many strides as dimensions")
    kind = dtype.removeprefix("torch.") if dtype else storage.dtype
    if kind is None:
        raise unlisted("it does not say the type of a tensor")
    last = start + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if 0 not in shape and (last + 1) * BYTES.get(kind, 1) > storage.elements * BYTES.get(storage.dtype or "", 1):
        raise ValueError("a tensor reaches beyond its storage")
    return Rebuilt(storage, start, shape, stride, kind)


def _numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)) or len(value) > _MOST_DIMENSIONS:
        raise TypeError("no sizes")
    if not all(type(item) is int and 0 <= item < _LARGEST_NUMBER for item in value):
        raise ValueError("sizes beyond all bounds")
    return tuple(value)
