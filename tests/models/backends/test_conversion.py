"""Converted models of every type, held against torch."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2FeatureExtractor

from benchmark.models.backends.conversion import convert
from benchmark.models.backends.converted import ConvertedModel, FastModel
from benchmark.models.backends.protocol import BackendError, Engine, Streams
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.inference import Checkpoint
from benchmark.models.load_reports import LoadOptions, TooShortError
from tests.models.backends.conftest import Sounds
from tests.support.foreign_heads import Foreign, write_foreign
from tests.support.tiny_models import MODEL_TYPES, write_tiny

AGREE = 3e-6


def check(model: FastModel, reference: Checkpoint, sounds: Sounds, rtol: float = 0.0) -> None:
    for samples in sounds.values():
        np.testing.assert_allclose(model.logits(samples), reference.logits(samples), rtol=rtol, atol=AGREE)


@pytest.mark.parametrize(
    ("model_type", "backend"),
    [
        *((model_type, "openvino") for model_type in MODEL_TYPES),
        *((model_type, "onnxruntime") for model_type in ("wav2vec2", "wavlm", "wav2vec2-bert", "whisper")),
    ],
)
def test_every_type_answers_as_in_torch_at_any_length(
    references: dict[str, Checkpoint], fast: Callable[..., FastModel], sounds: Sounds, model_type: str, backend: str
) -> None:
    model, reference = fast(model_type, backend), references[model_type]
    check(model, reference, sounds)
    assert model.report.labels == reference.report.labels
    assert model.report.multi_label == reference.report.multi_label


def opened(folder: Path, checkpoint: Checkpoint, target: Path) -> FastModel:
    model = convert(checkpoint, "openvino", target)
    return model.load(Engine(backend="openvino"), streams=Streams(), folder=folder, preprocessor=None)


def test_a_rebuilt_head_is_converted_with_its_pooling_and_activation(tmp_path: Path, sounds: Sounds) -> None:
    write_foreign(tmp_path / "foreign", Foreign(pooling="max"))
    reference = load_checkpoint(tmp_path / "foreign", LoadOptions(head={"kind": "dense-out", "activation": "relu"}))
    check(opened(tmp_path / "foreign", reference, tmp_path / "converted"), reference, sounds, rtol=1e-6)


def test_a_weighted_sum_of_layers_is_converted(tmp_path: Path, sounds: Sounds) -> None:
    folder = write_tiny("hubert", tmp_path / "weighted", use_weighted_layer_sum=True)
    reference = load_checkpoint(folder)
    with torch.no_grad():
        reference.model.layer_weights.copy_(torch.tensor([3.0, -2.0, 0.5]))
    check(opened(folder, reference, tmp_path / "converted"), reference, sounds)


def test_a_mask_hides_nothing_of_a_clip_of_any_length(tmp_path: Path) -> None:
    folder = write_tiny("hubert", tmp_path / "masked", feat_extract_norm="layer", do_stable_layer_norm=True)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(folder)
    reference = load_checkpoint(folder)
    with torch.no_grad():
        for weights in reference.model.hubert.parameters():
            weights.mul_(3.0)  # as they come, all frames are alike
    model = opened(folder, reference, tmp_path / "converted")
    for frames, left_over in itertools.product((3, 50, 120), (77, 78, 79, 80)):
        samples = np.random.default_rng(frames).normal(0, 0.1, 320 * frames + left_over).astype(np.float32)
        np.testing.assert_allclose(model.logits(samples), reference.logits(samples), rtol=0, atol=1e-4)


def test_samples_become_features_without_the_extractor_and_to_the_bit(
    references: dict[str, Checkpoint], converted: Callable[[str, str], ConvertedModel], sounds: Sounds
) -> None:
    for model_type in ("wav2vec2", "wavlm"):
        recipe = converted(model_type, "openvino").recipe
        assert recipe.normalize is True
        for samples in sounds.values():
            expected = references[model_type].extractor(samples, sampling_rate=16_000, return_tensors="np")
            features = recipe.features(samples, None)
            assert all(np.array_equal(features[name], expected[name]) for name in recipe.inputs)
    assert converted("whisper", "openvino").recipe.normalize is None  # it reads features: the extractor stays


def test_what_is_too_short_for_the_model_is_too_short_for_its_conversion(fast: Callable[..., FastModel]) -> None:
    with pytest.raises(TooShortError, match="needs at least 400"):
        fast("hubert").logits(np.zeros(399, np.float32))


def test_there_is_no_conversion_for_torch(references: dict[str, Checkpoint], tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="nothing is converted for torch"):
        convert(references["hubert"], "torch", tmp_path)
