from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from benchmark.hub.client import Hub
from benchmark.hub.headers import decode
from benchmark.hub.local import local_facts
from benchmark.results.status import Status
from tests.hub.conftest import (
    ID,
    WEIGHTS,
    ServedHub,
    failure,
    problem_of,
    read_in_process,
    success,
    torch_saved,
    write_files,
)

INDEX = "model.safetensors.index.json"
BIN_INDEX = "pytorch_model.bin.index.json"
KINDS = ["safetensors", "bin", "sharded safetensors", "sharded bin"]
PARTS = (
    *("attention.k_proj", "attention.v_proj", "attention.q_proj", "attention.out_proj", "layer_norm"),
    *("feed_forward.intermediate_dense", "feed_forward.output_dense", "final_layer_norm"),
)


def checkpoint(layers: int = 12, width: int = 64) -> dict[str, torch.Tensor]:
    """As many tensors as a wav2vec2 of so many layers has, with names as long."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        f"wav2vec2.encoder.layers.{layer}.{part}.{kind}": torch.zeros((width, width) if kind == "weight" else (width,))
        for layer in range(layers)
        for part in PARTS
        for kind in ("weight", "bias")
    }
    for name, rows in (("projector", 8), ("classifier", 5)):
        tensors[f"{name}.weight"] = torch.zeros(rows, width)
        tensors[f"{name}.bias"] = torch.rand(rows, generator=generator)
    return tensors


def as_files(tensors: Mapping[str, torch.Tensor], kind: str) -> dict[str, Any]:
    """The weight files of a repository, in the place of its usual one."""
    as_bin = kind.endswith("bin")
    write: Callable[[dict[str, torch.Tensor]], bytes] = torch_saved if as_bin else save
    if not kind.startswith("sharded"):
        return {WEIGHTS: None} | {"pytorch_model.bin" if as_bin else WEIGHTS: write(dict(tensors))}
    ending = "bin" if as_bin else "safetensors"
    shards = {name: f"part-{number % 3 + 1}-of-3.{ending}" for number, name in enumerate(sorted(tensors))}
    files = {
        shard: write({name: tensors[name] for name in shards if shards[name] == shard})
        for shard in sorted(set(shards.values()))
    }
    index = {"metadata": {"total_size": 1}, "weight_map": shards}
    return {WEIGHTS: None, BIN_INDEX if as_bin else INDEX: index, **files}


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_and_biases_are_those_of_the_checkpoint(hub: ServedHub, kind: str) -> None:
    tensors = checkpoint(2) | {"classifier.weight": torch.zeros(5, 64, dtype=torch.float16)}
    files = as_files(tensors, kind)
    hub.publish(**files)
    listing = hub.tensors()
    shapes = {name: (tensor.shape, f"torch.{tensor.dtype}") for name, tensor in listing.tensors.items()}
    assert shapes == {name: (tuple(value.shape), str(value.dtype)) for name, value in tensors.items()}
    assert listing.values == {name: tuple(tensors[name].tolist()) for name in ("projector.bias", "classifier.bias")}
    assert listing.problem is None
    assert listing.size == sum(len(content) for content in files.values() if isinstance(content, bytes))


@pytest.mark.parametrize("kind", KINDS)
def test_an_inspection_moves_few_bytes_and_reads_no_weights_whole(hub: ServedHub, kind: str) -> None:
    files = as_files(checkpoint(48), kind)
    hub.publish(**files, **{"config.json": {"model_type": "wav2vec2", "id2label": dict.fromkeys(range(527), "x" * 20)}})
    assert hub.tensors().tensors
    sizes = [len(content) for content in files.values() if isinstance(content, bytes)]
    assert sum(sizes) > 1_500_000
    assert hub.bytes_sent <= 300_000 + 100_000 * (len(sizes) - 1)


@pytest.mark.parametrize("kind", ["safetensors", "sharded bin"])
def test_what_would_take_more_bytes_is_left_to_the_load_check(hub: ServedHub, kind: str) -> None:
    hub.publish(**as_files({f"{'layer.' * 30}{number}": torch.zeros(1) for number in range(9_000)}, kind))
    problem = problem_of(hub.tensors())
    assert problem.status is None
    assert "load check" in problem.reason
    # The index of shards is a document, and read whole.
    assert hub.bytes_sent <= (3_000_000 if "sharded" in kind else 300_000)


def test_of_two_formats_only_the_one_that_a_load_reads_is_opened(hub: ServedHub) -> None:
    hub.publish(**{WEIGHTS: save({"a": torch.zeros(1)}), "pytorch_model.bin": b"cos\nsystem\n."})
    assert hub.tensors().tensors
    assert not any(".bin" in request for request in hub.server.requests)


def test_of_two_shards_with_the_same_tensor_the_later_one_counts(hub: ServedHub) -> None:
    files = {f"{name}.safetensors": save({"x": torch.zeros(size)}) for name, size in (("a", 1), ("b", 2))}
    index = {"metadata": {}, "weight_map": {"x": "b.safetensors", "y": "a.safetensors"}}
    hub.publish(**{WEIGHTS: None, INDEX: index, **files})
    assert hub.tensors().tensors["x"].shape == (2,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight_map": {"a": "../../../../etc/passwd"}}, "no file of the repository"),
        ({"weight_map": {"a": "part-9-of-3.bin"}}, "missing"),
        (b"{", "not JSON"),
        (b" " * 5_000_000, "5.0 MB"),
    ],
)
def test_a_bad_index_means_that_the_load_would_fail(hub: ServedHub, change: Any, words: str) -> None:
    hub.publish(**as_files(checkpoint(1), "sharded bin") | {BIN_INDEX: change})
    problem = problem_of(hub.tensors())
    assert problem.status is Status.LOAD_FAILED
    assert words in problem.reason
    assert hub.bytes_sent < 50_000


def test_a_repository_with_pickles_of_other_programs_only_is_unsafe(hub: ServedHub) -> None:
    hub.publish(**{WEIGHTS: None, "model.pt": b"x"})
    assert problem_of(hub.tensors()).status is Status.UNSAFE_WEIGHTS


def test_an_index_in_the_configuration_is_followed(hub: ServedHub) -> None:
    files = as_files(checkpoint(1), "sharded safetensors")
    files["my.safetensors.index.json"] = files.pop(INDEX)
    hub.publish(**files, **{"config.json": {"transformers_weights": "my.safetensors.index.json"}})
    assert len(hub.tensors().tensors) == 20


@pytest.mark.parametrize("kind", ["safetensors", "sharded bin"])
def test_a_local_folder_has_the_same_tensors(hub: ServedHub, tmp_path: Path, kind: str) -> None:
    tensors = checkpoint(1)
    folder = write_files(tmp_path / "model", {"config.json": {}, **as_files(tensors, kind)})
    listing = hub.tensors(success(local_facts("./model", folder)))
    assert listing.tensors.keys() == tensors.keys()
    assert listing.values.keys() == {"projector.bias", "classifier.bias"}


@pytest.mark.parametrize("kind", ["bin", "sharded safetensors"])
def test_offline_the_cache_is_read_and_what_it_lacks_says_nothing(hub: ServedHub, kind: str) -> None:
    hub.publish(**as_files(checkpoint(1), kind))
    facts, offline = hub.facts(), hub.offline_client()
    lacking = failure(offline.tensors(success(offline.facts(ID)), read_in_process))
    assert lacking.status is Status.UNREACHABLE
    hub.download(facts)
    assert len(success(offline.tensors(success(offline.facts(ID)), read_in_process)).tensors) == 20
    requests = len(hub.server.requests)
    assert hub.tensors(facts).tensors
    assert not any(request.startswith("GET") for request in hub.server.requests[requests:])


def test_a_file_cut_off_in_the_cache_is_not_taken_for_the_whole(hub: ServedHub) -> None:
    hub.publish(**as_files(checkpoint(1), "safetensors"))
    facts = hub.facts()
    (hub.download(facts) / WEIGHTS).resolve().write_bytes(b"cut")
    assert hub.tensors(facts).tensors


def test_a_list_of_files_without_sizes_is_no_obstacle(hub: ServedHub) -> None:
    hub.publish(**as_files(checkpoint(2), "bin"))
    names = ("config.json", "pytorch_model.bin")
    hub.server.repositories[ID].info["siblings"] = [{"rfilename": name} for name in names]
    listing = hub.tensors()
    assert listing.tensors
    assert listing.size is None


def test_gated_weights_are_gated(hub: ServedHub) -> None:
    hub.publish(**as_files(checkpoint(1), "sharded bin"))
    facts = hub.facts()
    hub.break_(403, headers={"X-Error-Code": "GatedRepo"})
    assert failure(hub.client.tensors(facts, read_in_process)).status is Status.GATED


def test_checkpoints_of_others_are_listed_as_their_library_lists_them(shared: Path) -> None:
    client, folders = Hub(offline=True), [path.parent for path in (shared / "models").glob("*/model.safetensors")]
    assert folders
    for folder in folders:
        listing = success(client.tensors(success(local_facts(folder.name, folder)), read_in_process))
        with safe_open(folder / WEIGHTS, "pt") as file:
            expected = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
        assert {name: tensor.shape for name, tensor in listing.tensors.items()} == expected


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_numbers_are_those_that_torch_reads(name: str) -> None:
    numbers = torch.tensor([0.0, -0.0, 1.5, -2.25, 1e-7, float("inf")], dtype=getattr(torch, name))
    content = numbers.view(torch.uint8).numpy().tobytes()
    assert decode(content, name) == tuple(numbers.double().tolist())
