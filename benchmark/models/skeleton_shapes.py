"""Names and shapes of the weights of transformers' audio classifiers, by rule.

A rule raises `UnruledError` for whatever it was not written for. Tests hold every rule to the model that is really
built.
"""

from collections.abc import Callable, Mapping

from benchmark.models.skeleton_layers import (
    MOST_LAYERS,
    MOST_WIDTH,
    Fields,
    Shape,
    Weights,
    conformer_layer,
    convolution,
    gated_positions,
    head,
    head_width,
    layer_numbers,
    layered_positions,
    linear,
    masked,
    need,
    norm,
    positions,
    projection,
    samples_to_frames,
    transformer_layer,
)


def shapes_of(model_type: str, fields: Fields, labels: int) -> dict[str, Shape]:
    """Give names and shapes of all weights of a classifier, in the order of the model.

    Args:
        model_type: The model type.
        fields: All fields of its configuration.
        labels: How many outputs it has.

    Returns:
        Name → shape.

    Raises:
        UnruledError: No rule was written for this configuration.

    Examples:
        >>> from benchmark.models.skeleton_fields import plain_fields
        >>> shapes_of("wavlm", plain_fields({"model_type": "wavlm"}), 7)["classifier.weight"]
        (7, 256)
    """
    rule = _RULES.get(model_type)
    need(rule is not None and 0 < labels <= MOST_WIDTH)
    assert rule is not None  # noqa: S101 - told to the type checker; the line above has seen to it
    shapes = dict(rule(model_type.replace("-", "_"), fields, labels))
    need(all(size > 0 for shape in shapes.values() for size in shape))
    return shapes


def _wav2vec2_like(name: str, fields: Fields, labels: int) -> Weights:
    """wav2vec2 and its kin: convolutions, a projection, and transformer layers."""
    need(not fields.get("add_adapter") and fields.get("adapter_attn_dim") is None)
    need(not fields.get("conv_pos_batch_norm"))
    width, layers = fields["hidden_size"], layer_numbers(fields)
    layered = "conv_pos_kernel_size" in fields
    yield from masked(name, fields)
    yield from samples_to_frames(f"{name}.feature_extractor", fields, always_normed=layered)
    projected = list(projection(f"{name}.feature_projection", width, fields["conv_dim"][-1]))
    yield from projected if fields.get("feat_proj_layer_norm", True) else projected[2:]
    yield from (layered_positions if layered else positions)(f"{name}.encoder.pos_conv_embed", fields)
    yield from norm(f"{name}.encoder.layer_norm", width)
    for index in layers:
        layer = f"{name}.encoder.layers.{index}"
        if name == "wav2vec2_conformer":
            yield from conformer_layer(layer, fields, layer_normed=False)
            continue
        yield from transformer_layer(layer, fields)
        if name == "wavlm":
            yield from gated_positions(f"{layer}.attention", fields, first=index == 0)
    yield from head(fields, width, len(layers), labels)


def _squeezed(name: str, fields: Fields, labels: int) -> Weights:
    """SEW and SEW-D: as wav2vec2, with fewer frames within the encoder."""
    width, layers, frames = fields["hidden_size"], layer_numbers(fields), fields["conv_dim"][-1]
    need(fields["squeeze_factor"] > 0 and frames != width)
    yield from masked(name, fields)
    yield from samples_to_frames(f"{name}.feature_extractor", fields)
    yield from norm(f"{name}.layer_norm", frames)
    yield from linear(f"{name}.feature_projection", width, frames)
    yield from positions(f"{name}.encoder.pos_conv_embed", fields)
    if name == "sew":
        yield from norm(f"{name}.encoder.layer_norm", width)
        for index in layers:
            yield from transformer_layer(f"{name}.encoder.layers.{index}", fields)
    else:
        yield from _disentangled(f"{name}.encoder.encoder", fields)
    yield from linear(f"{name}.encoder.upsample.projection", width * fields["squeeze_factor"], width)
    yield from head(fields, width, len(layers), labels)


