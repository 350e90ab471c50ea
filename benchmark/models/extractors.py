"""Feature extractors: from samples to what a model reads, and how much of a clip that can be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import AutoFeatureExtractor, Wav2Vec2FeatureExtractor

from benchmark.models.load_reports import MissingPreprocessorError, UnusablePreprocessorError
from benchmark.models.model_types import AUDIO_CLASSIFICATION_TYPES, Reads, is_sampling_rate, wrong_extractor

LONGEST_WINDOW_S = 30.0
_AST_FRAME_S = 0.010
# The file holds what a stranger wrote, and transformers hardly checks it.
_WHAT_BAD_FILES_RAISE = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, ImportError)
_FILES = ("preprocessor_config.json", "processor_config.json")


def load_extractor(folder: Path, *, model_type: str, override: Mapping[str, Any] | None) -> Any:
    """Load the feature extractor of a checkpoint, or make the one that the registry describes.

    Args:
        folder: The checkpoint's folder.
        model_type: As in its configuration.
        override: The registry's `sampling_rate` and `do_normalize`. For a model that reads samples they replace the
            checkpoint's extractor; for others they change those fields of it: the rest cannot be guessed.

    Raises:
        MissingPreprocessorError: The checkpoint has none, and the registry's description does not make one.
        UnusablePreprocessorError: The checkpoint's own can't be read, or is not one for audio.
    """
    facts = AUDIO_CLASSIFICATION_TYPES.get(model_type)
    if override is not None and facts is not None and facts.reads is Reads.SAMPLES:
        return Wav2Vec2FeatureExtractor(
            feature_size=1, padding_value=0.0, return_attention_mask=False, **{"do_normalize": True, **override}
        )
    if not any((folder / name).is_file() for name in _FILES):
        raise MissingPreprocessorError
    try:
        extractor = AutoFeatureExtractor.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True, **(override or {})
        )
    except _WHAT_BAD_FILES_RAISE as error:
        raise UnusablePreprocessorError(str(error)) from None  # the sentence holds what the cause says
    if (wrong := wrong_extractor(model_type, type(extractor).__name__)) is not None:
        raise UnusablePreprocessorError(wrong)
    rate = getattr(extractor, "sampling_rate", None)
    if not is_sampling_rate(rate):
        raise UnusablePreprocessorError(f"{type(extractor).__name__} has no usable sampling rate: {rate!r}")
    return extractor


def window_seconds(extractor: Any, *, model_type: str) -> float:
    """How much audio goes into the model at once: what it reads, and 30 s at most.

    Examples:
        >>> from transformers import ASTFeatureExtractor
        >>> window_seconds(ASTFeatureExtractor(max_length=352), model_type="audio-spectrogram-transformer")
        3.52
    """
    if model_type == "whisper":
        return min(float(extractor.chunk_length), LONGEST_WINDOW_S)
    if model_type == "audio-spectrogram-transformer":
        # Frames beyond max_length are cut off silently. A window of max_length steps gives two frames fewer, since
        # the last 15 ms don't fill a frame of 25 ms: all of it is heard.
        return min(float(extractor.max_length * _AST_FRAME_S), LONGEST_WINDOW_S)
    return LONGEST_WINDOW_S
