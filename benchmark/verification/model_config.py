"""What a raw `config.json` says of a model, read without transformers and without believing it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.results.status import Status

CLAP = "clap"
"""The model type of models that compare audio with text."""
_POSITIVE = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "classifier_proj_size"),
    *("d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "max_source_positions"),
    *("num_mel_bins", "patch_size", "frequency_stride", "time_stride", "squeeze_factor"),
    *("feature_projection_input_dim", "num_buckets", "max_bucket_distance"),
    *("num_conv_pos_embeddings", "num_conv_pos_embedding_groups", "conv_pos_kernel_size", "conv_depthwise_kernel_size"),
)
_POSITIVE_LISTS = ("conv_dim", "conv_kernel", "conv_stride")
_DIVIDED = (
    ("hidden_size", "num_attention_heads"),
    ("hidden_size", "num_conv_pos_embedding_groups"),
    ("d_model", "encoder_attention_heads"),
)

_LONGEST_NAME = 100
_LONGEST_SIZE = 40
_TASK = re.compile(r"For(?P<task>[A-Z]\w*)$")
_OTHER_TASKS = frozenset(
    {
        *("CTC", "ConditionalGeneration", "SpeechSeq2Seq", "CausalLM"),
        *("XVector", "AudioFrameClassification", "TokenClassification"),
        *("TextToSpeech", "SpeechToSpeech", "SpeechToText", "TextToSpectrogram", "AudioTokenization"),
    }
)
_PRE_TRAINING_TASKS = frozenset({"PreTraining", "MaskedLM"})
_BARE = re.compile(
    r"(TF|Flax)?(AST|Data2VecAudio|Hubert|SEWD?|UniSpeech(Sat)?|Wav2Vec2(Bert|Conformer)?|WavLM|Whisper)(Model|Encoder)"
)


def model_type(config: Mapping[str, Any]) -> str | None:
    """Give the model type; None where there is none.

    Examples:
        >>> model_type({"model_type": "wav2vec2"}), model_type({"model_type": 3})
        ('wav2vec2', None)
    """
    value = config.get("model_type")
    return value if isinstance(value, str) and value else None


def architectures(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the classes that the checkpoint was saved from, as it claims.

    Examples:
        >>> architectures({"architectures": ["Wav2Vec2ForCTC"]}), architectures({"architectures": None})
        (('Wav2Vec2ForCTC',), ())
    """
    value = config.get("architectures")
    return tuple(name[:_LONGEST_NAME] for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def size_problem(config: Mapping[str, Any]) -> str | None:
    """Name a size that no model can have, although transformers takes some of them; None where there is none.

    What is no whole number is left to transformers, which refuses it.

    Examples:
        >>> size_problem({"num_hidden_layers": -2})
        'its num_hidden_layers is -2, and there must be at least 1'
        >>> size_problem({"hidden_size": 16, "num_attention_heads": 3})
        'its hidden_size of 16 cannot be divided by its num_attention_heads of 3'
        >>> size_problem({"hidden_size": 16, "num_attention_heads": 4, "conv_dim": [8, 8]}) is None
        True
    """
    for name in _POSITIVE:
        size = config.get(name)
        if type(size) is int and size < 1:
            return f"its {name} is {_shown(size)}, and there must be at least 1"
    for name in _POSITIVE_LISTS:
        sizes = config.get(name)
        smallest = min([size for size in sizes if type(size) is int], default=1) if isinstance(sizes, list) else 1
        if smallest < 1:
            return f"its {name} holds {_shown(smallest)}, and must hold at least 1 each"
    for name, parts in _DIVIDED:
        whole, count = config.get(name), config.get(parts)
        if type(whole) is int and type(count) is int and whole % count:
            return f"its {name} of {_shown(whole)} cannot be divided by its {parts} of {_shown(count)}"
    return None


def _shown(size: int) -> str:
    digits = str(size)
    return digits if len(digits) <= _LONGEST_SIZE else f"{digits[:_LONGEST_SIZE]}…"


def task_status(classes: Iterable[str]) -> Status | None:
    """Tell from the classes that a checkpoint was saved from whether it is `wrong-task` or `no-head`, or None of both.

    Only transformers' own names count: what classes of other names hold, the weights show.

    Examples:
        >>> [task_status([name]) for name in ("Wav2Vec2ForCTC", "WavLMModel", "HubertForSequenceClassification")]
        [<Status.WRONG_TASK: 'wrong-task'>, <Status.NO_HEAD: 'no-head'>, None]
        >>> task_status(["MyEmotionModel"]) is None
        True
    """
    statuses: set[Status] = set()
    for name in classes:
        match = _TASK.search(name)
        if match is not None and match["task"] in _OTHER_TASKS:
            statuses.add(Status.WRONG_TASK)
        elif _BARE.fullmatch(name) or (match is not None and match["task"] in _PRE_TRAINING_TASKS):
            statuses.add(Status.NO_HEAD)
        else:
            return None
    return min(statuses, key=lambda status: status.precedence, default=None)
