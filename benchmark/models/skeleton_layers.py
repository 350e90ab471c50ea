"""The modules that audio classifiers are made of, as names and shapes of their weights.

Each function below gives the weights of one module, or raises `UnruledError` for what it was not written for. Only
fields of plain configurations come here (see `skeleton_fields`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

Shape = tuple[int, ...]
Weights = Iterator[tuple[str, Shape]]
Fields = Mapping[str, Any]

MOST_LAYERS = 200
MOST_WIDTH = 100_000


class UnruledError(Exception):
    """No rule was written for this configuration."""


def need(condition: bool) -> None:
    """Say that no rule was written for a configuration, unless something holds of it."""
    if not condition:
        raise UnruledError


def linear(name: str, outputs: int, inputs: int) -> Weights:
    """A matrix with its bias."""
    yield f"{name}.weight", (outputs, inputs)
    yield f"{name}.bias", (outputs,)


def norm(name: str, size: int) -> Weights:
    """A normalisation with a scale and a shift."""
    yield f"{name}.weight", (size,)
    yield f"{name}.bias", (size,)


def layer_numbers(fields: Fields, count: str = "num_hidden_layers") -> range:
    """The numbers of the layers."""
    need(0 < fields[count] <= MOST_LAYERS)
    return range(fields[count])


def head_width(fields: Fields, width: int, count: str = "num_attention_heads") -> int:
    """Width of one attention head."""
    heads = fields[count]
    need(0 < heads <= width <= MOST_WIDTH and width % heads == 0)
    return width // int(heads)


def head(fields: Fields, width: int, layers: int, labels: int) -> Weights:
    """Transformers' own head: a projection of each frame, and a classifier behind the mean over time."""
    if fields["use_weighted_layer_sum"]:
        yield "layer_weights", (layers + 1,)
    yield from linear("projector", fields["classifier_proj_size"], width)
    yield from linear("classifier", labels, fields["classifier_proj_size"])


def masked(name: str, fields: Fields) -> Weights:
    """The embedding of masked frames, which is used in training only."""
    if name == "unispeech_sat" or fields["mask_time_prob"] > 0 or fields["mask_feature_prob"] > 0:
        yield f"{name}.masked_spec_embed", (fields["hidden_size"],)


def samples_to_frames(name: str, fields: Fields, *, always_normed: bool = False) -> Weights:
    """The convolutions that read samples."""
    need(always_normed or fields["feat_extract_norm"] in {"group", "layer"})
    need(all(size > 0 for size in fields["conv_stride"]))
    everywhere = always_normed or fields["feat_extract_norm"] == "layer"
    inputs = 1
    for index, (outputs, kernel) in enumerate(zip(fields["conv_dim"], fields["conv_kernel"], strict=True)):
        layer = f"{name}.conv_layers.{index}"
        yield f"{layer}.conv.weight", (outputs, inputs, kernel)
        if fields["conv_bias"]:
            yield f"{layer}.conv.bias", (outputs,)
        if everywhere or index == 0:
            yield from norm(f"{layer}.layer_norm", outputs)
        inputs = outputs


def projection(name: str, width: int, inputs: int) -> Weights:
    """From the width of the frames to that of the encoder."""
    yield from norm(f"{name}.layer_norm", inputs)
    yield from linear(f"{name}.projection", width, inputs)


