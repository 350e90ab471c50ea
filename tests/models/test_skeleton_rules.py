"""Skeletons by rule are held to the models that are really built: field by field, and in random combinations."""

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from benchmark.models.skeleton import build_skeleton
from benchmark.models.skeleton_fields import FIELDS_FILE, INERT, plain_fields, written_types
from benchmark.models.skeleton_rules import skeleton_by_rule
from benchmark.results.environment import installed_version
from benchmark.verification.actors import check_config
from scripts.write_skeleton_fields import described
from tests.support.tiny_models import MODEL_TYPES

RANDOM_CONFIGS = 12
SHALLOW = {"whisper": {"encoder_layers": 2, "decoder_layers": 1}}
TEXTS = ("layer", "group", "gelu", "selu", "nope", "relative", "rotary", "relative_key", "none")
ODD_LABELS: tuple[dict[str, Any], ...] = (
    {"id2label": {"0": "a", "2": "b"}},
    {"id2label": {"00": "a", "1": "b"}},
    {"id2label": {"0": 1}},
    {"id2label": {}},
    {"id2label": {"0": "a"}, "num_labels": 2},
    {"id2label": {"0": "a", "1": "a"}, "label2id": {"a": 1}},
    {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}},
    {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": "0"}},
    {"num_labels": 7},
    {"num_labels": 0},
    {"num_labels": None},
    {"num_labels": 1, "problem_type": "single_label_classification"},
    {"problem_type": "multi_label_classification"},
    {"problem_type": "ranking"},
)


def shallow(model_type: str) -> dict[str, Any]:
    return {"model_type": model_type, **SHALLOW.get(model_type, {"num_hidden_layers": 2})}


def agree(config: dict[str, Any]) -> bool:
    """Hold a rule to the model that is built; False where there is no rule for the configuration."""
    ruled = skeleton_by_rule(json.loads(json.dumps(config)))
    if ruled is None:
        return False
    check_config(json.loads(json.dumps(config)))
    assert ruled == build_skeleton(json.loads(json.dumps(config))), config
    return True


def values_for(default: object) -> list[Any]:
    if isinstance(default, bool):
        return [True, False, None, 1]
    if isinstance(default, int):
        return [0, 1, 3, default + 1, 2 * default, -1, 10**7, float(default), None]
    if isinstance(default, float):
        return [0.0, 0, 0.5, 1.5, None, "0.1"]
    if isinstance(default, list):
        return [[3] * len(default), default[:-1], [], None, ["a"]]
    return [*TEXTS] if isinstance(default, str) else [None, 1, "float16", "int8", [1, 2], 768]


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_every_default_configuration_has_a_rule(model_type: str) -> None:
    assert agree({"model_type": model_type})


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_no_value_of_any_field_that_has_a_rule_is_told_otherwise_than_it_is_built(model_type: str) -> None:
    config = shallow(model_type)
    fields: Mapping[str, Mapping[str, Any]] = written_types()[model_type]["fields"]
    ruled = [agree({**config, name: value}) for name, field in fields.items() for value in values_for(field["default"])]
    assert 0.25 < sum(ruled) / len(ruled) < 1  # else nothing was compared, or nothing is left to transformers


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_combinations_of_fields_are_told_as_they_are_built(model_type: str) -> None:
    generator = random.Random(model_type)  # noqa: S311 - no secret
    ruled = [agree(random_config(model_type, generator)) for _ in range(RANDOM_CONFIGS)]
    assert sum(ruled) > RANDOM_CONFIGS // 4


