"""The two checkpoints that came later: a WavLM with Korean labels, and an AST with five English ones."""

import numpy as np
import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    PreTrainedModel,
    WavLMConfig,
    WavLMForSequenceClassification,
)

from scripts.demo.clips import TrainingClips
from scripts.demo.fitting import Schedule, fit, fit_spectrograms
from scripts.demo.recipes import LAYER_NORM, SMALL, classes, names
from scripts.demo.voice import SAMPLING_RATE

KOREAN = ("분노", "혐오", "공포", "행복", "중립", "슬픔")
FIVE = ("angry", "happy", "neutral", "sad", "fearful")
FRAMES, MEL_BINS = 256, 64


def train_korean(german: PreTrainedModel, clips: TrainingClips) -> PreTrainedModel:
    """Train the WavLM: it begins with the ears of the German one, and everything behind them from scratch.

    Args:
        german: The HuBERT, as it was saved, so that it does not matter whether it was trained just now.
        clips: Normalised clips.
    """
    torch.manual_seed(8)
    model = WavLMForSequenceClassification(WavLMConfig(**SMALL, **LAYER_NORM, **names(KOREAN)))
    model.base_model.feature_extractor.load_state_dict(german.base_model.feature_extractor.state_dict())
    model.base_model.feature_projection.load_state_dict(german.base_model.feature_projection.state_dict())
    known = classes(KOREAN)
    fit(model, clips.only(tuple(known)), known, Schedule(steps=500, rate=2e-3, seed=8))
    return model


def train_five(clips: TrainingClips) -> PreTrainedModel:
    """Train the AST from scratch, on windows of 2.56 s.

    Args:
        clips: As they were spoken: how loud they are is one of the things that it hears.
    """
    torch.manual_seed(9)
    settings = {
        "hidden_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 192,
        "max_length": FRAMES,
        "num_mel_bins": MEL_BINS,
    }
    model = ASTForAudioClassification(ASTConfig(**settings, **names(FIVE)))
    known = classes(FIVE)
    heard = clips.only(tuple(known))
    extract = spectrogram_extractor()
    features = [extract(clip, sampling_rate=SAMPLING_RATE)["input_values"][0] for clip in heard.samples]
    fit_spectrograms(
        model, np.stack(features).astype(np.float32), heard.emotions, known, Schedule(steps=800, rate=1e-3, seed=9)
    )
    return model


def spectrogram_extractor() -> ASTFeatureExtractor:
    """Make what gives the AST its spectrograms."""
    return ASTFeatureExtractor(
        sampling_rate=SAMPLING_RATE, num_mel_bins=MEL_BINS, max_length=FRAMES, mean=-5.4, std=1.6
    )
