from collections.abc import Sequence
from typing import Any

import pytest

from benchmark.models.reports import LoadReport
from benchmark.results.status import Status
from benchmark.verification.weights_found import judge_weights

HEAD = ("projector.weight", "projector.bias", "classifier.weight", "classifier.bias")
ENCODER = "wav2vec2.encoder.layers.1.feed_forward.output_dense.weight"


def report(missing: Sequence[str] = (), unexpected: Sequence[str] = (), model_type: str = "wav2vec2") -> LoadReport:
    facts: dict[str, Any] = {"multi_label": False, "parameters": 1, "dtype": "float32", "device": "cpu"}
    facts |= {"attention": None, "sampling_rate": 16000, "window_s": 30.0, "fixed_window": False, "seconds": 0.1}
    return LoadReport(
        architecture="x",
        model_type=model_type,
        labels=("a",),
        missing=tuple(missing),
        unexpected=tuple(unexpected),
        **facts,
    )


@pytest.mark.parametrize(
    ("missing", "unexpected", "status"),
    [
        ((), (), None),
        ((), ("lm_head.weight", "quantizer.codevectors"), None),
        ((), ("layer_weights",), Status.LOAD_FAILED),
        ((), (ENCODER,), Status.LOAD_FAILED),
        ((), ("wav2vec2.feature_extractor.conv_layers.1.layer_norm.bias",), Status.LOAD_FAILED),
        ((), ("wav2vec2.adapter.layers.0.conv.bias", "wav2vec2.encoder.position_ids"), None),
        (("wav2vec2.masked_spec_embed",), (), None),
        (HEAD, ("classifier.dense.weight", "classifier.out_proj.weight"), Status.RANDOM_HEAD),
        (HEAD, ("classifier.dense.weight", "classifier.output.bias"), Status.RANDOM_HEAD),
        (HEAD, ("lm_head.weight", "lm_head.bias"), Status.WRONG_TASK),
        (HEAD, ("tdnn.0.kernel.weight", "objective.weight"), Status.WRONG_TASK),
        (HEAD, (), Status.NO_HEAD),
        (HEAD, ("quantizer.codevectors", "project_hid.weight", "wav2vec2.adapter.x"), Status.NO_HEAD),
        (HEAD, ("emotion_head.weight",), Status.RANDOM_HEAD),
        ((*HEAD, ENCODER), (), Status.RANDOM_HEAD),
        (HEAD[2:], (), Status.RANDOM_HEAD),
        (("classifier.bias",), (), Status.RANDOM_HEAD),
        (("projector.bias", "classifier.bias"), (), Status.RANDOM_HEAD),
        (("layer_weights",), (), Status.RANDOM_HEAD),
        ((ENCODER,), (), Status.RANDOM_HEAD),
    ],
)
def test_missing_weights_are_judged_by_what_is_there_instead(
    missing: tuple[str, ...], unexpected: tuple[str, ...], status: Status | None
) -> None:
    found = [finding.status for finding in judge_weights(report(missing, unexpected))]
    assert found == ([] if status is None else [status])


def test_a_whole_head_without_projector_is_whole_where_the_type_has_none() -> None:
    parts = ("classifier.dense.weight", "classifier.dense.bias", "classifier.layernorm.weight")
    whole = (*parts, "classifier.layernorm.bias")
    for missing, status in ((whole, Status.NO_HEAD), (parts, Status.RANDOM_HEAD)):
        (finding,) = judge_weights(report(missing, model_type="audio-spectrogram-transformer"))
        assert finding.status is status


def test_the_evidence_names_the_weights() -> None:
    (finding,) = judge_weights(report(("layer_weights", "classifier.bias"), ("x",)))
    assert finding.evidence == {"missing": ["classifier.bias", "layer_weights"], "unexpected": ["x"]}
    assert "the head and the sum over its layers" in finding.reason


def test_thousands_of_names_are_shortened() -> None:
    (finding,) = judge_weights(report([f"wav2vec2.x.{index}" for index in range(5000)]))
    assert len(str(finding.evidence)) < 2000
