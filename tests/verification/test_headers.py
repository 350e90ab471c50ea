"""What names, shapes and types of tensors decide, on listings that no file is needed for."""

from collections.abc import Mapping
from typing import Any

import pytest
from transformers import AutoConfig, AutoModelForAudioClassification

from benchmark.hub.tensor_listing import TensorInfo, TensorListing
from benchmark.models.expected_tensors import Skeleton
from benchmark.models.skeleton_rules import skeleton_by_rule
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.verification.headers import HeaderVerdict, judge_tensors

WIDTH = 16
CONFIG = {
    "model_type": "wav2vec2",
    **{"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24},
    **{"conv_dim": [8] * 7, "num_conv_pos_embedding_groups": 2, "id2label": {"0": "sad", "1": "happy"}},
}
STANDARD = ("projector.", "classifier.")
COPIED = {
    **{"classifier.dense.weight": (WIDTH, WIDTH), "classifier.dense.bias": (WIDTH,)},
    **{"classifier.out_proj.weight": (2, WIDTH), "classifier.out_proj.bias": (2,)},
}


def skeleton_of(config: Mapping[str, Any]) -> Skeleton:
    skeleton = skeleton_by_rule(config)
    assert skeleton is not None
    return skeleton


def judged(
    extra: Mapping[str, tuple[int, ...]],
    *,
    copied: bool = False,
    config: Mapping[str, Any] = CONFIG,
    held: Mapping[str, Any] = CONFIG,
    dtype: str = "float32",
    **candidate: Any,
) -> HeaderVerdict:
    """Judge a checkpoint of the configuration `held` under `config`, with more tensors."""
    shapes = dict(skeleton_of(held).shapes)
    if copied:
        shapes = {name: shape for name, shape in shapes.items() if not name.startswith(STANDARD)} | COPIED
    tensors = [TensorInfo(name, shape, dtype) for name, shape in (shapes | dict(extra)).items()]
    entry = Candidate(id="org/model", **candidate)
    listing = TensorListing(format="safetensors", tensors=tuple(tensors))
    return judge_tensors(entry, config, skeleton_of(config), listing, repair_heads=True)


def statuses(verdict: HeaderVerdict) -> list[Status]:
    return [finding.status for finding in verdict.findings]


@pytest.mark.parametrize(
    "beside",
    ["attention.weight", "pooling.query", "classifier.layer_norm.weight", "classifier.attn.weight", "layer_weights"],
)
def test_a_copied_head_with_something_beside_it_is_rebuilt_only_where_a_person_says_so(beside: str) -> None:
    verdict = judged({beside: (3,)}, copied=True)
    assert statuses(verdict) == [Status.RANDOM_HEAD]
    assert beside in verdict.findings[0].reason
    assert "head: {kind: dense-out, pooling: mean}" in verdict.findings[0].reason
    assert statuses(judged({beside: (3,)}, copied=True, head={"kind": "dense-out"})) == [Status.REPAIRED]


def test_a_copied_head_behind_a_sum_over_layers_is_not_rebuilt() -> None:
    config = {**CONFIG, "use_weighted_layer_sum": True}
    assert statuses(judged({}, copied=True, config=config, held=config)) == [Status.RANDOM_HEAD]
    assert statuses(judged({}, copied=True, config=config)) == [Status.REPAIRED]


@pytest.mark.parametrize("beside", ["quantizer.codevectors", "lm_head.weight", "loss_fct.weight", "criterion.weight"])
def test_what_decides_no_answer_keeps_no_head_from_being_rebuilt(beside: str) -> None:
    assert statuses(judged({beside: (3,)}, copied=True)) == [Status.REPAIRED]


def test_what_a_classifier_was_trained_behind_must_not_be_left_out() -> None:
    deeper = {**CONFIG, "num_hidden_layers": 3}
    (finding,) = judged({}, held=deeper).findings
    assert finding.status is Status.LOAD_FAILED
    assert "the checkpoint holds 3 layers and its configuration says 2" in finding.reason
    assert statuses(judged({"layer_weights": (3,)})) == [Status.LOAD_FAILED]


@pytest.mark.parametrize(
    "held",
    [
        pytest.param({"feat_extract_norm": "layer"}, id="a normalisation behind each convolution"),
        pytest.param({"conv_bias": True}, id="biases of convolutions"),
        pytest.param({"adapter_attn_dim": 4, "do_stable_layer_norm": True}, id="an adapter in each layer"),
    ],
)
def test_what_an_encoder_was_trained_with_must_not_be_left_out(held: dict[str, Any]) -> None:
    model = AutoModelForAudioClassification.from_config(AutoConfig.for_model(**{**CONFIG, **held}))
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    listing = TensorListing(tensors=tuple(TensorInfo(name, shape, "float32") for name, shape in shapes.items()))
    verdict = judge_tensors(Candidate(id="org/model"), CONFIG, skeleton_of(CONFIG), listing, repair_heads=True)
    (finding,) = verdict.findings
    assert finding.status is Status.LOAD_FAILED
    assert "a load would leave them out" in finding.reason


def test_what_an_encoder_has_beside_what_it_has_learnt_may_be_left_out() -> None:
    beside = ("wav2vec2.encoder.position_ids", "wav2vec2.adapter.layers.0.conv.weight", "quantizer.weight_proj.weight")
    assert judged(dict.fromkeys(beside, (3,))).findings == ()


def test_what_the_model_has_no_place_for_is_noted() -> None:
    verdict = judged({"gender.weight": (2, WIDTH)})
    assert verdict.findings == ()
    assert verdict.notes == ("the model has no place for gender.weight, which the checkpoint holds",)


def test_weights_that_were_rounded_are_told() -> None:
    assert statuses(judged({}, dtype="int8")) == [Status.LOAD_FAILED]
    assert statuses(judged({"classifier.weight_scale": (1,)}, dtype="float8_e4m3fn")) == [Status.LOAD_FAILED]
    assert statuses(judged({}, dtype="float8_e4m3fn")) == []


def test_names_from_another_program_are_shown_and_not_taken_for_missing_layers() -> None:
    skeleton = skeleton_of(CONFIG)
    tensors = tuple(TensorInfo(f"module.{name}", shape, "float32") for name, shape in skeleton.shapes.items())
    (finding,) = judge_tensors(
        Candidate(id="org/model"), CONFIG, skeleton, TensorListing(tensors=tensors), repair_heads=True
    ).findings
    assert finding.status is Status.RANDOM_HEAD
    assert "it has module.classifier.bias" in finding.reason
