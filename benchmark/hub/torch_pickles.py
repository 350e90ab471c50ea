"""The pickles of weight files, read by torch's own weights-only unpickler; for workers only, since it imports torch.

Storages are made on the meta device, so that no weights are allocated; a hostile pickle can still exhaust memory and
time, which the worker limits. `torch.load(map_location="meta")` is not enough: it enlarges a storage that is too small
for its tensors, forgets which storage a tensor had, and reads every local header of files without a format version.
"""

import io
import pickletools
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch._weights_only_unpickler import Unpickler, _get_allowed_globals

from benchmark.hub.repository_facts import storable
from benchmark.hub.tensor_listing import ListingProblem, damaged, unlisted, unsafe
from benchmark.hub.torch_files import PickledTensor

_MOST_INSTRUCTIONS = 500_000
_MOST_DIMENSIONS = 64
_MOST_NAMES, _LONGEST_NAME, _SHOWN_NAMES = 20, 120, 3

_TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_STORES, _LOADS = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
_UNSUPPORTED = re.compile(r"Unsupported operand (\d+)")  # of the weights-only unpickler
_REBUILD = "torch._utils._rebuild_"
_REBUILT_ON_META = {"tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state", "meta_tensor_no_storage"}


def read_pickle(content: NDArray[np.uint8] | bytes, name: str, pickles: int = 1, load: bool = True) -> dict[str, Any]:
    """Describe the pickle of a weight file, without executing anything that torch's weights-only unpickler refuses.

    Args:
        content: The pickle, or its beginning.
        name: The file in messages.
        pickles: How many follow each other in `content`.
        load: Whether to list its tensors, or only to check what it imports.

    Returns:
        Plain data: `tensors`, or the fields of a ListingProblem.
    """
    try:
        tensors = _read_pickle(bytes(content), name, pickles, load)
    except ListingProblem as problem:
        return {"reason": problem.reason, "status": problem.status, "unsafe_globals": problem.unsafe_globals}
    return {"tensors": [asdict(tensor) for tensor in tensors]}


def _read_pickle(content: bytes, name: str, pickles: int, load: bool) -> list[PickledTensor]:
    imports, instructions = _scan(content, pickles)
    allowed = _get_allowed_globals()
    forbidden = tuple(storable(import_[:_LONGEST_NAME]) for import_ in imports if import_ not in allowed)[:_MOST_NAMES]
    if forbidden:
        more = f" and {len(forbidden) - _SHOWN_NAMES} more" if len(forbidden) > _SHOWN_NAMES else ""
        needed = ", ".join(forbidden[:_SHOWN_NAMES]) + more
        raise unsafe(f"reading {name} would execute code from it: it needs {needed}", forbidden)
    if not load:
        return []
    if instructions > _MOST_INSTRUCTIONS:
        raise unlisted(f"{name} takes more than {_MOST_INSTRUCTIONS} instructions to rebuild")
    try:
        return _load(content, name, imports)
    except (ListingProblem, MemoryError):
        raise
    except Exception as error:  # whatever somebody else's bytes make torch raise
        if match := _UNSUPPORTED.fullmatch(str(error)):
            name_of = {ord(opcode.code): opcode.name for opcode in pickletools.opcodes}
            if (operand := int(match[1])) in name_of:
                needed = f"the instruction {name_of[operand]}"
                raise unsafe(f"reading {name} would execute code from it: it needs {needed}") from error
        for rebuilder in imports:
            if rebuilder == "torch._tensor._rebuild_from_type_v2":
                raise unlisted("it holds tensors of a class of their own") from error
            kind = rebuilder.removeprefix(_REBUILD)
            if kind != rebuilder and kind not in _REBUILT_ON_META:
                raise unlisted(f"it holds a tensor that {kind} rebuilds") from error
        raise damaged(f"{name} is damaged: its pickle makes no sense ({type(error).__name__})") from error


