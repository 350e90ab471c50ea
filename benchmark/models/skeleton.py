"""The tensors of the model that a configuration describes, without weights.

The meta device holds names and shapes only. transformers allocates a few tensors for real all the same
(`masked_spec_embed`), so that a hostile configuration may take gigabytes: this runs in a worker with a memory limit.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForAudioClassification, PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightRenaming, rename_source_key

from benchmark.models.head_rules import Skeleton
from benchmark.models.model_types import AUDIO_CLASSIFICATION_TYPES, CODE_FIELDS, output_labels
from benchmark.models.registration import register_models

_BYTES_PER_NUMBER = 4
_GIB = 2**30
_MOST_BYTES = 2**40
_MOST_LAYERS = 1_000
_MOST_LABELS = 100_000
_WIDTHS = ("hidden_size", "d_model")
_INNER_WIDTHS = ("intermediate_size", "encoder_ffn_dim")
_DEPTHS = ("num_hidden_layers", "encoder_layers", "decoder_layers")


def check_config(config: Mapping[str, Any]) -> None:
    """Let transformers validate a configuration, which raises for one that is not valid; no model is made."""
    register_models()
    fields = {name: value for name, value in config.items() if name != "model_type"}
    CONFIG_MAPPING[config["model_type"]].from_dict(fields)


def build_skeleton(config: Mapping[str, Any], names: Iterable[str] = ()) -> Skeleton:
    """Build the model that a configuration describes, without weights, and list what it expects.

    Args:
        config: The content of a `config.json`.
        names: The names of a checkpoint's tensors, to be looked up as a load does.

    Raises:
        ValueError: The model type has no audio classifier, or the configuration claims too many layers or labels.
        MemoryError: The model would need more than a terabyte.
        Exception: Whatever transformers raises for a configuration that is not valid.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in AUDIO_CLASSIFICATION_TYPES:
        raise ValueError(f"the model type {model_type!r} has no audio classifier in transformers")
    register_models()
    refuse_giants(config)
    fields = {name: value for name, value in config.items() if name not in CODE_FIELDS}
    made = CONFIG_MAPPING[model_type].from_dict(fields)
    refuse_giants(made.to_dict())
    with torch.device("meta"):
        model = AutoModelForAudioClassification.from_config(made, dtype=torch.float32, trust_remote_code=False)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    _refuse_size(parameters * _BYTES_PER_NUMBER, f"a model with {parameters} weights")
    expected = {name: value for name, value in model.state_dict().items() if name not in model.all_tied_weights_keys}
    return Skeleton(
        labels=output_labels(made.id2label, made.num_labels),
        parameters=parameters,
        shapes={name: tuple(tensor.shape) for name, tensor in expected.items()},
        encoder=_encoder_prefix(model),
        targets=_targets(model, expected, names),
    )


def _encoder_prefix(model: Any) -> str:
    """Name what is before the weights of the encoder: the only part that is a model of its own.

    bench's own networks are parts of one model; a model without an encoder is all head.
    """
    parts = [name for name, part in model.named_children() if isinstance(part, PreTrainedModel)]
    return f"{parts[0] if parts else 'encoder'}."


def refuse_giants(config: Mapping[str, Any]) -> None:
    """Refuse a configuration whose model nobody could hold, before anything is made of it.

    Raises:
        MemoryError: Its weights would take more than a terabyte.
        ValueError: It has more layers or labels than any model.
    """
    members = config.get("members")  # of an ensemble
    described = [config, config.get("encoder"), *(members if isinstance(members, list) else ())]
    needed, layers, widest = 0, 0, 1
    for model in (model for model in described if isinstance(model, Mapping)):
        width, inner, depth = (_largest(model, names) for names in (_WIDTHS, _INNER_WIDTHS, _DEPTHS))
        needed += max(depth, 1) * (4 * width * width + 2 * width * inner) * _BYTES_PER_NUMBER
        layers, widest = layers + depth, max(widest, width)
    _refuse_size(needed, f"a model with hidden size {widest} and {layers} layers")
    if layers > _MOST_LAYERS:
        raise ValueError(f"the configuration claims {layers} layers; more than {_MOST_LAYERS} are not built")
    labels = config.get("num_labels")
    if isinstance(labels, int) and labels > _MOST_LABELS:
        raise ValueError(f"the configuration claims {labels} labels; more than {_MOST_LABELS} are not built")


def _refuse_size(needed: int, model: str) -> None:
    if needed > _MOST_BYTES:
        raise MemoryError(f"{model}: unable to allocate {needed / _GIB:.1f} GiB")


def _largest(config: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return max((value for name in names if isinstance(value := config.get(name), int)), default=1)


def _targets(model: Any, expected: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Look names of a checkpoint up as a load does: renamed, with or without the prefix of the base model."""
    renamings = get_model_conversion_mapping(model)
    if not all(isinstance(renaming, WeightRenaming) for renaming in renamings):
        raise TypeError(f"transformers converts weights of this model by more than their names: {renamings}")
    base, targets = model.base_model_prefix, {}
    for name in names:
        target = rename_source_key(name, renamings, [], base, expected)[0]
        if target not in expected and name in expected:
            target = rename_source_key(name, [], [], base, expected)[0]
        targets[name] = target
    return targets
