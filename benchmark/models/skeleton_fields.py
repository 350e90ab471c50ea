"""What a plain configuration says, read without transformers: only what transformers would surely make the same of.

What transformers says of its configurations is written down in `skeleton_fields.json`, by
`scripts/write_skeleton_fields.py`, for one version; with any other version nothing here is of use.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmark.results.environment import installed_version

FIELDS_FILE = Path(__file__).with_name("skeleton_fields.json")

# Names that older versions and other programs left in configurations, and that no model reads.
INERT = frozenset(
    {
        *("_name_or_path", "torch_dtype", "gradient_checkpointing", "tokenizer_class", "processor_class"),
        *("feature_extractor_type", "finetuning_task", "task_specific_params", "use_cache", "hidden_dropout_prob"),
        *(
            "feat_extract_norm",
            "feat_extract_dropout",
            "feat_quantizer_dropout",
            "final_dropout",
            "pooling_mode",
            "freeze_feat_extract_train",
        ),
        *("mask_channel_length", "mask_channel_min_space", "mask_channel_other", "mask_channel_prob"),
        *("mask_channel_selection", "mask_time_min_space", "mask_time_other", "mask_time_selection"),
        *("no_mask_channel_overlap", "no_mask_time_overlap", "replace_prob", "codevector_dim", "proj_codevector_dim"),
        *("num_codevector_groups", "num_codevectors_per_group", "num_negatives", "contrastive_logits_temperature"),
        *("diversity_loss_weight", "tdnn_dim", "tdnn_dilation", "tdnn_kernel", "xvector_output_dim"),
        *("num_ctc_classes", "num_clusters", "vocab_size", "forced_decoder_ids", "max_length", "num_beams"),
        *("do_sample", "temperature", "top_k", "top_p", "repetition_penalty", "length_penalty", "early_stopping"),
        *("no_repeat_ngram_size", "num_return_sequences", "bad_words_ids", "tie_word_embeddings"),
        *("pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id", "decoder_start_token_id"),
        *("output_hidden_size", "adapter_kernel_size", "adapter_stride", "num_adapter_layers"),
        *("use_attentive_classifier", "loss_fn", "hidden_norm_type", "layerdrop", "use_return_dict_in_generate"),
    }
)
_DTYPES = frozenset({"float32", "float16", "bfloat16"})
_PROBLEMS = frozenset({None, "regression", "single_label_classification", "multi_label_classification"})
_ACTIVATIONS = frozenset({"gelu", "gelu_python", "gelu_new", "relu", "silu", "swish"})
_ACTIVATION_FIELDS = ("hidden_act", "feat_extract_activation", "activation_function", "adapter_act")
# No model has more of anything, and only tokens have numbers below zero, by custom.
_MOST = 1_000_000
_CONVOLUTIONS = ("conv_dim", "conv_stride", "conv_kernel")
_APART = frozenset({"model_type", "id2label", "label2id", "num_labels", "torch_dtype"})


@lru_cache(maxsize=1)
def written_types() -> Mapping[str, Mapping[str, Any]]:
    """What is written down of each model type; nothing where another version of transformers is installed."""
    written = json.loads(FIELDS_FILE.read_text(encoding="utf-8"))
    types: Mapping[str, Mapping[str, Any]] = written["types"]
    return types if installed_version("transformers") == written["transformers"] else {}


def plain_fields(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give the value of every field of a plain configuration, defaults included.

    Args:
        config: The content of a `config.json`.

    Returns:
        The fields; None where anything in the configuration is out of the ordinary, so that only transformers itself
        can tell what it makes of it.

    Examples:
        >>> plain_fields({"model_type": "hubert", "hidden_size": 1024})["hidden_size"]
        1024
        >>> plain_fields({"model_type": "hubert", "hidden_size": "1024"}) is None
        True
    """
    model_type = config.get("model_type")
    written = written_types().get(model_type) if isinstance(model_type, str) else None
    if written is None:
        return None
    known: Mapping[str, Mapping[str, Any]] = written["fields"]
    fields = {name: field["default"] for name, field in known.items()}
    aliases: Mapping[str, str] = written["aliases"]
    for name, value in config.items():
        if name in known:
            if not any(_is(kind, value) for kind in known[name]["kinds"]):
                return None
            fields[name] = value
    for name, value in config.items():
        if not _is_inert(name, value, fields) and not (name in aliases and _same(value, fields[aliases[name]])):
            return None
    shares = [fields[name] for name, field in known.items() if "float" in field["kinds"]]
    usual = _are_usual(fields) and all(0 <= share <= 1 for share in shares)
    return fields if usual and config.get("torch_dtype") in (None, *_DTYPES) else None


def _is_inert(name: str, value: object, fields: Mapping[str, Any]) -> bool:
    if name == "num_feat_extract_layers":
        return _same(value, len(fields.get("conv_dim", ())))
    if name == "output_attentions":
        return value is False
    return name in fields or name in INERT or name in _APART


def _are_usual(fields: Mapping[str, Any]) -> bool:
    lengths = {len(fields[name]) for name in _CONVOLUTIONS if name in fields}
    return (
        len(lengths) <= 1
        and 0 not in lengths
        and fields["dtype"] in {None, *_DTYPES}
        and fields["problem_type"] in _PROBLEMS
        and all(fields[name] in _ACTIVATIONS for name in _ACTIVATION_FIELDS if name in fields)
        and all(0 <= value <= _MOST for name, value in fields.items() if type(value) is int and "token_id" not in name)
    )


def _same(value: object, other: object) -> bool:
    return type(value) is type(other) and value == other


def _is(kind: str, value: object) -> bool:
    """Whether a value of JSON is of a kind; a truth is no number, and a whole number no broken one."""
    if kind.startswith("list["):
        return isinstance(value, list) and all(_is(kind[5:-1], each) for each in value)
    return type(value) is {"int": int, "float": float, "bool": bool, "str": str, "None": type(None)}[kind]
