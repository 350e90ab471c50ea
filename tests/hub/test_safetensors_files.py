import json
import random
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import load, save

from benchmark.hub.ranged import TooMuchToReadError
from benchmark.hub.safetensors_files import SafetensorsFile
from benchmark.hub.tensor_listing import ListingProblem
from benchmark.results.status import Status
from tests.hub.conftest import ranged

TENSORS: dict[str, Any] = {
    "classifier.bias": np.zeros(3, np.float32),
    "classifier.weight": np.ones((3, 4), np.float16),
    "steps": np.array(7, np.int64),
}


def opened(content: bytes) -> SafetensorsFile:
    return SafetensorsFile(ranged(content), "model.safetensors")


def written(header: Any, numbers: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def tensor(*shape: int, dtype: str = "F32", at: tuple[int, int] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(at or (0, 4 * int(np.prod(shape))))}


def library_takes(content: bytes) -> bool:
    try:
        load(content)
    except (SafetensorError, KeyError):
        return False
    return True


def takes(content: bytes) -> bool:
    try:
        opened(content)
    except ListingProblem as problem:
        assert problem.status is Status.LOAD_FAILED, problem.reason
        return False
    return True


def test_names_shapes_types_and_numbers_are_those_that_the_library_reads() -> None:
    file = opened(save(TENSORS, {"format": "pt"}))
    listed = {tensor.name: (tensor.shape, tensor.dtype) for tensor in file.tensors}
    assert listed == {name: (value.shape, str(value.dtype)) for name, value in TENSORS.items()}
    for name, value in TENSORS.items():
        assert file.read(name) == value.tobytes()


def test_a_file_cut_off_anywhere_is_damaged_and_nothing_worse() -> None:
    whole = save(TENSORS)
    assert takes(whole)
    assert not any(takes(whole[:length]) for length in range(len(whole)))


def test_a_file_with_any_byte_changed_is_taken_or_refused_as_the_library_does() -> None:
    whole = save(TENSORS)
    header = 8 + int.from_bytes(whole[:8], "little")
    randomly = random.Random(0)  # noqa: S311 - repeatable, guards no secret
    for position in range(header):
        changed = whole[:position] + bytes([randomly.randrange(256)]) + whole[position + 1 :]
        try:
            ours = takes(changed)
        except AssertionError:
            continue  # A type that we do not know needs a load.
        assert ours == library_takes(changed), changed[:header]


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "a length beyond the file": (10_000).to_bytes(8, "little") + b"{}",
    "a length beyond all bounds": b"\xff" * 8 + b"{}" * 100,
    "no JSON": written(b"\x80\x81"),
    "an array": written([1, 2]),
    "a thousand arrays in each other": written(b"[" * 60_000),
    "a name given twice": written(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}', b"\0" * 4),
    "overlapping tensors": written({"a": tensor(2), "b": tensor(2, at=(4, 12))}, b"\0" * 12),
    "the same bytes for two": written({"a": tensor(2), "b": tensor(2)}, b"\0" * 8),
    "a hole": written({"a": tensor(1), "b": tensor(1, at=(8, 12))}, b"\0" * 12),
    "bytes left over": written({"a": tensor(1)}, b"\0" * 5),
    "offsets in the wrong order": written({"a": tensor(1, at=(4, 0))}, b"\0" * 4),
    "a negative size": written({"a": tensor(-1)}, b""),
    "sizes that overflow": written({"a": tensor(2**40, 2**40, at=(0, 4))}, b"\0" * 4),
    "sizes that overflow before a zero": written({"a": tensor(2**62, 2**62, 0, at=(0, 0))}),
    "a size that is no number": written({"a": {"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}}, b"\0" * 4),
    "a size that is true": written({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"\0" * 4),
    "thousands of dimensions": written({"a": tensor(*[1] * 15_000, at=(0, 4))}, b"\0" * 4),
    "three offsets": written({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}, b"\0" * 4),
    "no fields": written({"a": {}}),
    "metadata that is no table": written({"__metadata__": [1], "a": tensor(1)}, b"\0" * 4),
    "a digit too many": written(
        b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,4]}}', b"\0" * 4
    ),
    "a file of torch": b"PK\x03\x04" + b"x" * 100,
    "a web page": b"<html><body>no such page</body></html>",
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 378000000\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_means_that_the_load_would_fail_as_it_does_in_the_library(name: str) -> None:
    with pytest.raises(ListingProblem, match=r"model\.safetensors") as caught:
        opened(HOSTILE[name])
    assert caught.value.status is Status.LOAD_FAILED
    assert name == "thousands of dimensions" or not library_takes(HOSTILE[name])


def test_a_type_that_is_new_needs_the_load_check() -> None:
    with pytest.raises(ListingProblem, match="load check") as caught:
        opened(written({"a": tensor(1, dtype="F99", at=(0, 4))}, b"\0" * 4))
    assert caught.value.status is None


def test_a_header_beyond_the_budget_is_not_read() -> None:
    big = written(b" " * 900_000)
    with pytest.raises(TooMuchToReadError):
        SafetensorsFile(ranged(big, budget=300_000), "model.safetensors")


def test_a_tensor_without_elements_is_listed() -> None:
    assert opened(written({"a": tensor(0, 3, at=(0, 0))})).tensors[0].shape == (0, 3)