def positions(name: str, fields: Fields) -> Weights:
    """The one convolution that tells positions, its weight as direction and length."""
    width, kernel, groups = (
        fields[each] for each in ("hidden_size", "num_conv_pos_embeddings", "num_conv_pos_embedding_groups")
    )
    need(groups > 0 and width % groups == 0)
    yield f"{name}.conv.bias", (width,)
    yield f"{name}.conv.parametrizations.weight.original0", (1, 1, kernel)
    yield f"{name}.conv.parametrizations.weight.original1", (width, width // groups, kernel)


def layered_positions(name: str, fields: Fields) -> Weights:
    """The small convolutions of data2vec, one behind the other."""
    width, groups = fields["hidden_size"], fields["num_conv_pos_embedding_groups"]
    need(groups > 0 and width % groups == 0)
    for index in layer_numbers(fields, "num_conv_pos_embeddings"):
        layer = f"{name}.layers.{index}.conv"
        yield f"{layer}.weight", (width, width // groups, fields["conv_pos_kernel_size"])
        yield f"{layer}.bias", (width,)


def feed_forward(name: str, fields: Fields) -> Weights:
    """The two matrices behind an attention."""
    width, inner = fields["hidden_size"], fields["intermediate_size"]
    yield from linear(f"{name}.intermediate_dense", inner, width)
    yield from linear(f"{name}.output_dense", width, inner)


def transformer_layer(name: str, fields: Fields) -> Weights:
    """A layer of the encoder of wav2vec2 and its kin."""
    width = fields["hidden_size"]
    head_width(fields, width)
    for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
        yield from linear(f"{name}.attention.{part}", width, width)
    yield from norm(f"{name}.layer_norm", width)
    yield from feed_forward(f"{name}.feed_forward", fields)
    yield from norm(f"{name}.final_layer_norm", width)


def gated_positions(name: str, fields: Fields, *, first: bool) -> Weights:
    """What the attention of WavLM has besides."""
    head, heads = head_width(fields, fields["hidden_size"]), fields["num_attention_heads"]
    yield f"{name}.gru_rel_pos_const", (1, heads, 1, 1)
    yield from linear(f"{name}.gru_rel_pos_linear", 8, head)
    if first:
        yield f"{name}.rel_attn_embed.weight", (fields["num_buckets"], heads)


def conformer_layer(name: str, fields: Fields, *, layer_normed: bool) -> Weights:
    """A layer with two feed-forward parts and a convolution."""
    width, kernel = fields["hidden_size"], fields["conv_depthwise_kernel_size"]
    need(kernel % 2 == 1)
    for part in ("ffn1", "ffn2"):
        yield from norm(f"{name}.{part}_layer_norm", width)
        yield from feed_forward(f"{name}.{part}", fields)
    yield from norm(f"{name}.self_attn_layer_norm", width)
    for part in ("linear_q", "linear_k", "linear_v", "linear_out"):
        yield from linear(f"{name}.self_attn.{part}", width, width)
    yield from relative_positions(f"{name}.self_attn", fields)
    convolution = f"{name}.conv_module"
    yield from norm(f"{convolution}.layer_norm", width)
    yield f"{convolution}.pointwise_conv1.weight", (2 * width, width, 1)
    yield f"{convolution}.depthwise_conv.weight", (width, 1, kernel)
    if layer_normed:
        yield from norm(f"{convolution}.depthwise_layer_norm", width)
    else:
        yield from norm(f"{convolution}.batch_norm", width)
        yield f"{convolution}.batch_norm.running_mean", (width,)
        yield f"{convolution}.batch_norm.running_var", (width,)
        yield f"{convolution}.batch_norm.num_batches_tracked", ()
    yield f"{convolution}.pointwise_conv2.weight", (width, width, 1)
    yield from norm(f"{name}.final_layer_norm", width)


def relative_positions(name: str, fields: Fields) -> Weights:
    """What an attention holds of the distance between frames."""
    width, head = fields["hidden_size"], head_width(fields, fields["hidden_size"])
    kind = fields["position_embeddings_type"]
    if kind == "relative":
        yield f"{name}.linear_pos.weight", (width, width)
        for part in ("pos_bias_u", "pos_bias_v"):
            yield f"{name}.{part}", (fields["num_attention_heads"], head)
    elif kind == "relative_key" and "left_max_position_embeddings" in fields:
        reach = fields["left_max_position_embeddings"] + fields["right_max_position_embeddings"] + 1
        yield f"{name}.distance_embedding.weight", (reach, head)
    else:
        raise UnruledError


def convolution(name: str, outputs: int, inputs: int) -> Weights:
    """A convolution over three frames."""
    yield f"{name}.weight", (outputs, inputs, 3)
    yield f"{name}.bias", (outputs,)
