"""The models of bench's own, made known to transformers."""

from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification, Wav2Vec2FeatureExtractor

from benchmark.models.attention_network import AttentionClassifier, AttentionConfig
from benchmark.models.ensemble_network import EnsembleClassifier, EnsembleConfig
from benchmark.models.mel_networks import MelClassifier, MelConfig
from benchmark.models.native_network import NativeClassifier, NativeConfig

_MODELS = (
    (MelConfig, MelClassifier),
    (EnsembleConfig, EnsembleClassifier),
    (AttentionConfig, AttentionClassifier),
    (NativeConfig, NativeClassifier),
)


def register_models() -> None:
    """Let `AutoModelForAudioClassification` load the models that bench trains or rebuilds; may be called again.

    Examples:
        >>> register_models()
        >>> AutoConfig.for_model("bench-mel").network
        'cnn'
    """
    for config, model in _MODELS:
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModelForAudioClassification.register(config, model, exist_ok=True)
        AutoFeatureExtractor.register(config, Wav2Vec2FeatureExtractor, exist_ok=True)


def sample_extractor(sampling_rate: int = 16_000) -> Wav2Vec2FeatureExtractor:
    """Make the feature extractor of these models, which gives samples as they are; save it beside the weights."""
    return Wav2Vec2FeatureExtractor(
        feature_size=1,
        sampling_rate=sampling_rate,
        padding_value=0.0,
        do_normalize=False,
        return_attention_mask=False,
    )
