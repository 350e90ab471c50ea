"""Native layouts: models that other toolkits saved, described from their files alone, without torch.

A repository of one of these layouts has no `config.json` that transformers could use. What a load needs (encoder, head,
labels, input) follows from its small text files and from names and shapes of its tensors. `describe_native` gives it as
the configuration of a `benchmark.models.native_network.NativeClassifier`, whose modules are named as the checkpoint's
tensors are. Nothing of the repository is executed.

Sources: tiantiaf0/vox-profile-release (`WavLMWrapper`), `pipeline_utils.py` of 3loi/SER-Odyssey-Baseline-WavLM-*, and
`hyperparams.yaml` and `custom_interface.py` of speechbrain/emotion-recognition-wav2vec2-IEMOCAP with SpeechBrain's
`HuggingFaceWav2Vec2` and `StatisticsPooling`.
"""

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from benchmark.hub.repository_facts import HYPERPARAMETERS_NAME, LABEL_ENCODER_NAME, RepoFacts, is_of_speechbrain
from benchmark.models.load_reports import CheckpointError
from benchmark.models.model_types import BENCH_NATIVE, output_labels

VOX_PROFILE, ODYSSEY, SPEECHBRAIN = "vox-profile", "odyssey", "speechbrain"
TRAINED_SECONDS: Mapping[str, tuple[float, float]] = {VOX_PROFILE: (3.0, 15.0)}
"""The shortest and the longest recording that models of a layout were trained on."""

# In the order of the outputs (`src/example/categorized_emotion_wavlm.py`); the checkpoint does not hold them.
_VOX_LABELS = ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise", "Other")
_VOX_ENCODERS = {"wavlm": "microsoft/wavlm-base-plus", "wavlm_large": "microsoft/wavlm-large"}
_SAMPLING_RATE = 16_000
_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
_HEAD_SIZE = 64
_CONVOLUTION = "feature_extractor.conv_layers.{}.conv.weight"
_POSITIONS = ("weight_v", "parametrizations.weight.original1")
_LORA = re.compile(r"\.lora_[AB](\.|$)")
_LABEL_LINE = re.compile(r"(?P<label>'[^'\n]*'|\"[^\"\n]*\") => (?P<index>\d+)")
_REFERENCE = re.compile(r"<([A-Za-z0-9_]+)>")
_ENCODER_CLASSES = {"Wav2Vec2": "wav2vec2", "HuggingFaceWav2Vec2": "wav2vec2", "Hubert": "hubert", "WavLM": "wavlm"}
_MOST_LAYERS = 1_000

Shapes = Mapping[str, tuple[int, ...]]


class NativeLayoutError(CheckpointError):
    """A model of a native layout cannot be rebuilt; the message completes `it cannot be rebuilt, since …`."""


@dataclass(frozen=True)
class NativeLayout:
    """A layout that is rebuilt.

    Attributes:
        name: As in `head` of reports.
        recognise: Whether a repository claims to be of it.
        read_labels: Reads what the outputs mean.
        describe: Gives the fields of a `NativeConfig` beside labels and layout, from files and tensors.
    """

    name: str
    recognise: Callable[[RepoFacts], bool]
    read_labels: Callable[[RepoFacts], tuple[str, ...]]
    describe: Callable[[RepoFacts, Shapes], dict[str, Any]]


def native_layout(head: Mapping[str, Any] | None) -> NativeLayout | None:
    """Give the layout of this name in `LoadOptions.head`; None where the head is of another kind."""
    kind = None if head is None else head.get("kind")
    return next((layout for layout in LAYOUTS if layout.name == kind), None)


def find_layout(facts: RepoFacts) -> NativeLayout | None:
    """Find the layout that a repository claims to be of; None where there is none.

    Examples:
        >>> config = {"pretrain_model": "wavlm_large", "output_class_num": 9}
        >>> find_layout(RepoFacts(id="a", revision="", files=(), config=config)).name
        'vox-profile'
        >>> find_layout(RepoFacts(id="a", revision="", files=(), config={"model_type": "wavlm"})) is None
        True
    """
    return next((layout for layout in LAYOUTS if layout.recognise(facts)), None)


