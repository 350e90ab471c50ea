"""Checkpoints of a few thousand weights, of every model type that transformers can load for audio classification."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    ASTFeatureExtractor,
    AutoConfig,
    AutoModelForAudioClassification,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)

from benchmark.models.mel_networks import MelClassifier, MelConfig
from benchmark.models.registration import sample_extractor

EMOTIONS = ("angry", "happy", "sad", "neutral", "fearful")

_TRANSFORMER: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
_ENCODER: dict[str, Any] = {
    **_TRANSFORMER,
    "conv_dim": [8] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 12,
    "vocab_size": 8,
}

_CONFIGS: dict[str, dict[str, Any]] = {
    "audio-spectrogram-transformer": {**_TRANSFORMER, "num_mel_bins": 32, "max_length": 128},
    "data2vec-audio": {**_ENCODER, "num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 5},
    "hubert": _ENCODER,
    "sew": {**_ENCODER, "squeeze_factor": 2},
    "sew-d": {**_ENCODER, "squeeze_factor": 2, "position_buckets": 16},
    "unispeech": {**_ENCODER, "codevector_dim": 8, "proj_codevector_dim": 8},
    "unispeech-sat": {**_ENCODER, "codevector_dim": 8, "proj_codevector_dim": 8},
    "wav2vec2": _ENCODER,
    "wav2vec2-bert": {
        **_TRANSFORMER,
        "feature_projection_input_dim": 40,
        "conv_depthwise_kernel_size": 3,
        "classifier_proj_size": 12,
        "vocab_size": 8,
    },
    "wav2vec2-conformer": {**_ENCODER, "conv_depthwise_kernel_size": 3},
    "wavlm": {**_ENCODER, "num_buckets": 16, "max_bucket_distance": 40},
    "whisper": {
        "d_model": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 24,
        "decoder_ffn_dim": 24,
        "num_mel_bins": 16,
        "vocab_size": 64,
        "max_source_positions": 1500,
        "classifier_proj_size": 12,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 3,
    },
}

MODEL_TYPES = tuple(_CONFIGS)


def tiny_config(model_type: str) -> dict[str, Any]:
    """Give the fields of a tiny model's configuration, without its labels."""
    return dict(_CONFIGS[model_type])


def write_tiny(
    model_type: str, folder: Path, *, labels: Sequence[str] = EMOTIONS, seed: int = 0, **config: Any
) -> Path:
    """Write a checkpoint with random weights, its configuration and feature extractor; return the folder."""
    settings = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    made = AutoConfig.for_model(model_type, **{**_CONFIGS[model_type], **settings, **config})
    generator_state = torch.get_rng_state()
    torch.manual_seed(seed)
    model = AutoModelForAudioClassification.from_config(made)
    with torch.no_grad():
        # A fresh head has biases of exactly zero, which is the mark of one that was never trained.
        for name, parameter in model.named_parameters():
            if name.endswith("bias") and ("classifier" in name or "projector" in name):
                parameter.uniform_(-0.5, 0.5)
    torch.set_rng_state(generator_state)
    model.save_pretrained(folder)
    extractor_of(model_type).save_pretrained(folder)
    return folder


def write_network(network: str, folder: Path, *, labels: Sequence[str] = EMOTIONS, **config: Any) -> Path:
    """Write a network of bench's own with random weights, and its feature extractor; return the folder."""
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MelClassifier(MelConfig(network=network, **names, **config))
    model.save_pretrained(folder)
    sample_extractor().save_pretrained(folder)
    return folder


def extractor_of(model_type: str) -> Any:
    """Make the feature extractor that goes with a tiny model."""
    if model_type == "audio-spectrogram-transformer":
        return ASTFeatureExtractor(num_mel_bins=32, max_length=128)
    if model_type == "whisper":
        return WhisperFeatureExtractor(feature_size=16)
    if model_type == "wav2vec2-bert":
        return SeamlessM4TFeatureExtractor(feature_size=20, num_mel_bins=20, stride=2, padding_value=1.0)
    return Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=model_type == "wavlm")


def edit_json(path: Path, **fields: Any) -> None:
    """Change fields of a JSON file; a field set to None is taken out."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content.update(fields)
    kept = {name: value for name, value in content.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")
