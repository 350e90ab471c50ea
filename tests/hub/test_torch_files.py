import contextlib
import gzip
import io
import pickle
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from benchmark.hub.ranged import TooMuchToReadError
from benchmark.hub.tensor_listing import ListingProblem
from benchmark.hub.torch_files import TorchFile
from benchmark.results.status import Status
from tests.hub.conftest import Reads, Runs, ranged, read_in_process, torch_saved

STATE = {
    "classifier.weight": torch.arange(6.0).reshape(2, 3),
    "classifier.bias": torch.tensor([0.5, -1.0]),
    "half": torch.ones(3, dtype=torch.float16),
}
SAVED = torch_saved(STATE)


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


MEMBERS = members(SAVED)


def repacked(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED, *, only: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content, compression if name.endswith(only) else zipfile.ZIP_STORED)
    return file.getvalue()


def opened(content: bytes) -> TorchFile:
    return TorchFile(ranged(content), "pytorch_model.bin", read_in_process)


def problem(content: bytes) -> ListingProblem:
    with pytest.raises(ListingProblem) as caught:
        opened(content)
    return caught.value


def test_names_shapes_types_and_numbers_are_those_that_torch_loads() -> None:
    file = opened(SAVED)
    listed = {tensor.name: (tensor.shape, f"torch.{tensor.dtype}") for tensor in file.tensors}
    assert listed == {name: (tuple(value.shape), str(value.dtype)) for name, value in STATE.items()}
    for name, value in STATE.items():
        assert file.read(name) == value.numpy().tobytes()


def test_a_view_is_read_from_where_it_begins_and_nothing_in_another_order() -> None:
    base = torch.arange(12.0).reshape(3, 4)
    assert opened(torch_saved({"a": base[2]})).read("a") == base[2].numpy().tobytes()
    assert opened(torch_saved({"a": base.T})).read("a") is None
    big_endian = MEMBERS | {"archive/byteorder": b"big"}
    assert opened(repacked(big_endian)).read("classifier.bias") is None


def test_a_packed_pickle_is_read_and_packed_numbers_are_refused_since_a_load_would_take_the_packed_bytes_for_numbers(
    tmp_path: Path,
) -> None:
    assert len(opened(repacked(MEMBERS, zipfile.ZIP_DEFLATED, only="data.pkl")).tensors) == 3
    numbers = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    packed = repacked(members(torch_saved({"a": numbers})), zipfile.ZIP_DEFLATED)
    (path := tmp_path / "pytorch_model.bin").write_bytes(packed)
    # As transformers reads it.
    assert not torch.equal(torch.load(path, weights_only=True, mmap=True)["a"], numbers)
    refused = problem(packed)
    assert refused.status is Status.LOAD_FAILED
    assert "packed" in refused.reason


def test_checksums_may_be_left_out() -> None:
    torch.serialization.set_crc32_options(False)
    try:
        content = torch_saved(STATE)
    finally:
        torch.serialization.set_crc32_options(True)
    with pytest.raises(zipfile.BadZipFile):
        members(content)
    assert torch.load(io.BytesIO(content), weights_only=True).keys() == STATE.keys()
    assert len(opened(content).tensors) == 3


def test_only_directory_and_pickle_of_a_large_file_are_read() -> None:
    reads = Reads(torch_saved({"a": torch.zeros(1_000_000), "classifier.bias": torch.ones(2)}))
    file = TorchFile(reads.file(budget=120_000), "it", read_in_process)
    assert file.read("classifier.bias") is not None
    assert reads.bytes_read < 120_000 < len(reads.content)


def test_the_format_before_version_1_6_needs_the_load_check() -> None:
    old = problem(torch_saved(STATE, _use_new_zipfile_serialization=False))
    assert old.status is None
    assert "load check" in old.reason


def test_weights_that_would_run_code_are_unsafe_and_leave_no_trace(tmp_path: Path) -> None:
    hostile = {"classifier.weight": torch.zeros(2), "x": Runs(tmp_path / "mark")}
    archives = [torch_saved(hostile), torch_saved(hostile, _use_new_zipfile_serialization=False)]
    for content in (*archives, pickle.dumps(hostile["x"]), pickle.dumps(hostile["x"], protocol=0)):
        unsafe = problem(content)
        assert (unsafe.status, unsafe.unsafe_globals) == (Status.UNSAFE_WEIGHTS, ("posix.system",))
    assert not (tmp_path / "mark").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_program_of_torchscript_is_unsafe() -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    assert problem(file.getvalue()).status is Status.UNSAFE_WEIGHTS


DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 378000000\n",
    "no pickle": repacked({"archive/version": b"3"}),
    "no members": b"PK\x03\x04" + repacked({}),
    "no table": torch_saved([torch.zeros(1)]),
    "missing numbers": repacked({name: text for name, text in MEMBERS.items() if "data/0" not in name}),
    "too few numbers": repacked(MEMBERS | {"archive/data/0": b"\0" * 8}),
    "packed as torch cannot": repacked(MEMBERS, zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_means_that_the_load_would_fail(name: str) -> None:
    assert problem(DAMAGED[name]).status is Status.LOAD_FAILED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(SAVED), "compressed with gzip"),
        (b"weights.bin".ljust(257, b"\0") + b"ustar\0" + b"x" * 500, "a tar archive"),
        (b"\n<!DOCTYPE html><html>no such page</html>", "a web page"),
        (b'{"error": "no such file"}', "a text in JSON"),
        (b"\x89HDF\r\n\x1a\n" + b"x" * 50, "HDF5"),
        (b"\x93NUMPY\x01\0" + b"x" * 50, "an array of numpy"),
        (bytes(5000), "nothing but zeros"),
        (b"\x02\0\0\0\0\0\0\0{}", "a safetensors file under another name"),
        (b"hello, this is no checkpoint", "no file that torch.save writes"),
        (pickle.dumps({"classifier.weight": 1}, 2), "no file that torch.save writes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_file_under_the_name_of_weights_is_named_for_what_it_is(content: bytes, words: str) -> None:
    damaged = problem(content)
    assert damaged.status is Status.LOAD_FAILED
    assert words in damaged.reason


def test_a_member_named_twice_is_left_to_the_load_check() -> None:
    file = io.BytesIO(SAVED)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("archive/data.pkl", MEMBERS["archive/data.pkl"])
    assert problem(file.getvalue()).status is None


def test_a_pickle_that_a_worker_could_not_read_needs_the_load_check() -> None:
    def killed(*_content: object, **_options: object) -> None:
        return None

    with pytest.raises(ListingProblem, match="limits of an inspection: that needs the load check") as caught:
        TorchFile(ranged(SAVED), "pytorch_model.bin", killed)
    assert caught.value.status is None


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = repacked(MEMBERS | {"archive/data.pkl": b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED)
    assert problem(bomb).status is None
    # The same, with a directory that lies about the size.
    lying = bomb.replace((50_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert problem(lying).status is Status.LOAD_FAILED


def test_a_directory_beyond_the_budget_is_not_read() -> None:
    many = repacked({f"archive/data/{number}": b"" for number in range(8000)})
    with pytest.raises(TooMuchToReadError):
        TorchFile(ranged(many, budget=300_000), "it", read_in_process)


def test_a_directory_of_a_claimed_gigabyte_takes_no_memory() -> None:
    content = bytearray(SAVED + b"\0" * 500_000)
    end = b"PK\x05\x06" + bytes(4) + b"\x01\0\x01\0" + (400_000).to_bytes(4, "little") + (1000).to_bytes(4, "little")
    with pytest.raises((TooMuchToReadError, ListingProblem)):
        TorchFile(ranged(bytes(content) + end + b"\0\0", budget=300_000), "it", read_in_process)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_file_cut_off_or_changed_anywhere_never_ends_in_a_traceback() -> None:
    randomly = random.Random(3)  # noqa: S311 - repeatable, guards no secret
    for length in range(0, len(SAVED), 7):
        with pytest.raises(ListingProblem):
            opened(SAVED[:length])
    for _ in range(2000):
        changed = bytearray(SAVED)
        for _ in range(randomly.randrange(1, 4)):
            position = randomly.choice((randomly.randrange(len(SAVED)), len(SAVED) - 1 - randomly.randrange(400)))
            changed[position] = randomly.randrange(256)
        with contextlib.suppress(ListingProblem, TooMuchToReadError):
            file = opened(bytes(changed))
            for tensor in file.tensors:
                file.read(tensor.name)
