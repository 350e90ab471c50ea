"""Skeletons: names and shapes of what a configuration stands for, without weights and without harm."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForAudioClassification

from benchmark.models.head_rules import Part, Skeleton
from benchmark.models.skeleton import build_skeleton
from benchmark.workers.answers import Answer, OutOfMemory, Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker
from tests.support.tiny_models import EMOTIONS, MODEL_TYPES

GIGABYTE = 1_000_000_000
NAMES = ["classifier.dense.bias", "$array"]  # of a checkpoint's tensors
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
LARGE_WHISPER = {"d_model": 1280, "encoder_layers": 32, "encoder_attention_heads": 20}


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    log = tmp_path_factory.mktemp("logs") / "skeleton.log"
    with Worker(
        "benchmark.verification.actors:InspectionActor", log=log, limits=Limits(memory_bytes=GIGABYTE)
    ) as worker:
        yield worker


def build(worker: Worker, config: dict[str, Any]) -> Answer:
    return worker.call("build", config, NAMES, timeout_s=60)


def config_of(folder: Path, **changes: Any) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config | changes


@pytest.mark.parametrize(
    ("model_type", "weighted"), [*((name, False) for name in MODEL_TYPES), ("wav2vec2", True), ("whisper", True)]
)
def test_a_skeleton_has_the_names_and_shapes_of_the_real_model(
    worker: Worker, tiny: dict[str, Path], model_type: str, weighted: bool
) -> None:
    changes = {"use_weighted_layer_sum": True} if weighted else {}
    answer = build(worker, config_of(tiny[model_type], **changes))
    assert isinstance(answer, Returned), answer
    skeleton = Skeleton.from_plain(answer.value)
    assert skeleton == build_skeleton(config_of(tiny[model_type], **changes), NAMES)
    real = AutoModelForAudioClassification.from_pretrained(tiny[model_type], **changes)
    assert skeleton.shapes == {name: tuple(tensor.shape) for name, tensor in real.state_dict().items()}
    assert (skeleton.parameters, skeleton.labels) == (real.num_parameters(), EMOTIONS)
    parts = {name: skeleton.part(name) for name in skeleton.shapes}
    assert (parts.get("layer_weights") is Part.LAYER_WEIGHTS) == weighted
    head = {name for name, part in parts.items() if part is Part.HEAD}
    assert head == {name for name in parts if name.startswith(("classifier.", "projector."))}
    assert Part.ENCODER in parts.values()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model_type": None}, "the model type None has no audio classifier in transformers"),
        ({"model_type": "bert"}, "'bert' has no audio classifier"),
        ({"model_type": ["hubert"]}, "has no audio classifier"),
        ({"hidden_size": "large"}, "hidden_size"),
        ({"hidden_size": 17}, "divisible"),
        ({"num_hidden_layers": 100_000}, "claims 100000 layers"),
        ({"num_labels": 10**9, "id2label": None}, "claims 1000000000 labels"),
        ({"add_adapter": True}, "adapters"),
    ],
)
def test_a_configuration_that_is_not_valid_is_an_answer_with_its_reason(
    worker: Worker, tiny: dict[str, Path], changes: dict[str, Any], complaint: str
) -> None:
    config = {name: value for name, value in config_of(tiny["wav2vec2"], **changes).items() if value is not None}
    answer = build(worker, config)
    assert isinstance(answer, Raised), answer
    assert complaint in answer.message


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 300_000_000, "num_attention_heads": 2},
        {"hidden_size": 300_000_000, "num_hidden_layers": 0},
        {"hidden_size": 16_000, "num_hidden_layers": 1_000},
        {"classifier_proj_size": 10**12},
        {"conv_dim": [10**6] * 7},
    ],
)
def test_a_configuration_that_asks_for_terabytes_is_out_of_memory_and_the_worker_lives(
    worker: Worker, tiny: dict[str, Path], changes: dict[str, Any]
) -> None:
    begin = time.monotonic()
    answer = build(worker, config_of(tiny["hubert"], **changes))
    assert isinstance(answer, OutOfMemory), answer
    assert (answer.requested_bytes or 0) > 10**12
    assert time.monotonic() - begin < 10
    assert isinstance(build(worker, config_of(tiny["hubert"])), Returned)


def test_nothing_that_a_configuration_points_to_is_executed(tiny: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'trace')!r})\n", encoding="utf-8")
    for target in ("evil.Model", f"{tmp_path}--evil.Model", 7, None):
        auto_map = {"AutoConfig": target, "AutoModelForAudioClassification": target}
        config = config_of(tiny["hubert"], auto_map=auto_map, _name_or_path=str(tmp_path))
        assert build_skeleton(config).encoder == "hubert."
    assert build_skeleton(config_of(tiny["hubert"], auto_map=3, attn_implementation="someone/kernel")).labels
    assert not (tmp_path / "trace").exists()


def test_large_skeletons_of_all_types_take_seconds(worker: Worker) -> None:
    begin = time.monotonic()
    for model_type in MODEL_TYPES:
        answer = build(worker, {"model_type": model_type, **(LARGE_WHISPER if model_type == "whisper" else LARGE)})
        assert isinstance(answer, Returned), answer
    # 1.2 s on an idle machine, imports included; others may be at work here.
    assert time.monotonic() - begin < 20