def outline_native(layout: NativeLayout, facts: RepoFacts) -> dict[str, Any]:
    """Give the configuration as far as it is known without the tensors: layout and labels.

    Raises:
        NativeLayoutError: The labels are not known.
    """
    labels = layout.read_labels(facts)
    return {
        "model_type": BENCH_NATIVE,
        "layout": layout.name,
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def describe_native(layout: NativeLayout, facts: RepoFacts, shapes: Shapes) -> dict[str, Any]:
    """Give the whole configuration of a `NativeClassifier`.

    Args:
        layout: Of the repository.
        facts: The repository.
        shapes: Name → shape of all its tensors.

    Raises:
        NativeLayoutError: Something decisive is not known, or is of a kind that is not rebuilt.
    """
    if any(_LORA.search(name) for name in shapes):
        raise NativeLayoutError(
            "its encoder has LoRA matrices beside the weights that they change; it can be used once somebody has "
            "merged the two and saved them as one"
        )
    outlined = outline_native(layout, facts)
    described = layout.describe(facts, shapes)
    outputs = _rows(shapes, described.pop("output_layer"))
    if outputs != len(outlined["id2label"]):
        raise NativeLayoutError(f"it has {outputs} outputs and {len(outlined['id2label'])} labels")
    return {**outlined, **described}


def native_parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """Say how a rebuilt model pools, and what its weights leave open and was assumed."""
    if config["layout"] == ODYSSEY:
        return {"pooling": "attentive statistics"}
    if config["layout"] == VOX_PROFILE:
        return {"pooling": "mean"}
    parameters = {"pooling": " and ".join(config["statistics"])}
    if config["encoder"]["model_type"] != "wavlm":
        parameters["assumed attention heads"] = str(config["encoder"]["num_attention_heads"])
    return parameters


def native_preprocessor(config: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the feature extractor of a native model, which normalises only where the original's does."""
    return {
        "sampling_rate": config.get("sampling_rate", _SAMPLING_RATE),
        "do_normalize": config.get("normalise") == "extractor",
    }


def encoder_config(shapes: Shapes, prefix: str, model_type: str) -> dict[str, Any]:
    """Derive the configuration of a wav2vec2, HuBERT or WavLM encoder from the shapes of its tensors.

    What shapes leave open is what all published encoders of these families share: the strides of seven convolutions of
    widths 10, 3, 3, 3, 3, 2, 2; normalisation before each block exactly where each convolution is normalised; and 64
    components per attention head, which the tensors of WavLM tell themselves.

    Args:
        shapes: Name → shape of all tensors of the checkpoint.
        prefix: What is before the encoder's names.
        model_type: `wav2vec2`, `hubert` or `wavlm`.

    Raises:
        NativeLayoutError: The encoder is incomplete, or of a kind that is not rebuilt.
    """
    own = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
    convolutions = [own[name] for i in range(_MOST_LAYERS) if (name := _CONVOLUTION.format(i)) in own]
    positions = next((own[f"encoder.pos_conv_embed.conv.{name}"] for name in _POSITIONS if _is_there(own, name)), None)
    layers = {int(name.split(".")[2]) for name in own if re.match(r"encoder\.layers\.\d{1,4}\.", name)}
    width, inner = (
        own.get("encoder.layer_norm.weight"),
        own.get("encoder.layers.0.feed_forward.intermediate_dense.weight"),
    )
    if not convolutions or positions is None or not layers or width is None or inner is None:
        raise NativeLayoutError(f"no encoder of type {model_type} is under {prefix.rstrip('.') or 'its top'}")
    if any(name.startswith("adapter.") for name in own):
        raise NativeLayoutError("its encoder ends with an adapter, which is not rebuilt")
    if tuple(shape[-1] for shape in convolutions) != _KERNELS:
        widths = ", ".join(str(shape[-1]) for shape in convolutions)
        raise NativeLayoutError(f"the strides of its convolutions, of widths {widths}, are not known")
    hidden = width[0]
    normalised = "feature_extractor.conv_layers.1.layer_norm.weight" in own
    config: dict[str, Any] = {
        "model_type": model_type,
        "hidden_size": hidden,
        "num_hidden_layers": max(layers) + 1,
        "num_attention_heads": _attention_heads(own, hidden),
        "intermediate_size": inner[0],
        "conv_dim": [shape[0] for shape in convolutions],
        "conv_kernel": list(_KERNELS),
        "conv_stride": list(_STRIDES),
        "conv_bias": _CONVOLUTION.format(0).replace("weight", "bias") in own,
        "feat_extract_norm": "layer" if normalised else "group",
        "do_stable_layer_norm": normalised,
        "num_conv_pos_embeddings": positions[-1],
        "num_conv_pos_embedding_groups": hidden // positions[1],
    }
    if model_type == "wavlm":
        config["num_buckets"] = own["encoder.layers.0.attention.rel_attn_embed.weight"][0]
    if model_type == "hubert":
        config["feat_proj_layer_norm"] = "feature_projection.layer_norm.weight" in own
    return config


def _has(facts: RepoFacts, *fields: str) -> bool:
    return set(fields) <= set(facts.config or {})


def _is_there(own: Shapes, name: str) -> bool:
    return len(own.get(f"encoder.pos_conv_embed.conv.{name}", ())) == 3  # noqa: PLR2004 - out, in, width


def _attention_heads(own: Shapes, hidden: int) -> int:
    of_wavlm = own.get("encoder.layers.0.attention.rel_attn_embed.weight")
    if of_wavlm is not None:
        return of_wavlm[1]
    if hidden % _HEAD_SIZE:
        raise NativeLayoutError(
            f"how many attention heads its encoder has is not known: its width of {hidden} is no multiple of the "
            f"{_HEAD_SIZE} that published encoders give each"
        )
    return hidden // _HEAD_SIZE


def _rows(shapes: Shapes, layer: str) -> int:
    """The number of outputs of a linear layer."""
    shape = shapes.get(f"{layer}.weight")
    if shape is None:
        raise NativeLayoutError(f"there is no {layer}.weight among its tensors")
    return shape[0]


def _vox_labels(facts: RepoFacts) -> tuple[str, ...]:
    outputs = (facts.config or {}).get("output_class_num")
    if outputs != len(_VOX_LABELS):
        raise NativeLayoutError(f"the names of its {outputs} outputs are not known; those of nine are")
    return _VOX_LABELS


def _describe_vox(facts: RepoFacts, shapes: Shapes) -> dict[str, Any]:
    kind = str((facts.config or {}).get("pretrain_model"))
    if kind not in _VOX_ENCODERS:
        raise NativeLayoutError(f"its encoder {kind[:40]!r} is none of {', '.join(_VOX_ENCODERS)}")
    encoder = encoder_config(shapes, "backbone_model.", "wavlm")
    states = _rows_of_vector(shapes, "weights")
    layers = encoder["num_hidden_layers"]
    if states not in {layers, layers + 1}:
        raise NativeLayoutError(f"it weighs {states} hidden states, and its encoder gives {layers + 1}")
    return {
        "encoder": encoder,
        "hidden": _rows(shapes, "model_seq.0"),
        "with_input_state": states == layers + 1,
        "normalise": "extractor" if kind == "wavlm_large" else "none",
        "output_layer": "emotion_layer.2",
    }


def _rows_of_vector(shapes: Shapes, name: str) -> int:
    shape = shapes.get(name)
    if shape is None or len(shape) != 1:
        raise NativeLayoutError(f"there is no vector {name} among its tensors")
    return shape[0]


def _odyssey_labels(facts: RepoFacts) -> tuple[str, ...]:
    named, outputs = (facts.config or {}).get("id2label"), (facts.config or {}).get("num_classes")
    if not isinstance(named, dict) or not all(str(key).isdecimal() for key in named):
        raise NativeLayoutError("its config.json does not name its outputs")
    if outputs is not None and outputs != len(named):
        raise NativeLayoutError(f"its config.json names {len(named)} outputs and says that there are {outputs}")
    return output_labels({int(key): str(label) for key, label in named.items()}, len(named))


def _describe_odyssey(facts: RepoFacts, shapes: Shapes) -> dict[str, Any]:
    mean, std = (facts.config or {}).get("mean"), (facts.config or {}).get("std")
    rate = (facts.config or {}).get("sampling_rate", _SAMPLING_RATE)
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in (mean, std)):
        raise NativeLayoutError("its config.json does not say with which mean and std its input is normalised")
    if "wavlm" not in str((facts.config or {}).get("ssl_type", "wavlm")).lower():
        raise NativeLayoutError(f"its encoder {str((facts.config or {})['ssl_type'])[:80]!r} is no WavLM")
    blocks = {name.split(".")[2] for name in shapes if re.match(r"ser_model\.fc\.\d{1,3}\.", name)}
    return {
        "encoder": encoder_config(shapes, "ssl_model.", "wavlm"),
        "hidden": _rows(shapes, "ser_model.fc.0.0"),
        "blocks": len(blocks),
        "normalise": "constants",
        "mean": float(mean or 0.0),
        "std": float(std or 0.0),
        "sampling_rate": rate,
        "output_layer": "ser_model.out.0",
    }


class _DataLoader(yaml.SafeLoader):
    """Reads HyperPyYAML as data: what it would call or make stays a mapping with its tag."""


def _read_tagged(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {"!": tag, **loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {"!": tag, "items": loader.construct_sequence(node, deep=True)}
    return {"!": tag, "value": node.value}


_DataLoader.add_multi_constructor("!", _read_tagged)


def read_hyperparameters(text: str) -> dict[str, Any]:
    r"""Read a `hyperparams.yaml` as data; objects are mappings with their class under `!`, references are resolved.

    Raises:
        NativeLayoutError: It cannot be read.

    Examples:
        >>> read_hyperparameters("a: 2\npool: !new:x.Pooling\n  size: !ref <a>")
        {'a': 2, 'pool': {'!': 'new:x.Pooling', 'size': 2}}
    """
    try:
        # Anchors could blow a few lines up to gigabytes, and no such file has them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise NativeLayoutError(f"its {HYPERPARAMETERS_NAME} has aliases, which are not read")
        content = yaml.load(text, Loader=_DataLoader)  # noqa: S506 - it makes plain data only
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        message = " ".join(str(error).split())[:120]
        raise NativeLayoutError(f"its {HYPERPARAMETERS_NAME} cannot be read ({message})") from None
    if not isinstance(content, dict):
        raise NativeLayoutError(f"its {HYPERPARAMETERS_NAME} holds no names with values")
    return {str(name): _resolve(value, content) for name, value in content.items()}


def _resolve(value: Any, content: Mapping[Any, Any]) -> Any:
    """Replace a reference to a plain value by that value, in an object's arguments, too."""
    if isinstance(value, dict) and value.get("!") == "ref" and "value" in value:
        match = _REFERENCE.fullmatch(str(value["value"]).strip())
        referred = content.get(match[1]) if match else None
        return referred if isinstance(referred, str | int | float | bool) else value
    if isinstance(value, dict) and "!" in value:
        return {name: _resolve(argument, content) for name, argument in value.items()}
    return value


def _object(settings: Mapping[str, Any], name: str) -> tuple[str, Mapping[str, Any]]:
    """Give the last part of an object's class, and its arguments."""
    described = settings.get(name)
    if not isinstance(described, dict) or not str(described.get("!", "")).startswith("new:"):
        raise NativeLayoutError(f"its {HYPERPARAMETERS_NAME} does not say what makes its {name}")
    return str(described["!"]).rpartition(".")[2], described


def _speechbrain_labels(facts: RepoFacts) -> tuple[str, ...]:
    lines = facts.texts.get(LABEL_ENCODER_NAME, "").split("\n====")[0].splitlines()
    matches = [match for line in lines if (match := _LABEL_LINE.fullmatch(line.strip()))]
    named = {int(match["index"]): str(ast.literal_eval(match["label"])) for match in matches}
    if not named or set(named) != set(range(len(matches))):
        raise NativeLayoutError(f"its {LABEL_ENCODER_NAME} does not name its outputs")
    return output_labels(named, len(named))


def _describe_speechbrain(facts: RepoFacts, shapes: Shapes) -> dict[str, Any]:
    settings = read_hyperparameters(facts.texts.get(HYPERPARAMETERS_NAME, ""))
    encoder_class, encoder = _object(settings, "wav2vec2")
    pooling_class, pooling = _object(settings, "avg_pool")
    source = str(encoder.get("source", "")).lower()
    model_type = _ENCODER_CLASSES.get(encoder_class)
    if model_type is None or pooling_class != "StatisticsPooling":
        unknown = encoder_class if model_type is None else pooling_class
        raise NativeLayoutError(f"its {HYPERPARAMETERS_NAME} names {unknown[:60]}, which is not rebuilt")
    if encoder_class == "HuggingFaceWav2Vec2" and "hubert" in source:
        model_type = "hubert"
    if encoder.get("output_all_hiddens"):
        raise NativeLayoutError("its encoder gives the states of all layers, which is not rebuilt")
    statistics = [name for name in ("mean", "std") if pooling.get(f"return_{name}", True)]
    described = encoder_config(shapes, "model.", model_type)
    is_plain_wavlm = model_type == "wavlm" and not described["do_stable_layer_norm"]
    return {
        "encoder": described,
        "statistics": statistics,
        "normalise": "none" if is_plain_wavlm else "layer norm",
        # The default of the classes: on in the first, off in those that came later.
        "normalise_output": bool(encoder.get("output_norm", encoder_class == "HuggingFaceWav2Vec2")),
        "bias": "0.w.bias" in shapes,
        "output_layer": "0.w",
    }


LAYOUTS: tuple[NativeLayout, ...] = (
    NativeLayout(
        VOX_PROFILE,
        lambda facts: _has(facts, "pretrain_model", "output_class_num") and not _has(facts, "model_type"),
        _vox_labels,
        _describe_vox,
    ),
    NativeLayout(
        ODYSSEY,
        lambda facts: (facts.config or {}).get("model_type") == "ser" or _has(facts, "ssl_type", "num_classes", "mean"),
        _odyssey_labels,
        _describe_odyssey,
    ),
    NativeLayout(
        SPEECHBRAIN,
        lambda facts: is_of_speechbrain(facts.names) and "model_type" not in (facts.config or {}),
        _speechbrain_labels,
        _describe_speechbrain,
    ),
)
