"""Classifiers of base size with random weights, saved as anybody's checkpoint is."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from transformers import (
    HubertConfig,
    HubertForSequenceClassification,
    PreTrainedModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForSequenceClassification,
    WavLMConfig,
    WavLMForSequenceClassification,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForAudioClassification,
)

LABELS = ("angry", "happy", "sad", "neutral", "fearful", "disgust")
_NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: place for place, label in enumerate(LABELS)}}

BASE_SIZE: Mapping[str, str] = MappingProxyType(
    {
        "wav2vec2-base": "wav2vec 2.0, group norm, reads samples",
        "wavlm-base": "WavLM, group norm and gated relative positions, eager attention only",
        "whisper-base": "the encoder of Whisper, filled up to 30 s",
        "hubert-base": "HuBERT, group norm, reads samples",
    }
)
"""What can be made, in words; the first three are measured unless asked otherwise."""


def write_checkpoint(name: str, folder: Path) -> Path:
    """Save a classifier of base size with random weights.

    Its head is scaled up and has biases, so that its decisions differ from clip to clip, and so that it is not taken
    for one that was saved untrained.

    Args:
        name: One of `BASE_SIZE`.
        folder: Where to.
    """
    torch.manual_seed(0)
    model = _model(name)
    with torch.no_grad():
        model.projector.bias.normal_(std=0.1)
        model.classifier.weight.normal_(std=0.5)
        model.classifier.bias.normal_(std=0.1)
    model.eval().save_pretrained(folder)
    extractor = (
        WhisperFeatureExtractor()
        if name == "whisper-base"
        else Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False)
    )
    extractor.save_pretrained(folder)
    return folder


def _model(name: str) -> PreTrainedModel:
    match name:
        case "wav2vec2-base":
            return Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**_NAMES))
        case "hubert-base":
            return HubertForSequenceClassification(HubertConfig(**_NAMES))
        case "wavlm-base":
            return WavLMForSequenceClassification(WavLMConfig(**_NAMES))
        case "whisper-base":
            sizes = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048}
            decoder = {"decoder_layers": 1, "decoder_attention_heads": 8, "decoder_ffn_dim": 64}
            return WhisperForAudioClassification(WhisperConfig(**sizes, **decoder, **_NAMES))
        case _:
            raise ValueError(f"there is no checkpoint {name!r}; choose among {', '.join(BASE_SIZE)}")
