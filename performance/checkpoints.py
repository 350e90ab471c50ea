"""Classifiers of usual sizes with random weights, saved as anybody's checkpoint is."""

from collections.abc import Mapping, Sequence
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
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from performance.engines import read_samples

LABELS = ("angry", "happy", "sad", "neutral", "fearful", "disgust")
# Standard deviation of the logits over all clips: that of a small wav2vec2 trained on RAVDESS.
_SPREAD = 2.2
_NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: place for place, label in enumerate(LABELS)}}

CHECKPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "wav2vec2-base": "wav2vec 2.0, group norm, reads samples",
        "wavlm-base": "WavLM, group norm and gated relative positions, eager attention only",
        "whisper-base": "the encoder of Whisper, filled up to 30 s",
        "hubert-base": "HuBERT, group norm, reads samples",
        "wav2vec2-large": "wav2vec 2.0 of 24 layers, layer norm, reads samples",
    }
)
"""What can be made, in words; the first three are measured unless asked otherwise."""


def write_checkpoint(name: str, folder: Path, clips: Sequence[Path] = ()) -> Path:
    """Save a classifier with random weights.

    Its head is scaled up and has biases, so that its decisions differ from clip to clip, and so that it is not taken
    for one that was saved untrained.

    Args:
        name: One of `CHECKPOINTS`.
        folder: Where to.
        clips: Recordings between which the classifier is to decide as clearly as a trained one does.
    """
    torch.manual_seed(0)
    model = _model(name).eval()
    extractor = (
        WhisperFeatureExtractor()
        if name == "whisper-base"
        else Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False)
    )
    with torch.no_grad():
        model.projector.bias.normal_(std=0.1)
        model.classifier.weight.normal_(std=0.5)
        model.classifier.bias.normal_(std=0.1)
        # Random weights hear no more difference between clips that are filled up to 30 s than rounding makes.
        if clips and name != "whisper-base":
            _tell_apart(model, extractor, clips)
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return folder


def _tell_apart(model: PreTrainedModel, extractor: SequenceFeatureExtractor, clips: Sequence[Path]) -> None:
    """Let the classifier look along the directions in which the clips differ most, as training would.

    Between clips that go through random weights a random classifier hardly decides: every seventh answer is so close
    that rounding could turn it. Of a trained one that is true of every thirtieth.
    """
    pooled: list[torch.Tensor] = []
    hook = model.classifier.register_forward_pre_hook(lambda _, inputs: pooled.append(inputs[0][0]))
    for clip in clips:
        samples = read_samples(clip, extractor.sampling_rate)
        model(**extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="pt"))
    hook.remove()
    found = torch.stack(pooled)
    centre = found.mean(dim=0)
    directions = torch.linalg.svd(found - centre, full_matrices=False).Vh[: len(LABELS)]
    weight = directions * _SPREAD / ((found - centre) @ directions.T).std()
    model.classifier.weight.copy_(weight)
    model.classifier.bias.copy_(-weight @ centre)


def _model(name: str) -> PreTrainedModel:
    match name:
        case "wav2vec2-base":
            return Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**_NAMES))
        case "wav2vec2-large":
            sizes = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
            norms = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
            return Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**sizes, **norms, **_NAMES))
        case "hubert-base":
            return HubertForSequenceClassification(HubertConfig(**_NAMES))
        case "wavlm-base":
            return WavLMForSequenceClassification(WavLMConfig(**_NAMES))
        case "whisper-base":
            sizes = {"d_model": 512, "encoder_layers": 6, "encoder_attention_heads": 8, "encoder_ffn_dim": 2048}
            decoder = {"decoder_layers": 1, "decoder_attention_heads": 8, "decoder_ffn_dim": 64}
            return WhisperForAudioClassification(WhisperConfig(**sizes, **decoder, **_NAMES))
        case _:
            raise ValueError(f"there is no checkpoint {name!r}; choose among {', '.join(CHECKPOINTS)}")
