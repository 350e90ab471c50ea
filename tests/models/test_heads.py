"""Known heads, recognised by the names and shapes of their weights alone."""

from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from benchmark.models import heads
from benchmark.models.heads import ACTIVATIONS, LAYOUTS, POOLINGS, HeadLayout, HeadMatch, HeadParameters, recognise
from benchmark.models.load_reports import UnusableHeadError
from benchmark.models.model_types import AUDIO_CLASSIFICATION_TYPES
from benchmark.registry.schema import Head
from tests.support.foreign_heads import REPAIRABLE_TYPES
from tests.support.tiny_models import MODEL_TYPES

CONFIG = {"model_type": "wav2vec2", "hidden_size": 16}
Shapes = dict[str, tuple[int, ...]]


def foreign(last: str = "out_proj", *, width: int = 16, outputs: int = 5) -> Shapes:
    return {
        "wav2vec2.encoder.layer_norm.weight": (16,),
        "classifier.dense.weight": (width, 16),
        "classifier.dense.bias": (width,),
        f"classifier.{last}.weight": (outputs, width),
        f"classifier.{last}.bias": (outputs,),
    }


def standard(width: int = 12) -> Shapes:
    return {
        "projector.weight": (width, 16),
        "projector.bias": (width,),
        "classifier.weight": (5, width),
        "classifier.bias": (5,),
    }


def without(shapes: Shapes, name: str) -> Shapes:
    return {other: shape for other, shape in shapes.items() if other != name}


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_transformers_own_heads_are_recognised(tiny: dict[str, Path], model_type: str) -> None:
    with safe_open(tiny[model_type] / "model.safetensors", "pt") as weights:
        shapes = {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118 - no dict
    match = recognise(shapes, {"model_type": model_type, **({} if model_type == "whisper" else {"hidden_size": 16})})
    assert match is not None
    assert (match.layout, match.own, match.outputs) == ("standard", True, 5)


@pytest.mark.parametrize("last", ["out_proj", "output"])
def test_the_copied_head_is_recognised_under_both_names(last: str) -> None:
    match = HeadMatch("dense-out", False, 7, ("classifier.dense", f"classifier.{last}"), "mean")
    for model_type in REPAIRABLE_TYPES:
        assert recognise(foreign(last, outputs=7), {"model_type": model_type, "hidden_size": 16}) == match


@pytest.mark.parametrize(("stated", "pooling"), [(None, "mean"), *((name, name) for name in POOLINGS), ("attn", None)])
def test_the_pooling_is_what_the_configuration_says(stated: str | None, pooling: str | None) -> None:
    match = recognise(foreign(), {**CONFIG, "pooling_mode": stated})
    assert match is not None
    assert match.pooling == pooling


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"wav2vec2.encoder.layer_norm.weight": (16,), "lm_head.weight": (32, 16), "lm_head.bias": (32,)},
        {"classifier.weight": (5, 16), "classifier.bias": (5,)},
        *(without(foreign(), name) for name in foreign() if "classifier" in name),
        *(without(standard(), name) for name in standard()),
        {**foreign(), "classifier.dense.bias": (15,)},
        {**foreign(), "classifier.out_proj.weight": (5, 15)},
        {**foreign(), "classifier.out_proj.weight": (5, 16, 1)},
        {**foreign(), "classifier.out_proj.weight": ()},
        foreign(width=8),
        {**foreign(), **foreign("output")},
        {f"module.{name}": shape for name, shape in foreign().items()},
    ],
)
def test_a_head_that_is_not_whole_or_does_not_fit_is_not_recognised(shapes: Shapes) -> None:
    assert recognise(shapes, CONFIG) is None


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_type": "bert", "hidden_size": 16},
        {"model_type": ["wav2vec2"]},
        {"model_type": "whisper", "d_model": 16},
        {"model_type": "audio-spectrogram-transformer", "hidden_size": 16},
        {"model_type": "wav2vec2", "hidden_size": 1024},
        {"model_type": "wav2vec2", "hidden_size": "16"},
    ],
)
def test_a_head_is_only_known_on_encoders_that_have_it(config: dict[str, Any]) -> None:
    assert recognise(foreign(), config) is None


def test_a_width_between_the_layers_belongs_to_the_standard_head_only() -> None:
    match = recognise(standard(width=256), {**CONFIG, "pooling_mode": "max"})
    assert match == HeadMatch("standard", True, 5, ("projector", "classifier"), "mean")
    assert recognise(standard(), {**CONFIG, "hidden_size": 24}) is None


def test_a_pooling_that_only_the_authors_know_can_be_overridden() -> None:
    with pytest.raises(UnusableHeadError, match=r"in the registry: `head: \{kind: dense-out, pooling: mean\}`"):
        HeadParameters.settle({"activation": "relu"}, {"pooling_mode": "attn"})
    assert HeadParameters.settle({"pooling": "sum"}, {"pooling_mode": "attn"}) == HeadParameters("sum", "tanh")


def test_what_can_be_rebuilt_keeps_to_what_the_rebuilding_understands() -> None:
    for layout in (layout for layout in LAYOUTS if not layout.own):
        assert all(name.startswith("classifier.") for names in layout.layers for name in names)
        assert layout.normalisation is None
        assert layout.model_types <= set(AUDIO_CLASSIFICATION_TYPES)
        assert Head(kind=layout.name).kind == layout.name
    assert ACTIVATIONS == ("tanh", "relu", "none")


def test_of_two_layouts_that_fit_the_one_with_a_place_for_more_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = (("classifier.dense",), ("classifier.middle",), ("classifier.out_proj",))
    longer = HeadLayout(name="longer", layers=layers, model_types=frozenset({"hubert"}))
    monkeypatch.setattr(heads, "layouts", lambda: (*LAYOUTS, longer))
    shapes = {f"{name}.{part}": size for (name,) in layers for part, size in (("weight", (4, 4)), ("bias", (4,)))}
    match = recognise(shapes, {"model_type": "hubert", "hidden_size": 4})
    assert match is not None
    assert match.layout == "longer"
