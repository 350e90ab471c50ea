from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForAudioClassification, WhisperConfig, WhisperForConditionalGeneration

from benchmark.audio.decoding import decode
from benchmark.audio.waveform import resample
from benchmark.demo.files import checkpoints_path
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.load_reports import CheckpointError
from benchmark.training.encoder import AST, Encoder, EncoderActor
from tests.support.recordings import demo_recordings
from tests.support.tiny_models import MODEL_TYPES, edit_json, extractor_of, tiny_config, write_tiny

CLIP = np.random.default_rng(1).normal(0, 0.1, 12_000).astype(np.float32)
LARGE: dict[str, Any] = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
SUMS_STATES = tuple(model_type for model_type in MODEL_TYPES if model_type != AST)


def stock_logits(folder: Path, samples: np.ndarray) -> np.ndarray:
    """What plain transformers answers."""
    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    made = extractor_of(model.config.model_type)(samples, sampling_rate=16_000, return_tensors="pt")
    names = {model.main_input_name, *(() if model.config.model_type == "whisper" else ("attention_mask",))}
    with torch.no_grad():
        return np.asarray(model(**{name: made[name] for name in names & set(made)}).logits[0].numpy())


@pytest.mark.parametrize("model_type", SUMS_STATES)
def test_weighted_states_and_the_head_give_the_logits_of_the_stock_classifier(tmp_path: Path, model_type: str) -> None:
    folder = write_tiny(model_type, tmp_path, use_weighted_layer_sum=True)
    encoder = Encoder(folder, "hidden")
    states = encoder.encode(CLIP)
    weights = load_file(folder / "model.safetensors")
    summed = weights["layer_weights"].softmax(0).numpy() @ states
    projected = weights["projector.weight"].numpy() @ summed + weights["projector.bias"].numpy()
    logits = weights["classifier.weight"].numpy() @ projected + weights["classifier.bias"].numpy()
    np.testing.assert_allclose(logits, stock_logits(folder, CLIP), atol=1e-5)
    assert encoder.facts.states == len(weights["layer_weights"])


def test_the_state_of_ast_is_what_its_head_multiplies(tmp_path: Path) -> None:
    folder = write_tiny(AST, tmp_path)
    weights = load_file(folder / "model.safetensors")
    (normalised,) = Encoder(folder, "hidden").encode(CLIP)
    state = normalised * weights["classifier.layernorm.weight"].numpy() + weights["classifier.layernorm.bias"].numpy()
    logits = weights["classifier.dense.weight"].numpy() @ state + weights["classifier.dense.bias"].numpy()
    np.testing.assert_allclose(logits, stock_logits(folder, CLIP), atol=1e-5)


@pytest.mark.parametrize("name", ["w2v2-ravdess", "wavlm-ravdess", "hubert-emodb"])
def test_the_last_state_of_trained_checkpoints_and_their_heads_give_their_logits(shared: Path, name: str) -> None:
    folder, recording = shared / "models" / name, next((shared / "corpora/ravdess/audio").glob("*-01.flac"))
    samples = resample(decode(recording), 16_000).samples
    weights = load_file(folder / "model.safetensors")
    projected = weights["projector.weight"].numpy() @ Encoder(folder, "cut").encode(samples)[-1]
    logits = weights["classifier.weight"].numpy() @ (projected + weights["projector.bias"].numpy())
    stock = load_checkpoint(folder).logits(samples)
    np.testing.assert_allclose(logits + weights["classifier.bias"].numpy(), stock, atol=1e-4)


@pytest.mark.parametrize(
    ("model_type", "config"),
    [("wavlm", {}), ("wavlm", LARGE), ("hubert", LARGE), ("wav2vec2-conformer", {}), ("wav2vec2-bert", {}), (AST, {})],
)
def test_a_cut_state_is_the_output_of_an_encoder_with_fewer_layers(
    tmp_path: Path, model_type: str, config: dict[str, Any]
) -> None:
    whole = write_tiny(model_type, tmp_path / "whole", **config)
    states = Encoder(whole, "cut").encode(CLIP)
    assert len(states) == 3
    for layers, state in enumerate(states):
        cut = AutoModelForAudioClassification.from_pretrained(whole, num_hidden_layers=layers)
        cut.save_pretrained(tmp_path / "cut")
        extractor_of(model_type).save_pretrained(tmp_path / "cut")
        np.testing.assert_allclose(Encoder(tmp_path / "cut", "cut").encode(CLIP)[-1], state, atol=1e-5)


def test_an_encoder_with_joined_frames_is_not_cut(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="a sew encoder cannot be cut behind a layer: take the recipe `probe`"):
        Encoder(write_tiny("sew", tmp_path), "cut")


@pytest.mark.parametrize(("stable", "usable"), [(False, True), (True, False)])
def test_a_state_that_depends_on_the_version_of_transformers_is_not_usable(
    tmp_path: Path, stable: bool, usable: bool
) -> None:
    facts = Encoder(write_tiny("wav2vec2", tmp_path, **(LARGE if stable else {})), "hidden").facts
    assert facts.usable == (True, True, usable)


def test_bare_encoders_recognisers_and_classifiers_are_opened(tmp_path: Path) -> None:
    for name in ("wavlm-encoder", "wav2vec2-ctc", "wav2vec2-foreign-head", "hubert-german"):
        states = Encoder(checkpoints_path() / name, "hidden").encode(CLIP)
        assert np.isfinite(states).all()
    whisper = WhisperForConditionalGeneration(WhisperConfig(**tiny_config("whisper")))
    whisper.save_pretrained(tmp_path)
    extractor_of("whisper").save_pretrained(tmp_path)
    assert Encoder(tmp_path, "hidden").facts.states == 2


def test_an_adapter_of_a_recogniser_is_left_out(tmp_path: Path) -> None:
    folder = write_tiny("wav2vec2-bert", tmp_path)
    expected = Encoder(folder, "hidden").encode(CLIP)
    edit_json(folder / "config.json", add_adapter=True)
    np.testing.assert_array_equal(Encoder(folder, "hidden").encode(CLIP), expected)


def test_an_encoder_without_some_of_its_weights_is_refused(tmp_path: Path) -> None:
    folder = write_tiny("wavlm", tmp_path)
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "layers.1.feed_forward" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"4 weights of the encoder are missing .*wavlm\.encoder\.layers\.1\."):
        Encoder(folder, "hidden")


def test_a_model_without_an_audio_classifier_is_refused(tmp_path: Path) -> None:
    AutoConfig.for_model("bert").save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="no audio classifier for 'bert'"):
        Encoder(tmp_path, "hidden")


def test_the_actor_encodes_clips_and_their_copies_and_says_which_are_too_short(tmp_path: Path) -> None:
    recordings = demo_recordings(tmp_path, speakers=1, emotions=("anger",))
    recordings.clips.lengths[1] = 100
    actor = EncoderActor()
    facts = actor.open(str(checkpoints_path() / "wavlm-encoder"), "hidden", recordings.clips.plain())
    clip = actor.encode(0, None, [])
    assert clip["states"].shape == (1, facts["states"], facts["width"])
    copies = [actor.encode(0, {"speed": [0.9]}, [seed])["states"] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(copies[0], copies[1])
    assert not np.allclose(copies[0], clip["states"])
    short = actor.encode(1, None, [])
    assert short["states"].shape == (0, facts["states"], facts["width"])
    assert "needs at least" in short["failure"]
