import collections
import contextlib
import io
import os
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.hub.tensor_listing import ListingProblem
from benchmark.hub.torch_files import PickledTensor
from benchmark.hub.torch_pickles import read_pickle
from benchmark.results.status import Status
from benchmark.workers.answers import Crashed, OutOfMemory, TimedOut
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker
from tests.hub.conftest import Runs, read_in_process, torch_saved

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol", "ignore:invalid escape")

PROTO = b"\x80\x02"
NAME = "pytorch_model.bin"


def saved(content: Any) -> bytes:
    """The pickle within what torch.save writes."""
    with zipfile.ZipFile(io.BytesIO(torch_saved(content))) as archive:
        return archive.read("archive/data.pkl")


def tensors(content: bytes) -> dict[str, PickledTensor]:
    answer = read_in_process(content, NAME, pickles=1, load=True)
    assert "tensors" in answer, answer
    shaped = [{**fields, "shape": tuple(fields["shape"])} for fields in answer["tensors"]]
    return {fields["name"]: PickledTensor(**fields) for fields in shaped}


def problem(content: bytes, *, pickles: int = 1, load: bool = True) -> ListingProblem:
    answer = read_in_process(content, NAME, pickles=pickles, load=load)
    assert "reason" in answer, answer
    status = answer["status"]
    return ListingProblem(answer["reason"], status and Status(status), tuple(answer["unsafe_globals"]))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


def test_parameters_views_and_shared_storages_are_listed() -> None:
    base = torch.arange(12.0).reshape(3, 4)
    listed = tensors(saved({"p": torch.nn.Parameter(base), "v": base[1:, 2], "s": base}))
    assert [(listed[name].storage, listed[name].storage_bytes) for name in "pvs"] == [("0", 48)] * 3
    assert (listed["v"].offset, listed["v"].shape, listed["v"].contiguous) == (6, (2,), False)


def test_types_have_the_names_of_torch() -> None:
    types = ("bool", "uint8", "int64", "float16", "float64", "bfloat16", "complex64", "uint16", "float8_e5m2")
    listed = tensors(saved({name: torch.zeros(2, dtype=getattr(torch, name)) for name in types}))
    assert {name: tensor.dtype for name, tensor in listed.items()} == dict(zip(types, types, strict=True))


def test_what_else_a_checkpoint_holds_is_ignored() -> None:
    content = {
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "numbers": [1, -2, 3.5, True, None, 2**70, "text"],
        "counter": collections.Counter("aab"),
        "set": {1, 2},
        "bytes": b"ab",
        "a": torch.zeros(1),
        "none": torch.zeros(2, device="meta"),
    }
    listed = tensors(saved(content))
    assert {name: tensor.storage for name, tensor in listed.items()} == {"a": "0", "none": None}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_calls_anything_is_unsafe_and_leaves_no_trace(mark: Path, protocol: int) -> None:
    for function in (os.system, eval, exec, __import__, getattr):
        unsafe = problem(pickle.dumps({"classifier.weight": Runs(mark, function)}, protocol))
        assert unsafe.status is Status.UNSAFE_WEIGHTS
        assert unsafe.unsafe_globals == (f"{function.__module__}.{function.__name__}".replace("nt.", "posix."),)
        assert unsafe.unsafe_globals[0] in unsafe.reason
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
        b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x8c\x01x0h\x00h\x01\x93.",
        PROTO + b"N0N0(R" + pickle.dumps(Runs(Path("MARK")), 2)[2:],
    ],
    ids=[
        *("INST", "OBJ", "REDUCE", "NEWOBJ", "attribute", "torch.load", "load_from_bytes", "eval", "EXT1", "FRAME"),
        *("names in the memo", "behind damage"),
    ],
)
def test_everything_that_reaches_code_is_unsafe(content: bytes) -> None:
    unsafe = problem(content)
    assert unsafe.status is Status.UNSAFE_WEIGHTS
    assert unsafe.reason.startswith(f"reading {NAME} would execute code from it: it needs ")
    assert ("the instruction EXT1" in unsafe.reason) == (content == PROTO + b"\x82\x01.")


def test_arrays_of_numpy_are_what_torch_refuses_too() -> None:
    content = {"a": torch.zeros(1), "mean": np.zeros(3)}
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO(torch_saved(content)), weights_only=True)
    assert problem(saved(content)).status is Status.UNSAFE_WEIGHTS


def test_imports_are_found_in_several_pickles_and_in_one_that_was_cut_off(mark: Path) -> None:
    harmless, hostile = pickle.dumps([1], 2), pickle.dumps([Runs(mark), "x" * 1000], 2)
    for content, pickles in ((hostile[:-500], 1), (harmless + hostile, 2)):
        assert problem(content, pickles=pickles, load=False).unsafe_globals == ("posix.system",)
    assert read_pickle(harmless, NAME, load=False) == {"tensors": []}


def test_names_are_few_and_short_and_storable() -> None:
    many = b"".join(b"cx" + str(number).encode() + b"y" * 500 + b"\nz\n0" for number in range(100))
    unsafe = problem(many + b".", load=False)
    assert len(unsafe.unsafe_globals) == 20
    assert max(map(len, unsafe.unsafe_globals)) <= 120
    assert unsafe.reason.endswith(" and 17 more")