def _scan(content: bytes, pickles: int) -> tuple[tuple[str, ...], int]:
    """Go through the instructions of pickles, as far as they make sense, without executing them.

    Returns:
        What they import, and the number of instructions.
    """
    imports: dict[str, None] = {}
    count = 0
    texts: deque[str] = deque(["?", "?"], maxlen=2)
    memo: dict[int, str] = {}
    for instruction, argument in _instructions(content, pickles):
        count += 1
        if instruction in {"GLOBAL", "INST"}:
            imports[_global_name(str(argument))] = None
        elif instruction == "STACK_GLOBAL":
            imports[_global_name(" ".join(texts))] = None
        elif instruction in _TEXTS:
            texts.append(str(argument))
        elif instruction == "MEMOIZE":
            memo[len(memo)] = texts[-1]
        elif instruction in _STORES:
            memo[argument] = texts[-1]
        elif instruction in _LOADS and argument in memo:
            texts.append(memo[argument])
    return tuple(imports), count


def _instructions(content: bytes, pickles: int) -> Iterator[tuple[str, Any]]:
    stream = io.BytesIO(content)
    try:
        for _ in range(pickles):
            for instruction, argument, _position in pickletools.genops(stream):
                yield instruction.name, argument
    except (ValueError, KeyError, IndexError, OverflowError):
        return  # it ends in the middle of an instruction, or what follows is no pickle


def _global_name(argument: str) -> str:
    module, _, name = argument.partition(" ")
    # Pickles of protocol 2, which torch writes, use the name that Python 2 had for the module.
    return f"{'builtins' if module == '__builtin__' else module}.{name}"


class _MetaUnpickler(Unpickler):
    """Unpickles tensors whose storages lie on the meta device, which hold no numbers.

    Attributes:
        declared: Name and size in bytes of each storage, by its address.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self.declared: dict[int, tuple[str, int]] = {}
        self._storages: dict[str, torch.storage.TypedStorage] = {}

    def persistent_load(self, pid: tuple[Any, ...]) -> torch.storage.TypedStorage:
        """Make the storage that the pickle names."""
        kind, storage_type, key, _location, elements = pid
        if kind != "storage" or not isinstance(key, str) or elements < 0:
            raise ValueError("no storage")
        if key not in self._storages:
            dtype = torch.uint8 if storage_type is torch.UntypedStorage else storage_type.dtype
            untyped = torch.UntypedStorage(elements * dtype.itemsize, device="meta")  # type: ignore[no-untyped-call]
            self.declared[untyped._cdata] = (storable(key), untyped.nbytes())
            typed = torch.storage.TypedStorage(wrap_storage=untyped, dtype=dtype, _internal=True)  # type: ignore[no-untyped-call]
            self._storages[key] = typed
        return self._storages[key]


def _load(pickled: bytes, name: str, imports: tuple[str, ...]) -> list[PickledTensor]:
    """List the tensors of a state dict; raises whatever torch raises beside ListingProblem."""
    unpickler = _MetaUnpickler(pickled)
    content = unpickler.load()  # type: ignore[no-untyped-call]
    if not isinstance(content, dict):
        raise damaged(f"{name} holds no table of tensors")
    if not all(key is None or isinstance(key, str | bytes | int | float) for key in content):
        raise unlisted("it holds a table with keys that are no names")
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}
    return [_describe(key, tensor, unpickler.declared, imports) for key, tensor in tensors.items()]


def _describe(
    name: str, tensor: torch.Tensor, declared: Mapping[int, tuple[str, int]], imports: tuple[str, ...]
) -> PickledTensor:
    """Describe a tensor, given name and size in bytes of each storage by its address.

    Raises:
        ListingProblem: Its storage did not come from the file.
        ValueError: It has too many dimensions, or reaches beyond its storage.
    """
    storage, size = declared.get(tensor.untyped_storage()._cdata, (None, 0))
    if storage is None and _REBUILD + "meta_tensor_no_storage" not in imports:
        raise unlisted("it sets tensors anew after rebuilding them")
    last = sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride(), strict=True))
    # On the meta device torch enlarges a storage that is too small; a load would fail.
    is_beyond = (tensor.storage_offset() + last + 1) * tensor.itemsize > size and 0 not in tensor.shape
    if tensor.dim() > _MOST_DIMENSIONS or (storage is not None and is_beyond):
        raise ValueError("too many dimensions, or beyond its storage")
    return PickledTensor(
        name=storable(name),
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        storage=storage,
        storage_bytes=size,
        offset=int(tensor.storage_offset()),
        contiguous=tensor.is_contiguous(),
    )
