"""Models of type `bench-native`: what other toolkits saved, with modules named as the checkpoint's tensors are.

`benchmark.models.native_layouts` derives the configuration from a repository; see there for the sources. One clip at a
time, a model answers as the original does. The original of SpeechBrain also adds noise of 1e-5 to 9e-5 to the mean over
time, even when it answers; here there is none.
"""

from typing import Any, Literal

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from benchmark.models.inference import nested_config, shortest_samples
from benchmark.models.model_types import BENCH_NATIVE
from benchmark.models.native_layouts import ODYSSEY, SPEECHBRAIN, VOX_PROFILE

_TIME = 1
_MOST_HIDDEN, _MOST_BLOCKS = 16_384, 64
_ENCODERS = frozenset({"wav2vec2", "hubert", "wavlm"})
# Of the originals: added to the standard deviation of the input, and the least variance of pooled frames.
_BESIDE_DEVIATION, _LEAST_VARIANCE = 1e-6, 1e-5
_BESIDE_POOLED_DEVIATION = 1e-5


@strict
class NativeConfig(PreTrainedConfig):  # type: ignore[misc] # transformers has no types
    """Configuration of a `NativeClassifier`.

    Args:
        layout: `vox-profile`, `odyssey` or `speechbrain`.
        encoder: The configuration of the encoder, with its `model_type`.
        hidden: Width of the layers of the head (vox-profile, odyssey).
        blocks: Hidden layers of the head (odyssey).
        with_input_state: Whether the weighted sum begins with what goes into the first layer (vox-profile).
        statistics: What is pooled over time: `mean`, `std` or both (speechbrain).
        bias: Whether the last layer has one (speechbrain).
        normalise: How samples are normalised: not at all, by the extractor, by `constants` (`mean` and `std`), or by a
            `layer norm` over the clip.
        normalise_output: Whether frames are brought to mean 0 and variance 1 over the clip (speechbrain).

    Raises:
        ValueError: A value is beyond its limits.
    """

    model_type = BENCH_NATIVE

    layout: Literal["vox-profile", "odyssey", "speechbrain"] = "vox-profile"
    encoder: dict[str, Any] | None = None
    hidden: int = 256
    blocks: int = 1
    with_input_state: bool = True
    statistics: list[str] | None = None
    bias: bool = False
    normalise: Literal["none", "extractor", "constants", "layer norm"] = "none"
    normalise_output: bool = False
    mean: float | int = 0.0
    std: float | int = 1.0
    sampling_rate: int = 16_000

    @property
    def shortest_samples(self) -> int:
        """Samples of one frame."""
        return shortest_samples(self.encoder_config())

    def encoder_config(self) -> Any:
        """Make the configuration of the encoder."""
        return nested_config(self.encoder or {})

    def validate_parts(self) -> None:
        """Refuse what no such model has, before anything is made of it."""
        if not 1 <= self.hidden <= _MOST_HIDDEN or not 1 <= self.blocks <= _MOST_BLOCKS:
            raise ValueError(f"hidden must be from 1 to {_MOST_HIDDEN}, and blocks from 1 to {_MOST_BLOCKS}")
        if self.encoder is not None and self.encoder.get("model_type") not in _ENCODERS:
            raise ValueError(f"the encoder must be one of {', '.join(sorted(_ENCODERS))}")
        if not set(self.statistics or ()) <= {"mean", "std"}:
            raise ValueError("statistics are mean and std")


class NativeClassifier(PreTrainedModel):  # type: ignore[misc] # transformers has no types
    """An encoder with the head of another toolkit's model."""

    config_class = NativeConfig
    main_input_name = "input_values"

    def __init__(self, config: NativeConfig) -> None:
        super().__init__(config)
        if config.encoder is None:
            raise ValueError("a native classifier needs an encoder")
        self.loss_type = "ForSequenceClassification"  # else transformers warns when the model is traced
        encoder = AutoModel.from_config(config.encoder_config(), dtype=torch.get_default_dtype())
        {VOX_PROFILE: _make_vox, ODYSSEY: _make_odyssey, SPEECHBRAIN: _make_speechbrain}[config.layout](
            self, encoder, config
        )
        self.post_init()

    def forward(self, input_values: Tensor, **_: Any) -> SequenceClassifierOutput:
        """Compute logits of shape (clips, labels) from samples of shape (clips, samples), without padding."""
        config = self.config
        if config.normalise == "constants":
            input_values = (input_values - config.mean) / (config.std + _BESIDE_DEVIATION)
        elif config.normalise == "layer norm":
            input_values = functional.layer_norm(input_values, input_values.shape[_TIME:])
        answer = {VOX_PROFILE: _answer_vox, ODYSSEY: _answer_odyssey, SPEECHBRAIN: _answer_speechbrain}[config.layout]
        return SequenceClassifierOutput(logits=answer(self, input_values))


