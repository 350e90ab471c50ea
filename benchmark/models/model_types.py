"""What is known without loading anything: the model types of audio classifiers, what feeds them, their output names."""

import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from benchmark.workers.environment import is_clean
from benchmark.workers.protection import protections

BENCH_MEL, BENCH_ENSEMBLE, BENCH_ATTENTION = "bench-mel", "bench-ensemble", "bench-attention"
BENCH_NATIVE = "bench-native"
BENCH_TYPES = frozenset({BENCH_MEL, BENCH_ENSEMBLE, BENCH_ATTENTION, BENCH_NATIVE})
"""Types of bench's own, which `benchmark.models.registration` makes known to transformers."""
SQUEEZED_TYPES = frozenset({"sew", "sew-d"})
"""Types whose frames are joined to fewer before the first layer, and split again behind the last."""
CODE_FIELDS = ("auto_map", "custom_pipelines", "attn_implementation", "_attn_implementation", "experts_implementation")
"""Fields of a configuration that may lead to code, and say nothing about tensors."""
ATTENTION_MASK = "attention_mask"
"""The input, beside the main one, that says which part of a batch is audio and which is padding."""


class Reads(StrEnum):
    """What goes into a model."""

    SAMPLES = "samples"
    FEATURES = "features"


@dataclass(frozen=True)
class TypeFacts:
    """What is true of all checkpoints of a model type.

    Attributes:
        reads: Whether the model reads samples, or features that its extractor computes from them.
        fixed_window: Whether its extractor pads or cuts everything to one length, so that each call costs the same.
        shortest_samples: Samples that its extractor needs. For types that read samples, the number follows from the
            configuration (`shortest_input`).
        extractor: The class of the feature extractor that its checkpoints come with.
    """

    reads: Reads
    fixed_window: bool = False
    shortest_samples: int = 1
    extractor: str = "Wav2Vec2FeatureExtractor"


_FROM_SAMPLES = TypeFacts(Reads.SAMPLES)
# Frames of 400 samples every 160; wav2vec2-bert normalises over the frames and joins each two to one.
_FROM_PAIRS_OF_FRAMES = TypeFacts(Reads.FEATURES, shortest_samples=560, extractor="SeamlessM4TFeatureExtractor")
_FROM_FRAMES = TypeFacts(Reads.FEATURES, fixed_window=True, shortest_samples=400, extractor="ASTFeatureExtractor")
_FROM_PADDED_SPECTROGRAM = TypeFacts(Reads.FEATURES, fixed_window=True, extractor="WhisperFeatureExtractor")
AUDIO_CLASSIFICATION_TYPES: Mapping[str, TypeFacts] = {
    "audio-spectrogram-transformer": _FROM_FRAMES,
    "data2vec-audio": _FROM_SAMPLES,
    "hubert": _FROM_SAMPLES,
    "sew": _FROM_SAMPLES,
    "sew-d": _FROM_SAMPLES,
    "unispeech": _FROM_SAMPLES,
    "unispeech-sat": _FROM_SAMPLES,
    "wav2vec2": _FROM_SAMPLES,
    "wav2vec2-bert": _FROM_PAIRS_OF_FRAMES,
    "wav2vec2-conformer": _FROM_SAMPLES,
    "wavlm": _FROM_SAMPLES,
    "whisper": _FROM_PADDED_SPECTROGRAM,
    BENCH_ATTENTION: _FROM_SAMPLES,
    BENCH_ENSEMBLE: _FROM_SAMPLES,
    BENCH_MEL: _FROM_SAMPLES,
    BENCH_NATIVE: _FROM_SAMPLES,
}
LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""As in the registry's `preprocessor`; audio that is resampled to a rate beyond all bounds fills all memory."""
# Gives samples as they are, as the one of wav2vec2 does.
_ALSO_OF_SAMPLES = frozenset({"SpeechT5FeatureExtractor"})
_MOST_SHOWN = 12
_LONGEST_SHOWN = 60