def _disentangled(name: str, fields: Fields) -> Weights:
    """The encoder of SEW-D, which is DeBERTa's."""
    need(fields["share_att_key"] and fields["relative_attention"] and fields["norm_rel_ebd"] == "layer_norm")
    need(fields["position_buckets"] > 0)
    width, inner = fields["hidden_size"], fields["intermediate_size"]
    head_width(fields, width)
    for index in layer_numbers(fields):
        layer = f"{name}.layer.{index}"
        for part in ("query_proj", "key_proj", "value_proj"):
            yield from linear(f"{layer}.attention.self.{part}", width, width)
        yield from linear(f"{layer}.attention.output.dense", width, width)
        yield from norm(f"{layer}.attention.output.LayerNorm", width)
        yield from linear(f"{layer}.intermediate.dense", inner, width)
        yield from linear(f"{layer}.output.dense", width, inner)
        yield from norm(f"{layer}.output.LayerNorm", width)
    yield f"{name}.rel_embeddings.weight", (2 * fields["position_buckets"], width)
    yield from norm(f"{name}.LayerNorm", width)


def _wav2vec2_bert(name: str, fields: Fields, labels: int) -> Weights:
    need(not fields["add_adapter"] and not fields["use_intermediate_ffn_before_adapter"])
    width, layers = fields["hidden_size"], layer_numbers(fields)
    yield from masked(name, fields)
    yield from projection(f"{name}.feature_projection", width, fields["feature_projection_input_dim"])
    for index in layers:
        yield from conformer_layer(f"{name}.encoder.layers.{index}", fields, layer_normed=True)
    yield from head(fields, width, len(layers), labels)


def _whisper(_name: str, fields: Fields, labels: int) -> Weights:
    width, inner, layers = fields["d_model"], fields["encoder_ffn_dim"], layer_numbers(fields, "encoder_layers")
    need(0 <= fields["decoder_layers"] <= MOST_LAYERS)
    head_width(fields, width, "encoder_attention_heads")
    yield from convolution("encoder.conv1", width, fields["num_mel_bins"])
    yield from convolution("encoder.conv2", width, width)
    yield "encoder.embed_positions.weight", (fields["max_source_positions"], width)
    for index in layers:
        layer = f"encoder.layers.{index}"
        yield f"{layer}.self_attn.k_proj.weight", (width, width)
        for part in ("v_proj", "q_proj", "out_proj"):
            yield from linear(f"{layer}.self_attn.{part}", width, width)
        yield from norm(f"{layer}.self_attn_layer_norm", width)
        yield from linear(f"{layer}.fc1", inner, width)
        yield from linear(f"{layer}.fc2", width, inner)
        yield from norm(f"{layer}.final_layer_norm", width)
    yield from norm("encoder.layer_norm", width)
    yield from head(fields, width, len(layers), labels)


def _spectrogram_transformer(name: str, fields: Fields, labels: int) -> Weights:
    width, inner, patch = fields["hidden_size"], fields["intermediate_size"], fields["patch_size"]
    need(isinstance(patch, int) and fields["frequency_stride"] > 0 and fields["time_stride"] > 0 and fields["qkv_bias"])
    need(min(fields["num_mel_bins"], fields["max_length"]) >= patch > 0)
    head_width(fields, width)
    rows = (fields["num_mel_bins"] - patch) // fields["frequency_stride"] + 1
    columns = (fields["max_length"] - patch) // fields["time_stride"] + 1
    for part, count in (("cls_token", 1), ("distillation_token", 1), ("position_embeddings", rows * columns + 2)):
        yield f"{name}.embeddings.{part}", (1, count, width)
    yield f"{name}.embeddings.patch_embeddings.projection.weight", (width, 1, patch, patch)
    yield f"{name}.embeddings.patch_embeddings.projection.bias", (width,)
    for index in layer_numbers(fields):
        layer = f"{name}.layers.{index}"
        for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
            yield from linear(f"{layer}.attention.{part}", width, width)
        yield from norm(f"{layer}.layernorm_before", width)
        yield from norm(f"{layer}.layernorm_after", width)
        yield from linear(f"{layer}.mlp.fc1", inner, width)
        yield from linear(f"{layer}.mlp.fc2", width, inner)
    yield from norm(f"{name}.layernorm", width)
    yield from norm("classifier.layernorm", width)
    yield from linear("classifier.dense", labels, width)


_RULES: Mapping[str, Callable[[str, Fields, int], Weights]] = {
    "audio-spectrogram-transformer": _spectrogram_transformer,
    "data2vec-audio": _wav2vec2_like,
    "hubert": _wav2vec2_like,
    "sew": _squeezed,
    "sew-d": _squeezed,
    "unispeech": _wav2vec2_like,
    "unispeech-sat": _wav2vec2_like,
    "wav2vec2": _wav2vec2_like,
    "wav2vec2-bert": _wav2vec2_bert,
    "wav2vec2-conformer": _wav2vec2_like,
    "wavlm": _wav2vec2_like,
    "whisper": _whisper,
}
