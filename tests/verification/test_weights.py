"""What names, shapes and types of tensors decide, from headers and from loads, without any file."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from benchmark.hub.tensor_listing import TensorInfo, TensorListing
from benchmark.models.head_rules import Skeleton, compare, compare_load
from benchmark.models.load_reports import LoadReport
from benchmark.models.skeleton import build_skeleton
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.verification.record import CandidateRecord
from benchmark.verification.weights import judge_header, judge_tensors
from tests.verification.conftest import facts_with

WIDTH = 16
CONFIG = {
    "model_type": "wav2vec2",
    **{"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24},
    **{"conv_dim": [8] * 7, "num_conv_pos_embedding_groups": 2, "id2label": {"0": "sad", "1": "happy"}},
}
SPECTROGRAMS = {"model_type": "audio-spectrogram-transformer", "num_hidden_layers": 1, "id2label": CONFIG["id2label"]}
HEAD = ("projector.weight", "projector.bias", "classifier.weight", "classifier.bias")
ENCODER = "wav2vec2.encoder.layers.1.feed_forward.output_dense.weight"
COPIED = {
    **{"classifier.dense.weight": (WIDTH, WIDTH), "classifier.dense.bias": (WIDTH,)},
    **{"classifier.out_proj.weight": (2, WIDTH), "classifier.out_proj.bias": (2,)},
}

Shapes = dict[str, tuple[int, ...]]


@cache
def _built(model_type: str, changes: tuple[tuple[str, object], ...]) -> Skeleton:
    base = CONFIG if model_type == "wav2vec2" else SPECTROGRAMS
    return build_skeleton({**base, **dict(changes)})


def skeleton(model_type: str = "wav2vec2", **changes: Any) -> Skeleton:
    return _built(model_type, tuple(changes.items()))


def checkpoint(
    extra: Mapping[str, tuple[int, ...]] | None = None,
    *,
    drop: Sequence[str] = (),
    copied: bool = False,
    **config: Any,
) -> Shapes:
    """Names and shapes of a checkpoint of a changed configuration, without some, with others besides."""
    lost = {*drop, *(HEAD if copied else ())}
    shapes = {name: shape for name, shape in skeleton(**config).shapes.items() if name not in lost}
    return {**shapes, **(COPIED if copied else {}), **(extra or {})}


def judged(
    shapes: Shapes, *, expected: Skeleton | None = None, dtype: str = "float32", **candidate: Any
) -> CandidateRecord:
    record = CandidateRecord(candidate=Candidate(id="org/model", **candidate), facts=facts_with(CONFIG))
    listing = TensorListing(tensors={name: TensorInfo(name, shape, dtype) for name, shape in shapes.items()})
    judge_header(record, listing, expected or skeleton(), repair_heads=True)
    return record


def loaded(shapes: Shapes, *, expected: Skeleton | None = None, **candidate: Any) -> list[Status]:
    """The statuses after a load of the same checkpoint, which reports names only."""
    comparison = compare(expected or skeleton(), shapes)
    facts: dict[str, Any] = {"multi_label": False, "parameters": 1, "dtype": "float32", "device": "cpu"}
    facts |= {"attention": None, "sampling_rate": 16000, "window_s": 30.0, "fixed_window": False, "seconds": 0.1}
    report = LoadReport(
        architecture="x",
        model_type="wav2vec2",
        labels=("sad", "happy"),
        missing=comparison.missing,
        unexpected=comparison.unexpected,
        **facts,
    )
    record = CandidateRecord(candidate=Candidate(id="org/model", **candidate), facts=facts_with(CONFIG))
    judgement = judge_tensors(record, compare_load(comparison.expected, report), shapes)
    repaired = [Status.REPAIRED] if judgement.repair is not None else []
    return [finding.status for finding in judgement.findings(repair_heads=True)] + repaired


def statuses(shapes: Shapes, **options: Any) -> list[Status]:
    """The statuses from the header, once a load has given the same."""
    found = [finding.status for finding in judged(shapes, **options).findings]
    assert loaded(shapes, **options) == found
    return found


@pytest.mark.parametrize(
    ("drop", "extra", "status"),
    [
        ((), (), None),
        ((), ("lm_head.weight", "quantizer.codevectors"), None),
        ((), ("layer_weights",), Status.LOAD_FAILED),
        ((), ("wav2vec2.encoder.layers.2.feed_forward.output_dense.weight",), Status.LOAD_FAILED),
        ((), ("wav2vec2.feature_extractor.conv_layers.1.layer_norm.bias",), Status.LOAD_FAILED),
        ((), ("wav2vec2.adapter.layers.0.conv.bias", "wav2vec2.encoder.position_ids"), None),
        (("wav2vec2.masked_spec_embed",), (), None),
        (HEAD, ("classifier.dense.weight", "classifier.out_proj.weight"), Status.RANDOM_HEAD),
        (HEAD, ("lm_head.weight", "lm_head.bias"), Status.WRONG_TASK),
        (HEAD, ("ctc_head.weight", "ctc_head.bias"), Status.WRONG_TASK),
        (HEAD, ("model.decoder.embed_tokens.weight",), Status.WRONG_TASK),
        (HEAD, ("tdnn.0.kernel.weight", "objective.weight"), Status.WRONG_TASK),
        (HEAD, (), Status.NO_HEAD),
        (HEAD, ("quantizer.codevectors", "project_hid.weight", "wav2vec2.adapter.x"), Status.NO_HEAD),
        (HEAD, ("emotion_head.weight",), Status.RANDOM_HEAD),
        ((*HEAD, ENCODER), ("emotion_head.weight",), Status.RANDOM_HEAD),
        (HEAD[2:], (), Status.RANDOM_HEAD),
        (("classifier.bias",), (), Status.RANDOM_HEAD),
        (("projector.bias", "classifier.bias"), (), Status.RANDOM_HEAD),
        ((ENCODER,), (), Status.RANDOM_HEAD),
    ],
)
def test_missing_weights_are_judged_by_what_is_there_instead(
    drop: tuple[str, ...], extra: tuple[str, ...], status: Status | None
) -> None:
    shapes = checkpoint(dict.fromkeys(extra, (3,)), drop=drop)
    assert statuses(shapes) == ([] if status is None else [status])


def test_missing_weights_of_a_sum_over_layers_are_told_with_the_head() -> None:
    expected = skeleton(use_weighted_layer_sum=True)
    (finding,) = judged(checkpoint({"x": (1,)}, drop=("classifier.bias",)), expected=expected).findings
    assert finding.status is Status.RANDOM_HEAD
    assert finding.evidence["missing"] == ["classifier.bias", "layer_weights"]
    assert finding.evidence["unexpected"] == ["x"]
    assert "2 weights of the head and the sum over its layers" in finding.reason


def test_a_whole_head_without_projector_is_whole_where_the_type_has_none() -> None:
    expected = skeleton("audio-spectrogram-transformer")
    head = [name for name in expected.shapes if name.startswith("classifier.")]
    for lost, status in ((head, Status.NO_HEAD), (head[:3], Status.RANDOM_HEAD)):
        shapes = {name: shape for name, shape in expected.shapes.items() if name not in lost}
        assert statuses(shapes, expected=expected) == [status]


def test_thousands_of_names_are_shortened() -> None:
    (finding,) = judged({f"wav2vec2.x.{index}.weight": (1,) for index in range(5000)}).findings
    assert len(str(finding.evidence)) < 3000


@pytest.mark.parametrize(
    "beside",
    ["attention.weight", "pooling.query", "classifier.layer_norm.weight", "classifier.attn.weight", "layer_weights"],
)
def test_a_copied_head_with_something_beside_it_is_rebuilt_only_where_a_person_says_so(beside: str) -> None:
    shapes = checkpoint({beside: (3,)}, copied=True)
    assert statuses(shapes) == [Status.RANDOM_HEAD]
    reason = judged(shapes).findings[0].reason
    assert beside in reason
    assert "head: {kind: dense-out, pooling: mean}" in reason
    assert statuses(shapes, head={"kind": "dense-out"}) == [Status.REPAIRED]


def test_a_copied_head_behind_a_sum_over_layers_is_not_rebuilt() -> None:
    expected = skeleton(use_weighted_layer_sum=True)
    shapes = checkpoint(copied=True, use_weighted_layer_sum=True)
    assert statuses(shapes, expected=expected) == [Status.RANDOM_HEAD]
    assert statuses(checkpoint(copied=True), expected=expected) == [Status.REPAIRED]


@pytest.mark.parametrize("beside", ["quantizer.codevectors", "lm_head.weight", "loss_fct.weight", "criterion.weight"])
def test_what_decides_no_answer_keeps_no_head_from_being_rebuilt(beside: str) -> None:
    assert statuses(checkpoint({beside: (3,)}, copied=True)) == [Status.REPAIRED]


def test_layers_beyond_the_configuration_must_not_be_left_out() -> None:
    deeper = checkpoint(num_hidden_layers=3)
    assert statuses(deeper) == [Status.LOAD_FAILED]
    assert "the checkpoint holds 3 layers and its configuration says 2" in judged(deeper).findings[0].reason


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"feat_extract_norm": "layer"}, id="a normalisation behind each convolution"),
        pytest.param({"conv_bias": True}, id="biases of convolutions"),
        pytest.param({"adapter_attn_dim": 4, "do_stable_layer_norm": True}, id="an adapter in each layer"),
    ],
)
def test_what_an_encoder_was_trained_with_must_not_be_left_out(config: dict[str, Any]) -> None:
    shapes = checkpoint(**config)
    assert statuses(shapes) == [Status.LOAD_FAILED]
    assert "a load would leave them out" in judged(shapes).findings[0].reason


def test_what_the_model_has_no_place_for_is_noted() -> None:
    record = judged(checkpoint({"gender.weight": (2, WIDTH)}))
    assert record.findings == []
    assert record.notes == ["the model has no place for gender.weight, which the checkpoint holds"]


def test_weights_that_were_rounded_are_told() -> None:
    for extra, dtype, expected in (
        ({}, "int8", [Status.LOAD_FAILED]),
        ({"classifier.weight_scale": (1,)}, "float8_e4m3fn", [Status.LOAD_FAILED]),
        ({}, "float8_e4m3fn", []),
    ):
        assert [finding.status for finding in judged(checkpoint(extra), dtype=dtype).findings] == expected


def test_names_from_another_program_are_shown_and_not_taken_for_missing_layers() -> None:
    shapes = {f"module.{name}": shape for name, shape in checkpoint().items()}
    assert statuses(shapes) == [Status.RANDOM_HEAD]
    assert "it has module.classifier.bias" in judged(shapes).findings[0].reason
