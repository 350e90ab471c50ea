"""Rebuilt heads, held against an implementation of their original classes that shares no code with ours."""

import json
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoFeatureExtractor

from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.heads import POOLINGS
from benchmark.models.load_reports import (
    CheckpointError,
    LoadOptions,
    LoadReport,
    MismatchedWeightsError,
    UnusableHeadError,
)
from benchmark.models.repair import answers_by_activation
from tests.support.foreign_heads import REPAIRABLE_TYPES, Foreign, ForSpeechClassification, write_foreign
from tests.support.tiny_models import EMOTIONS, edit_json, write_tiny

RATE = 16_000
Samples = NDArray[np.float32]
HEAD = {"kind": "dense-out"}
REPAIRED = LoadOptions(head=HEAD)
# Every type, every pooling and every name of the last layer, and not every combination.
CASES = [
    (*case, ("out_proj", "output")[index % 2]) for index, case in enumerate(zip(REPAIRABLE_TYPES, cycle(POOLINGS)))
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test writes its checkpoint."""
    return tmp_path / "model"


def original_logits(model: ForSpeechClassification, folder: Path, samples: Samples) -> Samples:
    features = AutoFeatureExtractor.from_pretrained(folder)(samples, sampling_rate=RATE, return_tensors="pt")
    values = features["input_features" if "input_features" in features else "input_values"]
    with torch.no_grad():
        logits = model(values, attention_mask=features.get("attention_mask"))[0]
    return np.asarray(logits.numpy(), dtype=np.float32)


@pytest.mark.parametrize(("model_type", "pooling", "last"), CASES)
def test_a_rebuilt_head_gives_the_logits_of_the_original_class(
    folder: Path, noise: Samples, model_type: str, pooling: str, last: str
) -> None:
    model = write_foreign(folder, Foreign(model_type=model_type, pooling=pooling, last=last))
    checkpoint = load_checkpoint(folder, REPAIRED)
    for samples in (noise[:RATE], noise[RATE : RATE + 19_999]):
        expected = original_logits(model, folder, samples)
        assert np.ptp(expected) > 1e-2
        np.testing.assert_allclose(checkpoint.logits(samples), expected, rtol=0, atol=1e-5)
    report = checkpoint.report
    assert (report.head, report.head_parameters) == ("dense-out", {"pooling": pooling, "activation": "tanh"})
    assert (report.missing, report.unexpected, report.mismatched, report.errors) == ((), (), (), ())
    assert (report.labels, report.dtype, report.model_type) == (EMOTIONS, "float32", model_type)
    assert report.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert LoadReport.from_plain(json.loads(json.dumps(asdict(report)))) == report


@pytest.mark.parametrize(
    ("foreign", "pooling_mode", "head"),
    [
        *(
            (Foreign(storage=storage, old_names=True, last="output"), "mean", HEAD)
            for storage in ("bin", "old bin", "shards", "bin shards")
        ),
        (Foreign(pooling="max"), "sum", {**HEAD, "pooling": "max", "activation": None}),
        (Foreign(), None, HEAD),
        (Foreign(config={"use_weighted_layer_sum": True}), "mean", HEAD),
    ],
)
def test_the_logits_are_the_originals_from_any_kind_of_file_and_configuration(
    folder: Path, noise: Samples, foreign: Foreign, pooling_mode: str | None, head: dict[str, Any]
) -> None:
    model = write_foreign(folder, foreign)
    edit_json(folder / "config.json", pooling_mode=pooling_mode)
    checkpoint = load_checkpoint(folder, LoadOptions(head=head))
    expected = original_logits(model, folder, noise[:RATE])
    np.testing.assert_allclose(checkpoint.logits(noise[:RATE]), expected, rtol=0, atol=1e-5)
    assert (checkpoint.report.missing, checkpoint.report.unexpected) == ((), ())


def test_half_precision_is_computed_in_float32_and_further_weights_are_reported(folder: Path, noise: Samples) -> None:
    model = write_foreign(folder, Foreign(storage="bin")).half().float()
    extra = {"projector.weight": torch.ones(12, 16), "lm_head.bias": torch.ones(8)}
    halved = {name: value.half() for name, value in {**model.state_dict(), **extra}.items()}
    torch.save(halved, folder / "pytorch_model.bin")
    checkpoint = load_checkpoint(folder, REPAIRED)
    assert (checkpoint.report.dtype, checkpoint.report.unexpected) == ("float32", ("lm_head.bias", "projector.weight"))
    expected = original_logits(model, folder, noise[:RATE])
    np.testing.assert_allclose(checkpoint.logits(noise[:RATE]), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("lost", ["classifier.dense.bias", "classifier.out_proj.weight"])
def test_a_head_of_which_anything_is_missing_is_an_error(folder: Path, lost: str) -> None:
    write_foreign(folder, Foreign(drop=(lost,)))
    with pytest.raises(UnusableHeadError, match=f"has no {lost}$"):
        load_checkpoint(folder, REPAIRED)


def test_a_standard_head_is_not_rebuilt_as_another_one(folder: Path) -> None:
    write_tiny("wav2vec2", folder, classifier_proj_size=16)
    with pytest.raises(UnusableHeadError, match=r"has no classifier\.dense\.bias, .*classifier\.out_proj\.weight"):
        load_checkpoint(folder, REPAIRED)


def test_missing_weights_of_the_encoder_are_reported_and_follow_the_seed(folder: Path, noise: Samples) -> None:
    lost = "wav2vec2.encoder.layers.1.attention.k_proj.weight"
    write_foreign(folder, Foreign(drop=(lost,)))
    first, second = (load_checkpoint(folder, LoadOptions(head=HEAD, seed=seed)) for seed in (1, 2))
    assert first.report.missing == (lost,)
    assert np.abs(first.logits(noise[:RATE]) - second.logits(noise[:RATE])).max() > 1e-5


def test_a_head_for_other_labels_than_the_configuration_has_fails_with_the_shapes(folder: Path) -> None:
    write_foreign(folder, Foreign(last="output"))
    edit_json(folder / "config.json", id2label={"0": "sad", "1": "angry"}, label2id={"sad": 0, "angry": 1})
    with pytest.raises(MismatchedWeightsError, match=r"classifier\.out_proj.* is 5.* in the checkpoint and 2"):
        load_checkpoint(folder, REPAIRED)


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ({"kind": "capsules"}, "unknown head 'capsules': choose one of dense-out"),
        ({"kind": ["dense-out"]}, "unknown head"),
        ({}, "unknown head None"),
        ({**HEAD, "pooling": "median"}, "pools by 'median', which is not known"),
        ({**HEAD, "pooling": ["mean"]}, "which is not known"),
        ({**HEAD, "activation": "gelu"}, "unknown activation 'gelu': choose one of tanh, relu, none"),
    ],
)
def test_a_head_that_nobody_knows_is_refused(folder: Path, head: dict[str, object], complaint: str) -> None:
    write_foreign(folder, Foreign())
    with pytest.raises(UnusableHeadError, match=complaint):
        load_checkpoint(folder, LoadOptions(head=head))


def test_a_head_is_not_rebuilt_on_an_encoder_that_it_was_never_used_with(tiny: dict[str, Path]) -> None:
    for model_type in ("whisper", "audio-spectrogram-transformer"):
        with pytest.raises(UnusableHeadError, match=f"not known for the model type {model_type}"):
            load_checkpoint(tiny[model_type], REPAIRED)


def test_a_configuration_that_points_to_code_is_repaired_without_it(folder: Path, tmp_path: Path) -> None:
    write_foreign(folder, Foreign())
    auto_map = {"AutoConfig": "evil.Config", "AutoModelForAudioClassification": "evil.Model"}
    edit_json(folder / "config.json", auto_map=auto_map)
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'trace')!r})\n", encoding="utf-8")
    load_checkpoint(folder, REPAIRED)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_answers_under_each_activation_are_those_of_a_load_with_it_and_differ(
    folder: Path, noise: Samples, pooling: str
) -> None:
    original = original_logits(write_foreign(folder, Foreign(pooling=pooling)), folder, noise[:RATE])
    checkpoint = load_checkpoint(folder, REPAIRED)
    before = checkpoint.logits(noise[:RATE])
    answers = answers_by_activation(checkpoint, noise[:RATE])
    assert list(answers) == ["tanh", "relu", "none"]
    for activation, answer in answers.items():
        alone = load_checkpoint(folder, LoadOptions(head={**HEAD, "activation": activation})).logits(noise[:RATE])
        np.testing.assert_array_equal(answer, alone)
        assert (np.abs(answer - original).max() > 1e-3) == (activation != "tanh")
    np.testing.assert_array_equal(checkpoint.logits(noise[:RATE]), before)


def test_a_standard_head_leaves_no_activation_open(tiny: dict[str, Path], noise: Samples) -> None:
    for model_type in ("wav2vec2", "audio-spectrogram-transformer"):
        with pytest.raises(CheckpointError, match="layout standard, which leaves no activation open"):
            answers_by_activation(load_checkpoint(tiny[model_type]), noise[:RATE])