def random_config(model_type: str, generator: random.Random) -> dict[str, Any]:
    layers = generator.randint(1, 5)
    config: dict[str, Any] = {"model_type": model_type}
    for name, field in written_types()[model_type]["fields"].items():
        default = field["default"]
        if isinstance(default, bool):
            config[name] = default if "adapter" in name else generator.random() < 0.5
        elif isinstance(default, float):
            config[name] = generator.choice([0.0, default, 0.3])
        elif name in ("hidden_size", "d_model"):
            config[name] = generator.choice([32, 64, 96])
        elif isinstance(default, int) and "heads" in name:
            config[name] = generator.choice([2, 4, 8])
        elif isinstance(default, int) and "layers" in name:
            config[name] = generator.randint(1, 4)
        elif isinstance(default, int):
            config[name] = generator.choice([default, default, max(1, default // 2), 8])
    if model_type not in ("whisper", "audio-spectrogram-transformer", "wav2vec2-bert"):
        config["feat_extract_norm"] = generator.choice(["group", "layer"])
        for name, most in (("conv_dim", 40), ("conv_kernel", 9), ("conv_stride", 4)):
            config[name] = [generator.randint(1, most) for _ in range(layers)]
    labels = {str(index): f"emotion {index}" for index in range(generator.randint(1, 9))}
    return config | {"id2label": labels, "label2id": {name: int(index) for index, name in labels.items()}}


@pytest.mark.parametrize("model_type", ["data2vec-audio", "wav2vec2", "whisper"])
def test_names_that_nothing_reads_change_nothing(model_type: str) -> None:
    fields = written_types()[model_type]["fields"]
    for name in sorted(INERT - set(fields)):
        for value in (None, True, 3, "x", [1, 2], {"a": 1}):
            agree({**shallow(model_type), name: value})
    everything = {name: 1 for name in INERT if name not in fields and name != "torch_dtype"}
    assert agree({**shallow(model_type), **everything, "torch_dtype": "float16"})


@pytest.mark.parametrize("labels", ODD_LABELS, ids=str)
@pytest.mark.parametrize("model_type", ["hubert", "audio-spectrogram-transformer"])
def test_odd_labels_are_told_as_they_are_built_or_left_to_transformers(model_type: str, labels: dict[str, Any]) -> None:
    agree({**shallow(model_type), **labels})


@pytest.mark.parametrize(
    "changes",
    [
        {"somebody_else": 1},
        {"auto_map": {"AutoConfig": "evil.Config"}},
        {"add_adapter": True},
        {"num_feat_extract_layers": 6},
        {"quantization_config": {"bits": 4}},
        {"hidden_size": 17},
        {"hidden_size": True},
        {"hidden_size": 300_000_000},
        {"num_conv_pos_embeddings": 10**7},
        {"num_hidden_layers": 100_000},
        {"hidden_act": "nope"},
        {"torch_dtype": "int8"},
        {"torch_dtype": ["float32"]},
        {"model_type": "bert"},
        {"model_type": ["wav2vec2"]},
    ],
    ids=str,
)
def test_what_is_out_of_the_ordinary_is_left_to_transformers(changes: dict[str, Any]) -> None:
    assert skeleton_by_rule({**shallow("wav2vec2"), **changes}) is None


def test_an_other_name_of_a_field_has_to_say_the_same() -> None:
    assert agree({"model_type": "whisper", "encoder_layers": 3, "num_hidden_layers": 3})
    assert skeleton_by_rule({"model_type": "whisper", "encoder_layers": 3, "num_hidden_layers": 4}) is None


def test_with_another_version_of_transformers_nothing_has_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    written_types.cache_clear()
    monkeypatch.setattr("benchmark.models.skeleton_fields.installed_version", lambda _name: "5.99")
    assert plain_fields({"model_type": "hubert"}) is None
    monkeypatch.undo()
    written_types.cache_clear()
    assert plain_fields({"model_type": "hubert"}) is not None


def test_what_is_written_down_is_what_the_installed_transformers_says() -> None:
    written = json.loads(FIELDS_FILE.read_text(encoding="utf-8"))
    if installed_version("transformers") != written["transformers"]:
        pytest.skip("another version of transformers is installed; python scripts/write_skeleton_fields.py renews it")
    assert json.loads(json.dumps(described(), default=list)) == written
