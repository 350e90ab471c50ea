"""Sizes that no model can have; transformers takes some of them, and makes a model of no layers out of -2."""

from collections.abc import Iterator, Mapping
from typing import Any

_COUNTS = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "classifier_proj_size"),
    *("d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "max_source_positions"),
    *(
        "num_mel_bins",
        "patch_size",
        "frequency_stride",
        "time_stride",
        "squeeze_factor",
        "feature_projection_input_dim",
    ),
    *("num_conv_pos_embeddings", "num_conv_pos_embedding_groups", "conv_pos_kernel_size", "conv_depthwise_kernel_size"),
    *("num_buckets", "max_bucket_distance"),
)
_LISTS = ("conv_dim", "conv_kernel", "conv_stride")
_DIVIDED = (
    ("hidden_size", "num_attention_heads"),
    ("hidden_size", "num_conv_pos_embedding_groups"),
    ("d_model", "encoder_attention_heads"),
)


def size_problem(config: Mapping[str, Any]) -> str | None:
    """Tell which size in a configuration makes no sense; None where none is known to.

    What is no whole number is left to transformers, which refuses it.

    Examples:
        >>> size_problem({"num_hidden_layers": -2})
        'its num_hidden_layers is -2, and there must be at least 1'
        >>> size_problem({"hidden_size": 16, "num_attention_heads": 3})
        'its hidden_size of 16 cannot be divided by its num_attention_heads of 3'
        >>> size_problem({"hidden_size": 16, "num_attention_heads": 4, "conv_dim": [8, 8]}) is None
        True
    """
    return next(_problems(config), None)


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    for name in _COUNTS:
        if _is_below_one(config.get(name)):
            yield f"its {name} is {config[name]}, and there must be at least 1"
    for name in _LISTS:
        sizes = config.get(name)
        if isinstance(sizes, list) and any(map(_is_below_one, sizes)):
            yield f"its {name} holds {min(size for size in sizes if type(size) is int)}, and must hold at least 1 each"
    for name, parts in _DIVIDED:
        whole, count = config.get(name), config.get(parts)
        if type(whole) is int and type(count) is int and whole % count:
            yield f"its {name} of {whole} cannot be divided by its {parts} of {count}"


def _is_below_one(value: object) -> bool:
    return type(value) is int and value < 1
