"""Checkpoints of native layouts with random weights, implemented independently of bench.

The arithmetic follows the published classes: `WavLMWrapper` of Vox-Profile, `SERModel` of the Odyssey baseline, and
SpeechBrain's interface for wav2vec2 (without the noise that its pooling adds).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel

Logits = Callable[[NDArray[np.float32]], NDArray[np.float32]]
CONVOLUTIONS: dict[str, Any] = {
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
}
VOX_LABELS = ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise", "Other")
ODYSSEY_LABELS = ("Angry", "Sad", "Happy", "Surprise", "Fear", "Disgust", "Contempt", "Neutral")
SPEECHBRAIN_LABELS = ("neu", "ang", "hap", "sad")


def make_encoder(model_type: str, *, width: int, heads: int, large: bool, **fields: Any) -> Any:
    """Make an encoder with random weights, of the kind of large models or of base models."""
    norm = {"feat_extract_norm": "layer" if large else "group", "do_stable_layer_norm": large, "conv_bias": large}
    config = AutoConfig.for_model(
        model_type, hidden_size=width, num_attention_heads=heads, **{**CONVOLUTIONS, **norm, **fields}
    )
    encoder = AutoModel.from_config(config).eval()
    # transformers begins with biases of zero and norms of one, which would hide what leaves them out.
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return encoder


def _disturb(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)


@dataclass(frozen=True, kw_only=True)
class VoxProfile:
    """A variant of a model of Vox-Profile.

    Attributes:
        fields: Further fields of the encoder's configuration.
        config: Fields of `config.json` to replace.
        leave_out: A tensor to leave out.
    """

    width: int = 32
    heads: int = 4
    hidden: int = 16
    large: bool = True
    use_conv_output: bool = True
    fields: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    lora: bool = False
    leave_out: str = ""


def write_vox_profile(folder: Path, variant: VoxProfile | None = None) -> Logits:
    """Write a checkpoint as `PyTorchModelHubMixin` saves `WavLMWrapper`, and give its forward pass."""
    torch.manual_seed(0)
    variant = variant or VoxProfile()
    width, hidden = variant.width, variant.hidden
    encoder = make_encoder("wavlm", width=width, heads=variant.heads, large=variant.large, **variant.fields)
    weights = torch.randn(encoder.config.num_hidden_layers + variant.use_conv_output)
    convolutions = nn.Sequential(
        nn.Conv1d(width, hidden, 1),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Conv1d(hidden, hidden, 1),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Conv1d(hidden, hidden, 1),
    ).eval()
    outputs = {"emotion": 9, "detailed_out": 17, "arousal": 1, "valence": 1, "dominance": 1}
    heads = {
        f"{name}_layer": nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, count))
        for name, count in outputs.items()
    }
    for module in (convolutions, *heads.values()):
        _disturb(module)
    tensors = {f"backbone_model.{name}": value for name, value in encoder.state_dict().items()}
    tensors |= {f"model_seq.{name}": value for name, value in convolutions.state_dict().items()} | {"weights": weights}
    for name, module in heads.items():
        tensors |= {f"{name}.{part}": value for part, value in module.state_dict().items()}
    if variant.lora:
        tensors["backbone_model.encoder.layers.1.feed_forward.output_dense.lora_A"] = torch.ones(2, 24)
    tensors.pop(variant.leave_out, None)
    described = {
        **{"pretrain_model": "wavlm_large" if variant.large else "wavlm", "hidden_dim": hidden, "lora_rank": 16},
        **{"finetune_method": "finetune", "freeze_params": False, "use_conv_output": variant.use_conv_output},
        **{"output_class_num": 9, "detailed_class_num": 17, **variant.config},
    }
    _write(folder, described, tensors)

    def logits(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        values = samples.astype(np.float64)
        if variant.large:
            values = (values - values.mean()) / np.sqrt(values.var() + 1e-7)
        with torch.no_grad():
            audio = torch.tensor(values, dtype=torch.float32)[None]
            every = encoder(audio, output_hidden_states=True).hidden_states
            chosen = torch.stack(every if variant.use_conv_output else every[1:])
            share = functional.softmax(weights, dim=-1)
            mixed = torch.stack([share[index] * chosen[index] for index in range(len(chosen))]).sum(dim=0)
            frames = convolutions(mixed.transpose(1, 2)).transpose(1, 2)
            return np.asarray(heads["emotion_layer"](torch.mean(frames, dim=1))[0])

    return logits


@dataclass(frozen=True, kw_only=True)
class Odyssey:
    """A variant of the Odyssey baseline."""

    width: int = 32
    heads: int = 4
    blocks: int = 1
    labels: tuple[str, ...] = ODYSSEY_LABELS
    file: str = "model.safetensors"


def write_odyssey(folder: Path, variant: Odyssey | None = None) -> Logits:
    """Write a checkpoint as `SERModel` is saved, and give its forward pass."""
    torch.manual_seed(0)
    variant = variant or Odyssey()
    width, labels = variant.width, variant.labels
    encoder = make_encoder("wavlm", width=width, heads=variant.heads, large=True)
    attend, vector, out = nn.Linear(width, width), torch.randn(width, 1), nn.Linear(width, len(labels))
    inputs = [2 * width, *[width] * (variant.blocks - 1)]
    blocks = [nn.Sequential(nn.Linear(size, width), nn.LayerNorm(width), nn.ReLU()) for size in inputs]
    for module in (attend, out, *blocks):
        _disturb(module)
    tensors = {f"ssl_model.{name}": value for name, value in encoder.state_dict().items()}
    tensors |= {f"pool_model.sap_linear.{name}": value for name, value in attend.state_dict().items()}
    tensors |= {f"ser_model.out.0.{name}": value for name, value in out.state_dict().items()}
    for index, block in enumerate(blocks):
        tensors |= {f"ser_model.fc.{index}.{name}": value for name, value in block.state_dict().items()}
    described: dict[str, Any] = {
        **{"model_type": "ser", "architectures": ["SERModel"], "ssl_type": "microsoft/wavlm-large"},
        **{"auto_map": {"AutoConfig": "x.SERConfig", "AutoModelForAudioClassification": "x.SERModel"}},
        **{"num_classes": len(labels), "id2label": {str(index): label for index, label in enumerate(labels)}},
        **{"hidden_size": width, "classifier_hidden_layers": variant.blocks, "classifier_dropout_prob": 0.5},
        **{"sampling_rate": 16_000, "mean": -8.3e-05, "std": 0.089},
    }
    _write(folder, described, tensors | {"pool_model.attention": vector}, variant.file)

    def logits(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            audio = (torch.from_numpy(samples)[None] - described["mean"]) / (described["std"] + 1e-6)
            frames = encoder(audio, attention_mask=torch.ones_like(audio, dtype=torch.long)).last_hidden_state[0]
            share = functional.softmax(torch.matmul(torch.tanh(attend(frames)), vector)[:, 0], dim=0)[:, None]
            mean = torch.sum(frames * share, dim=0)
            deviation = torch.sqrt((torch.sum(frames**2 * share, dim=0) - mean**2).clamp(min=1e-5))
            values = torch.cat((mean, deviation))[None]
            for block in blocks:
                values = block(values)
            return np.asarray(out(values)[0])

    return logits


@dataclass(frozen=True, kw_only=True)
class SpeechBrain:
    """A variant of a model of SpeechBrain."""

    width: int = 64
    encoder: str = "wav2vec2"
    module: str = "speechbrain.lobes.models.huggingface_wav2vec.HuggingFaceWav2Vec2"
    source: str = "facebook/wav2vec2-base"
    large: bool = False
    output_norm: bool | None = True
    statistics: tuple[str, ...] = ("mean",)
    bias: bool = False


NEWER_WAVLM = "speechbrain.lobes.models.huggingface_transformers.wavlm.WavLM"
HYPERPARAMETERS = """
# Hparams NEEDED
HPARAMS_NEEDED: ["encoder_dim", "out_n_neurons", "label_encoder", "softmax"]
MODULES_NEEDED: ["wav2vec2", "avg_pool", "output_mlp"]
seed: 1993
__set_seed: !apply:torch.manual_seed [!ref <seed>]
wav2vec2_hub: {source}
pretrained_path: somebody/something
encoder_dim: {width}
out_n_neurons: {labels}
wav2vec2: !new:{module}
    source: !ref <wav2vec2_hub>
{output_norm}    freeze: True
    save_path: wav2vec2_checkpoints
avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
{statistics}
output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: !ref <encoder_dim>
    n_neurons: !ref <out_n_neurons>
    bias: {bias}
model: !new:torch.nn.ModuleList
    - [!ref <output_mlp>]
modules:
    wav2vec2: !ref <wav2vec2>
    output_mlp: !ref <output_mlp>
    avg_pool: !ref <avg_pool>
softmax: !new:speechbrain.nnet.activations.Softmax
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        wav2vec2: !ref <wav2vec2>
        model: !ref <model>
    paths:
        wav2vec2: !ref <pretrained_path>/wav2vec2.ckpt
        model: !ref <pretrained_path>/model.ckpt
"""


def write_speechbrain(folder: Path, variant: SpeechBrain | None = None) -> Logits:
    """Write a checkpoint as SpeechBrain publishes it, and give its forward pass."""
    torch.manual_seed(0)
    variant, labels = variant or SpeechBrain(), SPEECHBRAIN_LABELS
    encoder = make_encoder(variant.encoder, width=variant.width, heads=max(1, variant.width // 64), large=variant.large)
    last = nn.Linear(variant.width * len(variant.statistics), len(labels), bias=variant.bias)
    _disturb(last)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({f"model.{name}": value for name, value in encoder.state_dict().items()}, folder / "wav2vec2.ckpt")
    torch.save({f"0.w.{name}": value for name, value in last.state_dict().items()}, folder / "model.ckpt")
    lines = [f"'{label}' => {index}" for index, label in enumerate(labels)]
    (folder / "label_encoder.txt").write_text("\n".join([*lines, "================", "'starting_index' => 0", ""]))
    (folder / "config.json").write_text('{"speechbrain_interface": "custom"}')
    (folder / "custom_interface.py").write_text("raise SystemExit")
    text = HYPERPARAMETERS.format(
        source=variant.source,
        width=variant.width,
        labels=len(labels),
        module=variant.module,
        output_norm="" if variant.output_norm is None else f"    output_norm: {variant.output_norm}\n",
        statistics="\n".join(f"    return_{name}: {name in variant.statistics}" for name in ("mean", "std")),
        bias=variant.bias,
    )
    (folder / "hyperparams.yaml").write_text(text)
    # The older class normalises its output unless it is told not to, the newer ones only if they are told to.
    normalises = variant.module.endswith("HuggingFaceWav2Vec2") if variant.output_norm is None else variant.output_norm
    is_plain_wavlm = variant.encoder == "wavlm" and not variant.large

    def logits(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            audio = torch.from_numpy(samples)[None]
            frames = encoder(audio if is_plain_wavlm else functional.layer_norm(audio, audio.shape))[0]
            if normalises:
                frames = functional.layer_norm(frames, frames.shape)
            pooled = {"mean": frames.mean(dim=1), "std": frames.std(dim=1) + 1e-5}
            return np.asarray(last(torch.cat([pooled[name] for name in variant.statistics], dim=1))[0])

    return logits


def _write(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], file: str = "model.safetensors"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    whole = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    if file.endswith(".safetensors"):
        save_file(whole, folder / file)
    else:
        torch.save(whole, folder / file)
