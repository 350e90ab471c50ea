from typing import Any

import pytest

from benchmark.hub.documents import ABSENT, Document
from benchmark.hub.facts import RepoFile
from benchmark.hub.tensor_listing import ListingProblem
from benchmark.hub.weights import absent_weights, check_presence, shard_names
from benchmark.results.status import Status


@pytest.mark.parametrize(
    ("names", "status", "said"),
    [
        (["model.pt"], Status.UNSAFE_WEIGHTS, "model.pt"),
        (["a.pth", "b.ckpt", "c.pkl", "d.joblib"], Status.UNSAFE_WEIGHTS, "and 1 more"),
        (["weights.bin"], Status.UNSAFE_WEIGHTS, "weights.bin"),
        (["tf_model.h5"], Status.LOAD_FAILED, "TensorFlow only"),
        (["flax_model.msgpack"], Status.LOAD_FAILED, "Flax only"),
        (["onnx/model.onnx"], Status.LOAD_FAILED, "ONNX only"),
        (["tf_model.h5", "model.pt"], Status.LOAD_FAILED, "TensorFlow"),
        (["checkpoint-10/model.safetensors"], Status.LOAD_FAILED, "checkpoint-10/model.safetensors"),
        (["adapter_model.safetensors", "model.pt"], Status.LOAD_FAILED, "an adapter only (adapter_model.safetensors)"),
        (["adapter_model.bin"], Status.LOAD_FAILED, "an adapter only"),
        (
            ["training_args.bin", "optimizer.pt", "rng_state_0.pth", "README.md"],
            Status.LOAD_FAILED,
            "no weights at all",
        ),
        ([], Status.LOAD_FAILED, "no weights at all"),
    ],
)
def test_what_is_there_instead_is_told(names: list[str], status: Status, said: str) -> None:
    found = absent_weights([RepoFile(name, 1) for name in names])
    assert found.status is status
    assert said in found.reason


NO_TABLES: tuple[Any, ...] = (None, [], {}, "x", {"a": 1}, {"a": None}, {"a": "x", "b": []})


@pytest.mark.parametrize(
    "index",
    [
        ABSENT,
        Document(problem="it is not JSON"),
        *(Document({"weight_map": value}) for value in NO_TABLES),
    ],
)
def test_what_is_no_index_means_that_the_load_would_fail(index: Document) -> None:
    with pytest.raises(ListingProblem) as caught:
        shard_names(index, "index.json")
    assert caught.value.status is Status.LOAD_FAILED


@pytest.mark.parametrize(
    "name",
    [
        *("../x.bin", "a/../../x.bin", "/etc/passwd", "..", ".", "", "a//b", "..\\x.bin", "C:x.bin", "a\0b", "x" * 300),
        *("http://example.invalid/x.bin", "./x.bin", "a/"),
    ],
)
def test_an_index_cannot_reach_beyond_the_repository(name: str) -> None:
    with pytest.raises(ListingProblem) as caught:
        shard_names(Document({"weight_map": {"a": "ok.bin", "b": name}}), "index.json")
    assert caught.value.status is Status.LOAD_FAILED
    assert "no file of the repository" in caught.value.reason


def test_shards_in_a_folder_are_fine() -> None:
    content: dict[str, Any] = {"weight_map": {"a": "weights/2.bin", "b": "weights/1.bin"}}
    assert shard_names(Document(content), "index.json") == ("weights/1.bin", "weights/2.bin")


def test_missing_shards_are_counted_and_named() -> None:
    check_presence(["a", "b"], {"a": 1, "b": 2, "c": 3}, "index.json")
    with pytest.raises(ListingProblem, match=r"2 of the 3 shards that index\.json names are missing: b, c"):
        check_presence(["a", "b", "c"], ["a"], "index.json")
