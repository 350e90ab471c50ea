import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.hub.ranged import RepositoryFiles
from benchmark.hub.repository_facts import RepoFile
from benchmark.hub.tensor_listing import ListingProblem
from benchmark.hub.weights import WeightFiles, absent_weights, weight_parts
from benchmark.results.status import Status


@pytest.mark.parametrize(
    ("names", "status", "words"),
    [
        (["a.pth", "b.ckpt", "c.pkl", "d.joblib"], Status.UNSAFE_WEIGHTS, "and 1 more"),
        (["weights.bin"], Status.UNSAFE_WEIGHTS, "weights.bin"),
        (["tf_model.h5"], Status.LOAD_FAILED, "TensorFlow only"),
        (["flax_model.msgpack"], Status.LOAD_FAILED, "Flax only"),
        (["onnx/model.onnx"], Status.LOAD_FAILED, "ONNX only"),
        (["tf_model.h5", "model.pt"], Status.LOAD_FAILED, "TensorFlow"),
        (["checkpoint-10/model.safetensors"], Status.LOAD_FAILED, "checkpoint-10/model.safetensors"),
        (["adapter_model.safetensors", "model.pt"], Status.LOAD_FAILED, "an adapter only (adapter_model.safetensors)"),
        (
            ["training_args.bin", "optimizer.pt", "rng_state_0.pth", "README.md"],
            Status.LOAD_FAILED,
            "no weights at all",
        ),
    ],
)
def test_what_is_there_instead_is_named(names: list[str], status: Status, words: str) -> None:
    problem = absent_weights([RepoFile(name, 1) for name in names])
    assert problem.status is status
    assert words in problem.reason


NO_TABLES: tuple[Any, ...] = (None, [], {}, "x", {"a": 1}, {"a": None}, {"a": "x", "b": []})
INDEX = "model.safetensors.index.json"


def parts(folder: Path, index: bytes | dict[str, Any]) -> list[str]:
    """The shards that an index names, of a folder that holds 1.bin and weights/2.bin."""
    (folder / "weights").mkdir()
    for name in ("1.bin", "weights/2.bin"):
        (folder / name).write_bytes(b"w")
    (folder / INDEX).write_bytes(index if isinstance(index, bytes) else json.dumps(index).encode())
    weights = WeightFiles("safetensors", RepoFile(INDEX, 100))
    return [file.name for file in weight_parts(weights, RepositoryFiles(folder))]


def test_shards_are_those_of_the_index_sorted_by_name(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "weights/2.bin", "b": "1.bin", "c": "weights/2.bin"}}
    assert parts(tmp_path, index) == ["1.bin", "weights/2.bin"]


OUTSIDE = (
    *("../x.bin", "a/../../x.bin", "/etc/passwd", "..", ".", "", "a//b", "..\\x.bin", "C:x.bin", "a\0b", "x" * 300),
    *("http://example.invalid/x.bin", "./x.bin", "a/"),
)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        *((index, "is no index of shards") for index in (b"{", b"{}", *({"weight_map": value} for value in NO_TABLES))),
        *(({"weight_map": {"a": "1.bin", "b": name}}, "no file of the repository") for name in OUTSIDE),
    ],
)
def test_a_bad_index_and_one_that_reaches_beyond_the_repository_mean_that_the_load_would_fail(
    tmp_path: Path, index: bytes | dict[str, Any], words: str
) -> None:
    with pytest.raises(ListingProblem, match=words) as caught:
        parts(tmp_path, index)
    assert caught.value.status is Status.LOAD_FAILED


def test_missing_shards_are_counted_and_named(tmp_path: Path) -> None:
    index = {"weight_map": {"x": "1.bin", "y": "b.bin", "z": "c.bin"}}
    with pytest.raises(ListingProblem, match=r"2 of the 3 shards that .*index\.json names are missing: b.bin, c.bin"):
        parts(tmp_path, index)
