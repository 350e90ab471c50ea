"""Reads the pickle of a checkpoint with a machine that can call nothing.

It understands exactly the instructions that `torch.load(weights_only=True)` understands. A global is only a name here,
a call to one a record of what was to be rebuilt. What torch would refuse is `unsafe-weights`: to read it all the same
one would have to execute what it says.
"""

import io
import pickletools
from collections.abc import Callable
from typing import Any

from benchmark.hub.facts import storable
from benchmark.hub.pickle_calls import Global, Inert, Rebuilt, call, of_type, plain_key, storage_of
from benchmark.hub.pickle_globals import ALLOWED, forbidden_globals, global_name
from benchmark.hub.tensor_listing import ListingProblem, damaged, unlisted, unsafe

_MOST_INSTRUCTIONS = 500_000


class _Mark:
    pass


_MARK = _Mark()


def read_pickle(content: bytes, name: str) -> Any:
    """Read a pickle of weights.

    Args:
        content: The pickle.
        name: What messages call the file.

    Returns:
        What it holds: dictionaries, lists, tuples, numbers, texts, `Rebuilt` for tensors, and inert things.

    Raises:
        ListingProblem: It is damaged, needs code to be executed, or only a load can read it.
    """
    try:
        return _run(content, name)
    except (_RefusedError, ListingProblem) as problem:
        names = forbidden_globals(content)
        if names or isinstance(problem, _RefusedError):
            needed = _listed(names or (str(problem),))
            raise unsafe(f"reading {name} would execute code from it: it needs {needed}", names) from problem
        raise


def _run(content: bytes, name: str) -> Any:
    machine = _Machine()
    try:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(io.BytesIO(content))):
            if count == _MOST_INSTRUCTIONS:
                raise unlisted(f"{name} takes more than {_MOST_INSTRUCTIONS} instructions to rebuild")
            machine.do(instruction.name, argument)
        return machine.pop()
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise damaged(f"{name} is damaged: its pickle makes no sense ({type(error).__name__})") from error


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004 - as many as fit a line


class _RefusedError(Exception):
    """torch refuses this too."""


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._copied = 0

    def pop(self) -> Any:
        return self._stack.pop()

    def do(self, instruction: str, argument: Any) -> None:
        if instruction in _LITERALS:
            self._stack.append(argument)
        elif instruction in _CONSTANTS:
            self._stack.append(_CONSTANTS[instruction]())
        elif instruction in {"BINPUT", "LONG_BINPUT"}:
            self._memo[argument] = self._stack[-1]
        elif instruction in {"BINGET", "LONG_BINGET"}:
            self._stack.append(self._memo[argument])
        elif instruction == "GLOBAL":
            named = global_name(argument)
            if named not in ALLOWED:
                raise _RefusedError(storable(named[:120]))
            self._stack.append(Global(named))
        elif instruction in _ACTIONS:
            _ACTIONS[instruction](self)
        elif instruction not in {"PROTO", "STOP"}:
            raise _RefusedError(f"the instruction {instruction}")

    def _above_mark(self) -> list[Any]:
        place = len(self._stack) - 1
        while self._stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise IndexError("no mark")
        items = self._stack[place + 1 :]
        del self._stack[place:]
        return items

    def mark(self) -> None:
        self._stack.append(_MARK)

    def tuple_(self) -> None:
        self._stack.append(tuple(self._above_mark()))

    def tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError("the stack is too short")
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def append(self) -> None:
        item = self.pop()
        of_type(self._stack[-1], list).append(item)

    def appends(self) -> None:
        items = self._above_mark()
        of_type(self._stack[-1], list).extend(items)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        of_type(self._stack[-1], dict)[plain_key(key)] = value

    def set_items(self) -> None:
        items = self._above_mark()
        target = of_type(self._stack[-1], dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[plain_key(key)] = value

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        name = of_type(function, Global).name
        made = call(name, of_type(arguments, tuple))
        if isinstance(made, dict):
            # A large table, copied again and again, would fill the memory with few instructions.
            self._copied += len(made)
            if self._copied > _MOST_INSTRUCTIONS:
                raise unlisted("it copies tables without end")
        self._stack.append(made)

    def build(self) -> None:
        self.pop()
        if isinstance(self._stack[-1], Rebuilt):
            raise unlisted("it sets tensors anew after rebuilding them")

    def persistent(self) -> None:
        self._stack.append(storage_of(of_type(self.pop(), tuple)))


_LITERALS = {"BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "LONG1"}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": Inert,
}
_ACTIONS: dict[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_,
    "TUPLE1": lambda machine: machine.tuple_of(1),
    "TUPLE2": lambda machine: machine.tuple_of(2),
    "TUPLE3": lambda machine: machine.tuple_of(3),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
