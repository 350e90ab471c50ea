"""What each of the demo's checkpoints is, and how it is trained."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from transformers import (
    HubertConfig,
    HubertForSequenceClassification,
    PreTrainedModel,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
    Wav2Vec2ForSequenceClassification,
    WavLMConfig,
    WavLMModel,
)

from benchmark.emotions.aliases import emotion_of
from scripts.demo.clips import TrainingClips
from scripts.demo.fitting import Schedule, fit
from scripts.demo.foreign import Wav2Vec2ForSpeechClassification
from scripts.demo.voice import SAMPLING_RATE

ENGLISH = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
GERMAN = ("Ärger", "Ekel", "Angst", "Freude", "Neutral", "Trauer", "Überraschung")
IEMOCAP_CODES = {"neu": "neutral", "hap": "happiness", "ang": "anger", "sad": "sadness"}
# Arousal, dominance and valence of each emotion, roughly as people rate them.
DIMENSIONS = {
    "anger": (0.85, 0.80, 0.15), "disgust": (0.45, 0.55, 0.20), "fear": (0.75, 0.20, 0.20),
    "happiness": (0.75, 0.65, 0.90), "neutral": (0.40, 0.50, 0.50), "sadness": (0.20, 0.25, 0.20),
    "surprise": (0.80, 0.45, 0.60),
}  # fmt: skip

# A front end like that of the large models (64 channels, one frame per 20 ms), in three layers instead of seven.
SMALL = {
    "vocab_size": 32,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "conv_dim": (64, 64, 64),
    "conv_kernel": (256, 4, 4),
    "conv_stride": (40, 4, 2),
    "num_conv_pos_embeddings": 32,
    "num_conv_pos_embedding_groups": 8,
    "classifier_proj_size": 64,
    "initializer_range": 0.08,
    "apply_spec_augment": False,
    "layerdrop": 0.0,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "feat_proj_dropout": 0.0,
    "final_dropout": 0.0,
}
_SMALLEST = {**SMALL, "hidden_size": 32, "num_hidden_layers": 1, "intermediate_size": 64, "conv_dim": (16, 16, 16)}
LAYER_NORM = {"feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True}


def hear_like_an_ear(model: PreTrainedModel) -> None:
    """Make the first layer a bank of 32 pairs of Gabor filters from 80 Hz to 7 kHz.

    Learning such filters from so little synthetic speech would take hours; big models have learned them.
    """
    weights = model.base_model.feature_extractor.conv_layers[0].conv.weight
    channels, _, size = weights.shape
    lowest, highest = (2595 * math.log10(1 + hertz / 700) for hertz in (80.0, 7000.0))
    mel = np.linspace(lowest, highest, channels // 2)
    centre_hz = (700 * (10 ** (mel / 2595) - 1))[:, None]
    time_s = (np.arange(size) - (size - 1) / 2) / SAMPLING_RATE
    envelope = np.exp(-0.5 * (np.pi * np.maximum(np.gradient(centre_hz[:, 0]), 60.0)[:, None] * time_s) ** 2)
    phases = 2 * np.pi * centre_hz * time_s
    bank = np.concatenate([envelope * np.cos(phases), envelope * np.sin(phases)])
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    weights.data.copy_(torch.from_numpy(bank[:, None].astype(np.float32)))


def classes(labels: Sequence[str]) -> dict[str, int]:
    """Find the output of each emotion."""
    return {str(emotion_of(label)): index for index, label in enumerate(labels)}


def names(labels: Sequence[str]) -> dict[str, dict[int, str] | dict[str, int]]:
    """Both label maps of a configuration."""
    return {"id2label": dict(enumerate(labels)), "label2id": {label: index for index, label in enumerate(labels)}}


def train_seven(clips: TrainingClips) -> dict[str, PreTrainedModel]:
    """Train the two good ones, from scratch: a wav2vec2 with group norm, a HuBERT with layer norm."""
    torch.manual_seed(1)
    english = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**SMALL, **names(ENGLISH)))
    hear_like_an_ear(english)
    fit(english, clips, classes(ENGLISH), Schedule(steps=1800, rate=2e-3, seed=1))
    torch.manual_seed(2)
    german = HubertForSequenceClassification(HubertConfig(**SMALL, **LAYER_NORM, **names(GERMAN)))
    hear_like_an_ear(german)
    fit(german, clips, classes(GERMAN), Schedule(steps=700, rate=2e-3, seed=2))
    return {"wav2vec2-english": english, "hubert-german": german}


def train_others(english: PreTrainedModel, german: PreTrainedModel, clips: TrainingClips) -> dict[str, PreTrainedModel]:
    """Train the heads of the special cases, on copies of the two encoders."""
    torch.manual_seed(3)
    codes = tuple(IEMOCAP_CODES)
    four = Wav2Vec2ForSequenceClassification(Wav2Vec2Config(**SMALL, use_weighted_layer_sum=True, **names(codes)))
    four.base_model.load_state_dict(english.base_model.state_dict())
    fit(four, clips.only(tuple(IEMOCAP_CODES.values())), classes(codes), Schedule(steps=120, rate=1e-3, seed=3))

    upper = tuple(label.upper() for label in ENGLISH)
    neutral = HubertForSequenceClassification(HubertConfig(**SMALL, **LAYER_NORM, **names(upper)))
    neutral.base_model.load_state_dict(german.base_model.state_dict())
    fit(neutral, clips, classes(upper), Schedule(steps=60, rate=2e-3, seed=4, head_only=True))
    neutral.classifier.bias.data[upper.index("NEUTRAL")] += 15.0

    dimensions = Wav2Vec2Config(**SMALL, problem_type="regression", **names(("arousal", "dominance", "valence")))
    dimensional = Wav2Vec2ForSequenceClassification(dimensions)
    dimensional.base_model.load_state_dict(english.base_model.state_dict())
    fit(dimensional, clips, DIMENSIONS, Schedule(steps=60, rate=2e-3, seed=5, head_only=True))

    foreign = Wav2Vec2ForSpeechClassification(Wav2Vec2Config(**SMALL, pooling_mode="mean", **names(ENGLISH)))
    foreign.base_model.load_state_dict(english.base_model.state_dict())
    fit(foreign, clips, classes(ENGLISH), Schedule(steps=120, rate=1e-3, seed=6))
    return {
        "wav2vec2-four": four,
        "hubert-always-neutral": neutral,
        "wav2vec2-dimensional": dimensional,
        "wav2vec2-foreign-head": foreign,
    }


def make_untrained() -> dict[str, PreTrainedModel]:
    """Make those that only their kind matters of: nobody will ask them for an emotion."""
    torch.manual_seed(7)
    return {
        "wav2vec2-ctc": Wav2Vec2ForCTC(Wav2Vec2Config(**_SMALLEST)),
        "wavlm-encoder": WavLMModel(WavLMConfig(**_SMALLEST)),
    }
