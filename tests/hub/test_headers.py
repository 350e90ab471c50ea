import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from benchmark.hub.client import Hub
from benchmark.hub.headers import decode
from benchmark.hub.local import local_facts
from benchmark.hub.repository_facts import RepoFacts
from benchmark.hub.tensor_listing import TensorListing
from benchmark.results.status import Status
from tests.hub.conftest import ID, Publish, facts_of, failure, problem_of, read_in_process, success, torch_saved
from tests.support.hub_server import Fault, HubServer, closed_port

INDEX = "model.safetensors.index.json"
BIN_INDEX = "pytorch_model.bin.index.json"


def listed(hub: Hub, facts: RepoFacts | None = None) -> TensorListing:
    return success(hub.tensors(facts or facts_of(hub), read_in_process))


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


def shards_of(tensors: Mapping[str, torch.Tensor], count: int, ending: str) -> dict[str, Any]:
    names = sorted(tensors)
    places = {name: f"part-{place % count + 1}-of-{count}.{ending}" for place, name in enumerate(names)}
    files: dict[str, Any] = {}
    for shard in sorted(set(places.values())):
        held = {name: tensors[name] for name in names if places[name] == shard}
        files[shard] = save(held) if ending == "safetensors" else torch_saved(held)
    entry = INDEX if ending == "safetensors" else BIN_INDEX
    return {"model.safetensors": None, entry: {"metadata": {"total_size": 1}, "weight_map": places}, **files}


def as_files(tensors: Mapping[str, torch.Tensor], kind: str) -> dict[str, Any]:
    match kind:
        case "safetensors":
            return {"model.safetensors": save(dict(tensors))}
        case "bin":
            return {"model.safetensors": None, "pytorch_model.bin": torch_saved(dict(tensors))}
        case "sharded safetensors":
            return shards_of(tensors, 3, "safetensors")
    return shards_of(tensors, 3, "bin")


KINDS = ["safetensors", "bin", "sharded safetensors", "sharded bin"]


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_and_biases_are_those_of_the_checkpoint(hub: Hub, publish: Publish, kind: str) -> None:
    tensors = checkpoint(2) | {"classifier.weight": torch.zeros(5, 64, dtype=torch.float16)}
    files = as_files(tensors, kind)
    publish(**files)
    listing = listed(hub)
    shapes = {name: (tensor.shape, f"torch.{tensor.dtype}") for name, tensor in listing.tensors.items()}
    assert shapes == {name: (tuple(value.shape), str(value.dtype)) for name, value in tensors.items()}
    assert listing.values == {name: tuple(tensors[name].tolist()) for name in ("projector.bias", "classifier.bias")}
    assert listing.problem is None
    weights = [name for name in files if name.startswith(("model.s", "pytorch_model.bin", "part"))]
    assert listing.size == sum(len(files[name]) for name in weights if isinstance(files[name], bytes))


@pytest.mark.parametrize("kind", KINDS)
def test_an_inspection_moves_few_bytes_and_reads_no_weights_whole(
    server: HubServer, hub: Hub, publish: Publish, kind: str
) -> None:
    files = as_files(checkpoint(48), kind)
    publish(**files, **{"config.json": {"model_type": "wav2vec2", "id2label": dict.fromkeys(range(527), "x" * 20)}})
    assert listed(hub).tensors
    shards = sum(isinstance(content, bytes) for content in files.values())
    assert sum(len(content) for content in files.values() if isinstance(content, bytes)) > 1_500_000
    assert server.bytes_sent[ID] <= 300_000 + 100_000 * (shards - 1)


@pytest.mark.parametrize("kind", ["safetensors", "sharded bin"])
def test_what_would_take_more_bytes_is_left_to_the_load_check(
    server: HubServer, hub: Hub, publish: Publish, kind: str
) -> None:
    tensors = {f"{'layer.' * 30}{number}": torch.zeros(1) for number in range(9_000)}
    publish(**as_files(tensors, kind))
    problem = problem_of(listed(hub))
    assert problem.status is None
    assert "load check" in problem.reason
    # The index of shards is a document, and read whole.
    assert server.bytes_sent[ID] <= (3_000_000 if "sharded" in kind else 300_000)