def is_sampling_rate(value: object) -> bool:
    """Whether a value can be a number of samples per second.

    Examples:
        >>> is_sampling_rate(16_000), is_sampling_rate(16_000.0), is_sampling_rate("16000"), is_sampling_rate(True)
        (True, True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return LOWEST_RATE <= value <= HIGHEST_RATE and value == int(value)


def wrong_extractor(model_type: str, extractor: str | None) -> str | None:
    """Say why a feature extractor cannot feed a model, and what to do; None where nothing is known against it.

    Args:
        model_type: The type of the model.
        extractor: The extractor's class; without one, transformers takes the one of the model's type.

    Examples:
        >>> wrong_extractor("whisper", "Wav2Vec2FeatureExtractor")
        'it is a Wav2Vec2FeatureExtractor, and a whisper model is fed by a WhisperFeatureExtractor; its repository \
needs the preprocessor_config.json of the model that it was fine-tuned from'
    """
    facts = AUDIO_CLASSIFICATION_TYPES.get(model_type)
    if facts is None or extractor is None or extractor == facts.extractor:
        return None
    if facts.reads is Reads.SAMPLES and extractor in _ALSO_OF_SAMPLES:
        return None
    fix = "its repository needs the preprocessor_config.json of the model that it was fine-tuned from"
    if facts.reads is Reads.SAMPLES:
        fix = "say in the registry what it expects: preprocessor: {sampling_rate: 16000, do_normalize: true}"
    return f"it is a {extractor[:80]}, and a {model_type} model is fed by a {facts.extractor}; {fix}"


def shortest_input(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Samples that a stack of convolutions, from the input on, needs to give one frame; 1 without layers.

    Examples:
        >>> shortest_input([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2])
        400
    """
    samples = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples


def output_labels(id2label: Mapping[int, str], outputs: int) -> tuple[str, ...]:
    """Name the outputs by `id2label`; `LABEL_i` where it has no name for output i."""
    return tuple(str(id2label.get(index, f"LABEL_{index}")) for index in range(outputs))


def label_problems(id2label: Mapping[int, str], outputs: int, label2id: Mapping[str, int] | None) -> tuple[str, ...]:
    """Say what is wrong with the names of the outputs, one sentence each; `id2label` always decides.

    Examples:
        >>> label_problems({0: "sad", 2: "angry"}, 2, None)
        ('id2label has no name for output 1',)
    """
    unnamed = [index for index in range(outputs) if index not in id2label]
    problems = [f"id2label has no name for output {index}" for index in unnamed[:_MOST_SHOWN]]
    labels = output_labels(id2label, outputs)
    repeated = sorted(label for label, count in Counter(labels).items() if count > 1)
    problems += [f"several outputs have the name {_short(label)}" for label in repeated[:_MOST_SHOWN]]
    contradicted = [label for index, label in enumerate(labels) if label2id and label2id.get(label, index) != index]
    if contradicted and not repeated:
        shown = ", ".join([_short(label) for label in contradicted[:_MOST_SHOWN]])
        more = ", …" if len(contradicted) > _MOST_SHOWN else ""
        problems.append(f"label2id contradicts id2label for {shown}{more}; id2label decides")
    return tuple(problems)


def _short(label: str) -> str:
    return repr(label if len(label) <= _LONGEST_SHOWN else f"{label[:_LONGEST_SHOWN]}…")


class ToolkitActor:
    """What `bench doctor` asks a worker. Start it with `Worker("benchmark.models.model_types:ToolkitActor", …)`."""

    def protections(self) -> dict[str, Any]:
        """Give the fields of `ProtectionFact`."""
        return {"clean_environment": is_clean(), **asdict(protections())}

    def torch(self) -> dict[str, Any]:
        """Import torch and transformers, and list the CUDA devices."""
        torch = importlib.import_module("torch")
        importlib.import_module("transformers.models.auto.modeling_auto")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return {"devices": [torch.cuda.get_device_name(index) for index in range(count)]}

    def openvino(self) -> dict[str, Any]:
        """Import OpenVINO, and list its devices."""
        return {"devices": list(importlib.import_module("openvino").Core().available_devices)}

    def onnxruntime(self) -> dict[str, Any]:
        """Import ONNX Runtime, and list its execution providers."""
        providers = importlib.import_module("onnxruntime").get_available_providers()
        return {"devices": [name.removesuffix("ExecutionProvider") for name in providers]}
