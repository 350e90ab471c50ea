"""Where a checkpoint's tensors go, held against transformers' own renaming."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForAudioClassification
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import rename_source_key

from benchmark.models.expected_tensors import Part, Renaming, Skeleton, is_harmless
from benchmark.models.skeleton import build_skeleton
from tests.support.tiny_models import MODEL_TYPES

_WORDS = (
    "encoder", "layer", "layers", "0", "7", "attention", "query", "key", "value", "output", "dense", "intermediate",
    "LayerNorm", "gamma", "beta", "conv", "weight_g", "weight_v", "weight_gain", "weight", "bias", "model",
    "language_model", "classifier", "projector", "out_proj", "decoder", "hubert", "wav2vec2",
)  # fmt: skip


def skeleton(**fields: Any) -> Skeleton:
    given = {"shapes": {"hubert.norm.weight": (2,), "classifier.bias": (3,)}, "encoder": "hubert.", "base": "hubert"}
    return Skeleton(labels=(), parameters=0, **(given | fields))


def placed_by_transformers(model: Any, name: str) -> str:
    tensors = model.state_dict()
    place: str = rename_source_key(name, get_model_conversion_mapping(model), [], model.base_model_prefix, tensors)[0]
    if place not in tensors and name in tensors:
        return str(rename_source_key(name, [], [], model.base_model_prefix, tensors)[0])
    return place


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_every_name_goes_where_transformers_puts_it(tiny: dict[str, Path], model_type: str) -> None:
    config = json.loads((tiny[model_type] / "config.json").read_text(encoding="utf-8"))
    built = build_skeleton(config)
    with torch.device("meta"):
        model = AutoModelForAudioClassification.from_config(AutoConfig.from_pretrained(tiny[model_type]))
    chance = random.Random(model_type)  # noqa: S311 - no secret
    names = [".".join(chance.choices(_WORDS, k=chance.randint(1, 6))) for _ in range(150)]
    own = chance.sample(sorted(built.shapes), 20)
    names += [*own, *(f"{built.base}.{name}" for name in own), *(name.removeprefix(built.encoder) for name in own)]
    assert {name: built.target_name(name) for name in names} == {
        name: placed_by_transformers(model, name) for name in names
    }


@pytest.mark.parametrize(
    ("renaming", "name", "renamed"),
    [
        (Renaming(pattern=r"(?P<g0>old(?!\w))", target="new"), "a.old.old", "a.new.old"),
        (Renaming(pattern=r"(?P<g0>old(?!\w))", target="new"), "a.older", "a.older"),
        (Renaming(pattern=r"(?P<g0>^old)", target="new", scope="a", base="m"), "m.a.old", "m.a.new"),
        (Renaming(pattern=r"(?P<g0>^old)", target="new", scope="a", base="m"), "a.old", "a.new"),
        (Renaming(pattern=r"(?P<g0>^old)", target="new", scope="a", base="m"), "b.old", "b.old"),
        (Renaming(pattern=r"(?P<g0>^old)", target="new", scope="", base=""), "old", "new"),
        (Renaming(pattern=r"(?P<g0>^x)|(?P<g1>^(y\d)\.)", target=r"z.\1."), "y7.w", "z.y7.w"),
    ],
)
def test_a_renaming_is_done_once_and_within_its_scope(renaming: Renaming, name: str, renamed: str) -> None:
    assert renaming.renamed(name) == renamed


def test_a_tensor_that_is_already_named_right_is_not_renamed_away() -> None:
    eager = Renaming(pattern="(?P<g0>norm)", target="batch")
    assert skeleton(renamings=(eager,)).target_name("hubert.norm.weight") == "hubert.norm.weight"
    assert skeleton(renamings=(eager,)).target_name("norm.weight") == "batch.weight"


def test_without_a_base_no_prefix_is_looked_for() -> None:
    assert skeleton(base="", encoder="hubert.").target_name("norm.weight") == "norm.weight"


def test_what_looks_like_an_encoder_is_told_from_what_does_not() -> None:
    told = [skeleton().is_of_encoder(name) for name in ("hubert.anything", "norm.bias", "lm_head.weight", "normal")]
    assert told == [True, True, False, False]
    assert skeleton().part("lm_head.weight") is Part.HEAD


@pytest.mark.parametrize("name", ["masked_spec_embed", "wavlm.masked_spec_embed", "a.batch_norm.num_batches_tracked"])
def test_what_only_training_uses_is_harmless(name: str) -> None:
    assert is_harmless(name)
    assert not is_harmless(f"{name}.weight")
    assert not is_harmless("a.batch_norm.running_mean")


def test_comparing_imports_nothing_heavy() -> None:
    program = "import sys, benchmark.models.comparison; sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