def test_of_two_formats_only_the_one_that_a_load_reads_is_opened(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish(**{"model.safetensors": save({"a": torch.zeros(1)}), "pytorch_model.bin": b"cos\nsystem\n."})
    assert listed(hub).tensors
    assert not any(".bin" in request for request in server.requests)


def test_of_two_shards_with_the_same_tensor_the_later_one_counts(hub: Hub, publish: Publish) -> None:
    files: dict[str, Any] = {"a.safetensors": save({"x": torch.zeros(1)}), "b.safetensors": save({"x": torch.zeros(2)})}
    index = {"metadata": {}, "weight_map": {"x": "b.safetensors", "y": "a.safetensors"}}
    publish(**{"model.safetensors": None, INDEX: index, **files})
    assert listed(hub).tensors["x"].shape == (2,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight_map": {"a": "../../../../etc/passwd"}}, "no file of the repository"),
        ({"weight_map": {"a": "/etc/passwd"}}, "no file of the repository"),
        ({"weight_map": {"a": "part-9-of-3.bin"}}, "missing"),
        ({"weight_map": []}, "weight_map"),
        (b"{", "not JSON"),
        (b" " * 5_000_000, "5.0 MB"),
    ],
)
def test_a_bad_index_means_that_the_load_would_fail(
    hub: Hub, publish: Publish, server: HubServer, change: Any, words: str
) -> None:
    publish(**shards_of(checkpoint(1), 3, "bin") | {BIN_INDEX: change})
    problem = problem_of(listed(hub))
    assert problem.status is Status.LOAD_FAILED
    assert words in problem.reason
    assert server.bytes_sent[ID] < 50_000


def test_a_repository_with_pickles_of_other_programs_only_is_unsafe(hub: Hub, publish: Publish) -> None:
    publish(**{"model.safetensors": None, "model.pt": b"x"})
    assert problem_of(listed(hub)).status is Status.UNSAFE_WEIGHTS


def test_an_index_in_the_configuration_is_followed(hub: Hub, publish: Publish) -> None:
    files = shards_of(checkpoint(1), 2, "safetensors")
    files["my.safetensors.index.json"] = files.pop(INDEX)
    publish(**files, **{"config.json": {"transformers_weights": "my.safetensors.index.json"}})
    assert len(listed(hub).tensors) == 20


@pytest.mark.parametrize("kind", ["safetensors", "sharded bin"])
def test_a_local_folder_has_the_same_tensors(hub: Hub, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    tensors = checkpoint(1)
    for name, content in {"config.json": {}, **as_files(tensors, kind)}.items():
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    listing = listed(hub, success(local_facts("./model", folder)))
    assert listing.tensors.keys() == tensors.keys()
    assert listing.values.keys() == {"projector.bias", "classifier.bias"}


@pytest.mark.parametrize("kind", ["bin", "sharded safetensors"])
def test_offline_the_cache_is_read_and_what_it_lacks_says_nothing(
    server: HubServer, hub: Hub, publish: Publish, tmp_path: Path, kind: str
) -> None:
    publish(**as_files(checkpoint(1), kind))
    facts = facts_of(hub)
    offline = Hub(offline=True, endpoint=closed_port(), cache=tmp_path / "hf")
    assert failure(offline.tensors(facts_of(offline), read_in_process)).status is Status.UNREACHABLE
    success(hub.download(facts))
    assert len(listed(offline).tensors) == 20
    requests = len(server.requests)
    assert listed(hub, facts).tensors
    assert not any(request.startswith("GET") for request in server.requests[requests:])


def test_a_file_cut_off_in_the_cache_is_not_taken_for_the_whole(hub: Hub, publish: Publish) -> None:
    publish(**as_files(checkpoint(1), "safetensors"))
    facts = facts_of(hub)
    (success(hub.download(facts)) / "model.safetensors").resolve().write_bytes(b"cut")
    assert listed(hub, facts).tensors


def test_a_list_of_files_without_sizes_is_no_obstacle(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish(**as_files(checkpoint(2), "bin"))
    names = ("config.json", "pytorch_model.bin")
    server.repositories[ID].info["siblings"] = [{"rfilename": name} for name in names]
    listing = listed(hub)
    assert listing.tensors
    assert listing.size is None


def test_gated_weights_are_gated(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish(**as_files(checkpoint(1), "sharded bin"))
    facts = facts_of(hub)
    server.break_(ID, Fault(403, headers={"X-Error-Code": "GatedRepo"}))
    assert failure(hub.tensors(facts, read_in_process)).status is Status.GATED


def test_checkpoints_of_others_are_listed_as_their_library_lists_them(shared: Path) -> None:
    hub, folders = Hub(offline=True), [path.parent for path in (shared / "models").glob("*/model.safetensors")]
    assert folders
    for folder in folders:
        facts = success(local_facts(folder.name, folder))
        with safe_open(folder / "model.safetensors", "pt") as file:
            expected = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
        assert {name: tensor.shape for name, tensor in listed(hub, facts).tensors.items()} == expected


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_numbers_are_those_that_torch_reads(name: str) -> None:
    numbers = torch.tensor([0.0, -0.0, 1.5, -2.25, 1e-7, float("inf")], dtype=getattr(torch, name))
    content = numbers.view(torch.uint8).numpy().tobytes()
    assert decode(content, name) == tuple(numbers.double().tolist())
