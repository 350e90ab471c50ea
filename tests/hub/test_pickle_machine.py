import collections
import contextlib
import io
import os
import pickle
import random
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.hub.pickle_calls import Rebuilt, Storage
from benchmark.hub.pickle_machine import read_pickle
from benchmark.hub.tensor_listing import ListingProblem
from benchmark.results.status import Status

PROTO = b"\x80\x02"


def saved(content: Any) -> bytes:
    """The pickle within what torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file)
    with zipfile.ZipFile(file) as archive:
        return archive.read("archive/data.pkl")


def problem(content: bytes) -> ListingProblem:
    with pytest.raises(ListingProblem) as caught:
        read_pickle(content, "pytorch_model.bin")
    return caught.value


class Runs:
    """Leaves a mark on the disk when somebody unpickles it."""

    def __init__(self, mark: Path, function: Any = os.system) -> None:
        self.mark, self.function = mark, function

    def __reduce__(self) -> Any:
        return self.function, (f"touch {self.mark}",)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


def test_the_tensors_of_a_state_dict_are_recorded() -> None:
    state = torch.nn.LSTM(3, 4).half().state_dict()
    found = read_pickle(saved(state), "it")
    shapes = {name: (tensor.shape, tensor.dtype, tensor.stride) for name, tensor in found.items()}
    assert shapes == {name: (tuple(value.shape), "float16", value.stride()) for name, value in state.items()}


def test_parameters_views_and_shared_storages_are_recorded() -> None:
    base = torch.arange(12.0).reshape(3, 4)
    found = read_pickle(saved({"p": torch.nn.Parameter(base), "v": base[1:, 2], "s": base}), "it")
    assert found["p"].storage == found["s"].storage == Storage("0", "float32", 12)
    assert (found["v"].offset, found["v"].shape, found["v"].stride) == (6, (2,), (4,))


@pytest.mark.parametrize(
    "name", ["bool", "uint8", "int64", "float64", "bfloat16", "complex64", "uint16", "float8_e5m2"]
)
def test_every_type_is_named_as_torch_names_it(name: str) -> None:
    assert read_pickle(saved({"a": torch.zeros(2, dtype=getattr(torch, name))}), "it")["a"].dtype == name


def test_what_else_a_checkpoint_holds_is_no_trouble() -> None:
    content = {
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "numbers": [1, -2, 3.5, True, None, 2**70, "text"],
        "counter": collections.Counter("aab"),
        "set": {1, 2},
        "bytes": b"ab",
        "a": torch.zeros(1),
    }
    found = read_pickle(saved(content), "it")
    assert found["size"] == (2, 3)
    assert found["numbers"] == content["numbers"]
    assert isinstance(found["a"], Rebuilt)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("function", [os.system, eval, exec, __import__, getattr])
def test_a_pickle_that_calls_anything_is_unsafe_and_leaves_no_trace(mark: Path, protocol: int, function: Any) -> None:
    found = problem(pickle.dumps({"classifier.weight": Runs(mark, function)}, protocol))
    assert found.status is Status.UNSAFE_WEIGHTS
    assert found.unsafe_globals == (f"{function.__module__}.{function.__name__}".replace("nt.", "posix."),)
    assert found.unsafe_globals[0] in found.reason
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"(S'touch MARK'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch MARK'\no.",
        PROTO + b"cos\nsystem\nX\x0a\x00\x00\x00touch MARK\x85R.",
        PROTO + b"cos\nsystem\nX\x0a\x00\x00\x00touch MARK\x85\x81.",
        PROTO + b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n.",
        PROTO + b"ctorch.serialization\nload\nX\x01\x00\x00\x00x\x85R.",
        PROTO + b"ctorch.storage\n_load_from_bytes\nC\x01x\x85R.",
        PROTO + b"cbuiltins\neval\n(X\x01\x00\x00\x001tR.",
        PROTO + b"\x82\x01.",
        b"\x80\x04\x95\x01\x00\x00\x00\x00\x00\x00\x00N.",
    ],
    ids=["INST", "OBJ", "REDUCE", "NEWOBJ", "attribute", "torch.load", "load_from_bytes", "eval", "EXT1", "FRAME"],
)
def test_every_way_to_reach_code_is_unsafe(content: bytes) -> None:
    assert problem(content).status is Status.UNSAFE_WEIGHTS


def test_a_call_behind_damage_is_still_found(mark: Path) -> None:
    behind = pickle.dumps(Runs(mark), 2)[2:]
    assert problem(PROTO + b"N0N0(R" + behind).status is Status.UNSAFE_WEIGHTS


def test_arrays_of_numpy_are_what_torch_refuses_too() -> None:
    content = {"a": torch.zeros(1), "mean": np.zeros(3)}
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file, weights_only=True)
    assert problem(saved(content)).status is Status.UNSAFE_WEIGHTS


def storage(elements: int = 4, offset: int = 0, sizes: str = "(K\x02t", strides: str = "(K\x01t") -> bytes:
    """A tensor in instructions."""
    identity = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    numbers = identity + b"J" + elements.to_bytes(4, "little", signed=True) + b"tQ"
    layout = b"J" + offset.to_bytes(4, "little", signed=True) + sizes.encode("latin1") + strides.encode("latin1")
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + numbers + layout + b"\x89ccollections\nOrderedDict\n)RtR"


def test_a_tensor_in_instructions_is_one() -> None:
    assert read_pickle(PROTO + storage() + b".", "it").shape == (2,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PROTO,
        PROTO + b".",
        PROTO + b"R.",
        PROTO + b"t.",
        PROTO + b"h\x05.",
        PROTO + b"q\x00.",
        PROTO + b"NNNs.",
        PROTO + b"}(Nu.",
        PROTO + b"NQ.",
        PROTO + b"](NNe",
        PROTO + storage(elements=1) + b".",
        PROTO + storage(elements=-1) + b".",
        PROTO + storage(offset=-1) + b".",
        PROTO + storage(offset=3) + b".",
        PROTO + storage(strides="(K\x09t") + b".",
        PROTO + storage(sizes="(K\x02K\x02t") + b".",
        PROTO + storage(sizes="(" + "K\x01" * 100 + "t", strides="(" + "K\x01" * 100 + "t") + b".",
        PROTO + b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        PROTO + b"ctorch._utils\n_rebuild_parameter\n)R.",
        PROTO + b"\xff.",
    ],
)
def test_a_pickle_that_makes_no_sense_is_damaged(content: bytes) -> None:
    assert problem(content).status is Status.LOAD_FAILED


@pytest.mark.parametrize(
    "content",
    [
        PROTO + storage() + b")b.",
        PROTO + b"}N)\x86Ns.",
        PROTO + b"ctorch._utils\n_rebuild_sparse_tensor\n)R.",
        PROTO + b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nN)NtR.",
    ],
    ids=["set anew", "odd keys", "sparse", "class of its own"],
)
def test_what_only_a_load_can_tell_is_said_so(content: bytes) -> None:
    assert problem(content).status is None


BOMBS = {
    # Each fits into what an inspection reads and asks for far more than that.
    "laughs": PROTO + b")" + b"q\x00h\x00\x86" * 60_000 + b".",
    "laughs as keys": PROTO + b"})" + b"q\x00h\x00\x86" * 50 + b"Ns.",
    "depth": PROTO + b"]" * 120_000 + b"a" * 119_999 + b".",
    "deep tuples": PROTO + b")" + b"\x85" * 120_000 + b".",
    "memo": PROTO + b"".join(b"Nr" + number.to_bytes(4, "little") for number in range(40_000)) + b".",
    "far memo": PROTO + b"Nr\xff\xff\xff\xff.",
    "integers": PROTO + (b"\x8a\xff" + b"\x7f" * 255) * 1000 + b".",
    "huge integer": PROTO + b"\x8b\xff\xff\xff\x7f" + b"\x7f" * 1000 + b".",
    "huge text": PROTO + b"X\xff\xff\xff\xff" + b"x" * 1000 + b".",
    "copies": PROTO
    + b"}q\x00("
    + b"".join(b"J" + number.to_bytes(4, "little") + b"N" for number in range(20_000))
    + b"u\x85q\x01](ccollections\nOrderedDict\nq\x02h\x01R"
    + b"h\x02h\x01R" * 20_000
    + b"e.",
    "marks": PROTO + b"(" * 120_000 + b".",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_neither_memory_nor_time(name: str) -> None:
    tracemalloc.start()
    begin = time.monotonic()
    try:
        read_pickle(BOMBS[name], "it")
    except ListingProblem as caught:
        assert caught.status is not Status.UNSAFE_WEIGHTS or "LONG4" in caught.reason, caught.reason
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - begin < 10.0
    assert most < 150_000_000


def test_noise_in_a_sound_pickle_never_ends_in_a_traceback() -> None:
    whole = saved(torch.nn.Linear(3, 2).state_dict())
    randomly = random.Random(2)  # noqa: S311 - repeatable, guards no secret
    for _ in range(1500):
        changed = bytearray(whole)
        for _ in range(randomly.randrange(1, 4)):
            changed[randomly.randrange(len(changed))] = randomly.randrange(256)
        with contextlib.suppress(ListingProblem):
            read_pickle(bytes(changed), "it")


def test_a_pickle_cut_off_anywhere_never_ends_in_a_traceback() -> None:
    whole = saved(torch.nn.Linear(3, 2).state_dict())
    for length in range(len(whole)):
        assert problem(whole[:length]).status is Status.LOAD_FAILED