def tensor(elements: int = 4, offset: int = 0, sizes: str = "(K\x02t", strides: str = "(K\x01t") -> bytes:
    """A tensor in instructions."""
    identity = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    numbers = identity + b"J" + elements.to_bytes(4, "little", signed=True) + b"tQ"
    layout = b"J" + offset.to_bytes(4, "little", signed=True) + sizes.encode("latin1") + strides.encode("latin1")
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + numbers + layout + b"\x89ccollections\nOrderedDict\n)RtR"


def state_dict(instructions: bytes) -> bytes:
    """A state dict with one value."""
    return PROTO + b"}X\x01\x00\x00\x00a" + instructions + b"s."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PROTO,
        PROTO + b".",
        PROTO + b"t.",
        PROTO + b"h\x05.",
        PROTO + b"}(Nu.",
        PROTO + b"NQ.",
        PROTO + b"N.",
        state_dict(tensor(elements=1)),
        state_dict(tensor(elements=-1)),
        state_dict(tensor(offset=-1)),
        state_dict(tensor(offset=3)),
        state_dict(tensor(strides="(K\x09t")),
        state_dict(tensor(sizes="(K\x02K\x02t")),
        state_dict(tensor(sizes="(" + "K\x01" * 100 + "t", strides="(" + "K\x01" * 100 + "t")),
        state_dict(tensor().replace(b"storage", b"sausage")),
        state_dict(b"ctorch._utils\n_rebuild_tensor_v2\n)R"),
        state_dict(b"ctorch._utils\n_rebuild_parameter\n)R"),
        PROTO + b"\xff.",
    ],
)
def test_a_pickle_that_makes_no_sense_is_damaged(content: bytes) -> None:
    assert problem(content).status is Status.LOAD_FAILED
    assert tensors(state_dict(tensor()))["a"].shape == (2,)  # the instructions themselves are sound


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (state_dict(tensor() + b")b"), "sets tensors anew"),
        (PROTO + b"}N)\x86Ns.", "keys that are no names"),
        (state_dict(b"ctorch._utils\n_rebuild_sparse_tensor\n)R"), "sparse_tensor rebuilds"),
        (saved({"a": torch.eye(2).to_sparse()}), "sparse_tensor rebuilds"),
        (
            state_dict(b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nN)NtR"),
            "class of their own",
        ),
        (PROTO + b"N0" * 260_000 + b".", "more than 500000 instructions"),
    ],
    ids=["set anew", "odd keys", "sparse", "sparse tensor", "class of its own", "too long"],
)
def test_what_only_a_load_can_tell_needs_the_load_check(content: bytes, reason: str) -> None:
    unlisted = problem(content)
    assert unlisted.status is None
    assert reason in unlisted.reason
    assert unlisted.reason.endswith(": that needs the load check")


BOMBS = {
    # Each is small enough for an inspection and asks for far more than its size.
    "laughs as keys": PROTO + b"})" + b"q\x00h\x00\x86" * 50 + b"Ns.",
    "deep tuples": PROTO + b")" + b"\x85" * 120_000 + b".",
    "memo": PROTO + b"".join(b"Nr" + number.to_bytes(4, "little") for number in range(40_000)) + b".",
    "huge text": PROTO + b"X\xff\xff\xff\xff" + b"x" * 1000 + b".",
    "bytes": PROTO + b"cbuiltins\nbytearray\n\x8a\x06" + (10**13).to_bytes(6, "little") + b"\x85R.",
    "copies": PROTO
    + b"}q\x00("
    + b"".join(b"J" + number.to_bytes(4, "little") + b"N" for number in range(20_000))
    + b"u\x85q\x01](ccollections\nOrderedDict\nq\x02h\x01R"
    + b"h\x02h\x01R" * 20_000
    + b"e.",
}


def test_a_bomb_ends_within_the_limits_of_its_worker_and_is_never_called_unsafe(tmp_path: Path) -> None:
    limits, log = Limits(memory_bytes=500_000_000), tmp_path / "worker.log"
    ends: dict[str, type] = {}
    # A worker that was ended answers no more.
    for names in (BOMBS.keys() - {"laughs as keys", "copies"}, ["laughs as keys"], ["copies"]):
        with Worker("benchmark.verification.actors:InspectionActor", log=log, limits=limits) as worker:
            for name in names:
                content = np.frombuffer(BOMBS[name], np.uint8)
                answer = worker.call("read_pickle", content, NAME, 1, True, timeout_s=2.0)
                ends[name] = type(answer)
                value = getattr(answer, "value", {})
                assert value.get("status") != Status.UNSAFE_WEIGHTS, (name, value)
    assert ends["laughs as keys"] in (TimedOut, Crashed)
    assert ends["copies"] in (OutOfMemory, TimedOut)


def test_noise_in_a_pickle_never_ends_in_a_traceback() -> None:
    whole = saved(torch.nn.Linear(3, 2).state_dict())
    generator = random.Random(2)  # noqa: S311 - repeatable, guards no secret
    for _ in range(300):
        read_pickle(b"\x80\x02" + generator.randbytes(200), NAME, load=False)
    for _ in range(1500):
        changed = bytearray(whole)
        for _ in range(generator.randrange(1, 4)):
            changed[generator.randrange(len(changed))] = generator.randrange(256)
        with contextlib.suppress(MemoryError):
            read_pickle(bytes(changed), NAME)


def test_a_pickle_cut_off_anywhere_is_damaged() -> None:
    whole = saved(torch.nn.Linear(3, 2).state_dict())
    assert {problem(whole[:length]).status for length in range(len(whole))} == {Status.LOAD_FAILED}