def _make_vox(model: Any, encoder: Any, config: NativeConfig) -> None:
    hidden, states = config.hidden, encoder.config.num_hidden_layers + config.with_input_state
    model.backbone_model = encoder
    model.model_seq = nn.Sequential(
        nn.Conv1d(encoder.config.hidden_size, hidden, 1),
        nn.ReLU(),
        nn.Identity(),  # dropout in training
        nn.Conv1d(hidden, hidden, 1),
        nn.ReLU(),
        nn.Identity(),
        nn.Conv1d(hidden, hidden, 1),
    )
    model.weights = nn.Parameter(torch.zeros(states))
    model.emotion_layer = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, config.num_labels))


def _answer_vox(model: Any, samples: Tensor) -> Tensor:
    states = model.backbone_model(samples, output_hidden_states=True).hidden_states
    stacked = torch.stack(states[len(states) - len(model.weights) :])
    weighted = (model.weights.softmax(dim=0)[:, None, None, None] * stacked).sum(dim=0)
    frames = model.model_seq(weighted.transpose(1, 2))
    logits: Tensor = model.emotion_layer(frames.mean(dim=2))
    return logits


def _make_odyssey(model: Any, encoder: Any, config: NativeConfig) -> None:
    width, hidden = encoder.config.hidden_size, config.hidden
    model.ssl_model = encoder
    model.pool_model = nn.Module()
    model.pool_model.sap_linear = nn.Linear(width, width)
    model.pool_model.attention = nn.Parameter(torch.zeros(width, 1))
    model.ser_model = nn.Module()
    inputs = [2 * width, *[hidden] * (config.blocks - 1)]
    model.ser_model.fc = nn.ModuleList(
        nn.Sequential(nn.Linear(size, hidden), nn.LayerNorm(hidden), nn.ReLU()) for size in inputs
    )
    model.ser_model.out = nn.Sequential(nn.Linear(hidden, config.num_labels))


def _answer_odyssey(model: Any, samples: Tensor) -> Tensor:
    frames, pool = model.ssl_model(samples).last_hidden_state, model.pool_model
    weights = (torch.tanh(pool.sap_linear(frames)) @ pool.attention).softmax(dim=_TIME)
    mean = (frames * weights).sum(dim=_TIME)
    variance = (frames**2 * weights).sum(dim=_TIME) - mean**2
    values = torch.cat([mean, variance.clamp(min=_LEAST_VARIANCE).sqrt()], dim=1)
    for block in model.ser_model.fc:
        values = block(values)
    logits: Tensor = model.ser_model.out(values)
    return logits


def _make_speechbrain(model: Any, encoder: Any, config: NativeConfig) -> None:
    model.model = encoder
    width = encoder.config.hidden_size * len(config.statistics or ["mean"])
    head = nn.Module()
    head.w = nn.Linear(width, config.num_labels, bias=config.bias)
    model.add_module("0", head)


def _answer_speechbrain(model: Any, samples: Tensor) -> Tensor:
    config, frames = model.config, model.model(samples).last_hidden_state
    if config.normalise_output:
        frames = functional.layer_norm(frames, frames.shape[_TIME:])
    pooled = []
    for statistic in config.statistics or ["mean"]:
        is_mean = statistic == "mean"
        pooled.append(frames.mean(dim=_TIME) if is_mean else frames.std(dim=_TIME) + _BESIDE_POOLED_DEVIATION)
    logits: Tensor = getattr(model, "0").w(torch.cat(pooled, dim=1))
    return logits
