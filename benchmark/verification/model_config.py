"""What a raw `config.json` says of a model, read without transformers and without believing it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.errors import RequestError
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status

# A configuration that claims more outputs than this is no classifier of anything that people name.
_MOST_OUTPUTS = 10_000
_DEFAULT_OUTPUTS = 2
_SHOWN_LABELS = 12
_LONGEST_LABEL = 60

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
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def config_labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the outputs in the order of `id2label`'s indices, as transformers does; `LABEL_i` where one has no name.

    Where `num_labels` contradicts `id2label`, transformers drops all names. Of a configuration that makes no sense to
    it, nothing is named.

    Examples:
        >>> config_labels({"model_type": "hubert", "id2label": {"1": "sad", "0": "angry"}})
        ('angry', 'sad')
        >>> config_labels({"model_type": "hubert", "id2label": {"0": "angry"}, "num_labels": 2})
        ('LABEL_0', 'LABEL_1')
        >>> config_labels({})
        ()
    """
    if model_type(config) is None or label_problem(config) is not None:
        return ()
    names, claimed = _names_by_index(config.get("id2label")), config.get("num_labels")
    if names is None or (claimed is not None and claimed != len(names)):
        return tuple(f"LABEL_{index}" for index in range(_DEFAULT_OUTPUTS if claimed is None else claimed))
    return tuple(names.get(index, f"LABEL_{index}") for index in range(len(names)))


def candidate_labels(candidate: Candidate, labels: Sequence[str]) -> LabelMap:
    """Map a candidate's labels under the registry's overrides.

    Raises:
        RequestError: An override names a label that the model does not have.
    """
    if not labels:
        return map_labels(())
    try:
        return map_labels(labels, overrides=candidate.labels)
    except RequestError as error:
        raise RequestError(f"labels of {candidate.name} in the registry: {error}") from error


def label_problem(config: Mapping[str, Any]) -> str | None:
    """Say why transformers cannot make sense of the names of the outputs; None where it can.

    Examples:
        >>> label_problem({"id2label": ["sad", "angry"]})
        'its id2label does not lead from numbers to names'
        >>> label_problem({"id2label": {"0": "sad"}}) is None
        True
    """
    id2label, outputs = config.get("id2label"), config.get("num_labels")
    if id2label is not None and _names_by_index(id2label) is None:
        return "its id2label does not lead from numbers to names"
    if outputs is not None and not (type(outputs) is int and 0 <= outputs <= _MOST_OUTPUTS):
        return "its num_labels is no number of outputs"
    return None


def misplaced_names(config: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """List the outputs without a name, and the names of outputs that the model does not have.

    transformers makes as many outputs as there are names, so that there are both or neither.

    Examples:
        >>> misplaced_names({"id2label": {"1": "angry", "2": "sad"}})
        ((0,), (2,))
        >>> misplaced_names({"id2label": {"1": "angry", "0": "sad"}})
        ((), ())
    """
    names = _names_by_index(config.get("id2label")) or {}
    if config.get("num_labels", len(names)) != len(names):
        return (), ()
    unnamed = tuple(output for output in range(len(names)) if output not in names)
    return unnamed, tuple(sorted(output for output in names if not 0 <= output < len(names)))


def label_notes(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what is odd about the names of the outputs and loads all the same.

    Examples:
        >>> label_notes({"id2label": {"0": "sad", "1": "angry"}, "num_labels": 3})
        ('num_labels is 3 and id2label names 2 outputs, so transformers drops the names',)
    """
    names, outputs = _names_by_index(config.get("id2label")), config.get("num_labels")
    if names is not None and isinstance(outputs, int) and outputs != len(names):
        return (f"num_labels is {outputs} and id2label names {len(names)} outputs, so transformers drops the names",)
    return ()


def named(labels: Sequence[str], *, most: int = _SHOWN_LABELS) -> str:
    """Join the first of many labels, each cut to what a person reads.

    Examples:
        >>> named(["sad", "x" * 70, "happy"], most=2) == "sad, " + "x" * 60 + "…, …"
        True
    """
    shown = [label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL]}…" for label in labels[:most]]
    return ", ".join(shown + ["…"] * (len(labels) > most))


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
            return f"its {name} is {size}, and there must be at least 1"
    for name in _POSITIVE_LISTS:
        sizes = config.get(name)
        smallest = min([size for size in sizes if type(size) is int], default=1) if isinstance(sizes, list) else 1
        if smallest < 1:
            return f"its {name} holds {smallest}, and must hold at least 1 each"
    for name, parts in _DIVIDED:
        whole, count = config.get(name), config.get(parts)
        if type(whole) is int and type(count) is int and whole % count:
            return f"its {name} of {whole} cannot be divided by its {parts} of {count}"
    return None


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


def _names_by_index(id2label: object) -> dict[int, str] | None:
    if not isinstance(id2label, dict) or len(id2label) > _MOST_OUTPUTS:
        return None
    if any(label is None or isinstance(label, list | dict) for label in id2label.values()):
        return None
    try:
        return {int(index): str(label) for index, label in id2label.items()}
    except (ValueError, TypeError):
        return None
