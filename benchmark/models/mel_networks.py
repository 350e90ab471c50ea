"""Models of type `bench-mel`: small networks on log-mel spectrograms, trained from scratch.

A model reads samples and computes the spectrogram itself, so `config.json` and the weights say everything. It loads
with `AutoModelForAudioClassification` once `benchmark.register_models()` has been called.
"""

import math
from typing import Any, Literal

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import SequenceClassifierOutput

from benchmark.models.model_types import BENCH_MEL
from benchmark.models.networks import KERNELS, NETWORKS

_FLOOR = 1e-9
"""Of power, below the noise of 16 bits, where a full-scale sine has 1e4; far above the rounding of float32."""
_RANGE = 1e-8
_SILENT_DEVIATION_DB = 1.0
"""Speech has 10 to 20 dB; what is constant up to rounding must not be blown up."""
_DECIBELS = 10 / math.log(10)
_LONGEST_LIST = 16
_CHANNELS = {"cnn": (24, 48, 64, 96, 128), "multiscale": (16, 24, 48, 72), "resnet18": (16, 32, 64, 128)}
_POOLS = {
    "cnn": ((2, 1), (2, 2), (2, 2), (2, 1), (1, 1)),
    "multiscale": ((2, 2), (2, 2), (2, 2), (2, 1)),
    "resnet18": ((2, 2), (2, 2), (2, 2), (2, 2)),
}
_STAGES_OF_RESNET18 = 4
_LIMITS: dict[str, tuple[float, float]] = {
    "attention": (1, 4_096),
    "recurrent": (1, 4_096),
    "dropout": (0, 0.99),
    "sampling_rate": (1_000, 192_000),
    "mels": (4, 512),
    "window": (16, 8_192),
    "hop": (1, 8_192),
    "silence_db": (-1_000, 0),
}
_MOST_CHANNELS, _MOST_POOLED = 4_096, 8
_MOST_OVERLAP = 16


@strict
class MelConfig(PreTrainedConfig):  # type: ignore[misc] # transformers has no types
    """Configuration of a `MelClassifier`.

    Args:
        network: `cnn`, `multiscale`, `resnet18` or `functionals`.
        channels: Of its stages; empty for the network's own. `resnet18` has four.
        pools: Factors by which each stage reduces bands and frames; empty for the network's own, where the number of
            channels is its own, too.
        attention: Hidden units of the attentive pooling.
        recurrent: Units of the BiLSTM of `multiscale` in each direction.
        dropout: Before the last layer.
        mels: Bands of the spectrogram, between `lowest_hz` and `highest_hz`.
        window: Samples of a frame; its discrete Fourier transform has as many points.
        hop: Samples from one frame to the next.
        silence_db: Frames at the beginning and the end whose level lies this far below the loudest are left out.

    Raises:
        ValueError: A value is beyond its limits, or they contradict each other.

    Examples:
        >>> MelConfig(network="cnn").channels
        [24, 48, 64, 96, 128]
    """

    model_type = BENCH_MEL

    network: Literal["cnn", "multiscale", "resnet18", "functionals"] = "cnn"
    channels: list[int] | tuple[int, ...] = ()
    pools: list[list[int]] | tuple[tuple[int, ...], ...] = ()
    attention: int = 64
    recurrent: int = 32
    dropout: float | int = 0.3
    sampling_rate: int = 16_000
    mels: int = 64
    lowest_hz: float | int = 50.0
    highest_hz: float | int = 7_800.0
    window: int = 400
    hop: int = 160
    silence_db: float | int = -40.0

    def __post_init__(self, **rest: Any) -> None:
        if isinstance(self.network, str) and not self.channels:
            self.channels = list(_CHANNELS.get(self.network, ()))
        if isinstance(self.network, str) and not self.pools:
            self.pools = [list(pool) for pool in _POOLS.get(self.network, ())]
        super().__post_init__(**rest)

    @property
    def shortest_samples(self) -> int:
        """Samples of one frame."""
        return int(self.window)

    def validate_sizes(self) -> None:
        """Refuse what no such model has, before anything is made of it."""
        for name, (least, most) in _LIMITS.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from {least} to {most}")
        if self.window > _MOST_OVERLAP * self.hop:
            raise ValueError(f"window must be at most {_MOST_OVERLAP} times hop")
        if not 0 <= self.lowest_hz < self.highest_hz <= self.sampling_rate / 2:
            raise ValueError("lowest_hz must lie below highest_hz, and that at most at half the sampling_rate")
        if len(self.channels) > _LONGEST_LIST or len(self.channels) != len(self.pools):
            raise ValueError(f"pools must have one entry for each of at most {_LONGEST_LIST} channels")
        if not self.channels and self.network != "functionals":
            raise ValueError(f"{self.network} needs channels")
        if self.network == "resnet18" and len(self.channels) != _STAGES_OF_RESNET18:
            raise ValueError(f"resnet18 has {_STAGES_OF_RESNET18} channels, one for each stage")
        if self.network == "multiscale" and min(self.channels[1:], default=len(KERNELS)) < len(KERNELS):
            raise ValueError(f"multiscale needs {len(KERNELS)} channels or more behind the first stage")
        if not all(1 <= count <= _MOST_CHANNELS for count in self.channels):
            raise ValueError(f"channels must be from 1 to {_MOST_CHANNELS}")
        if not all(len(pool) == 2 and all(1 <= factor <= _MOST_POOLED for factor in pool) for pool in self.pools):  # noqa: PLR2004 - bands and frames
            raise ValueError(f"pools must be pairs of numbers from 1 to {_MOST_POOLED}")


class LogMel(nn.Module):
    """Log-mel spectrogram in decibels, by convolution with the bases of a discrete Fourier transform.

    The bases are stored with the weights: a checkpoint depends on no library's filters, and converters know
    convolutions. The filters are triangles on the HTK scale.
    """

    basis: Tensor
    filters: Tensor

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.config = config
        bins = config.window // 2 + 1
        self.register_buffer("basis", torch.empty(2 * bins, 1, config.window))
        self.register_buffer("filters", torch.empty(config.mels, bins))

    def reset_parameters(self) -> None:
        """Compute the bases and the filters."""
        config = self.config
        time = torch.arange(config.window, dtype=torch.float64)
        frequency = torch.arange(config.window // 2 + 1, dtype=torch.float64)
        # Whole periods are taken out first, so that the angles stay small and exact.
        angle = 2 * math.pi / config.window * (frequency[:, None] * time % config.window)
        taper = 0.5 - 0.5 * torch.cos(2 * math.pi * time / config.window)
        init.copy_(self.basis, torch.cat([angle.cos() * taper, angle.sin() * taper])[:, None])
        low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (config.lowest_hz, config.highest_hz))
        edges = 700 * (10 ** (torch.linspace(low, high, config.mels + 2, dtype=torch.float64) / 2595) - 1)
        hertz = frequency * config.sampling_rate / config.window
        rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
        init.copy_(self.filters, torch.minimum(rising, falling).clamp(min=0))

    def forward(self, samples: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Transform samples of shape (clips, samples).

        Values more than 80 dB below the loudest of their clip are raised to that: only rounding would tell them apart.

        Args:
            samples: At least one window each.
            valid: 1 for samples, 0 for padding behind them, shape (clips, samples).

        Returns:
            Decibels, shape (clips, mels, frames), and 1 for each frame from the first loud one to the last, else 0,
            shape (clips, frames).
        """
        with torch.autocast(samples.device.type, enabled=False):
            spectrum = functional.conv1d(samples[:, None].to(self.basis.dtype), self.basis, stride=self.config.hop)
            real, imaginary = spectrum.chunk(2, dim=1)
            power = self.filters @ (real.square() + imaginary.square())
        if valid is not None:
            # The last sample of each frame tells: padding is behind the samples.
            whole = valid[:, self.config.window - 1 :: self.config.hop].to(power.dtype, copy=True)
            whole[:, 0] = 1  # of a clip that is too short
            power = power * whole[:, None]
        energy = power.sum(dim=1).clamp(min=_FLOOR)
        threshold = energy.amax(dim=1, keepdim=True) * 10 ** (self.config.silence_db / 10)
        loud = (energy >= threshold).to(power.dtype)
        if valid is not None:
            loud = loud * whole
        before = loud.cumsum(dim=1)
        behind = before[:, -1:] - before + loud
        inside = ((before > 0) & (behind > 0)).to(power.dtype)
        least = (power.amax(dim=(1, 2), keepdim=True) * _RANGE).clamp(min=_FLOOR)
        return _DECIBELS * torch.maximum(power, least).log(), inside


def standardise(mels: Tensor, inside: Tensor) -> Tensor:
    """Bring each recording to mean 0 and deviation 1 over its frames `inside`, all bands together; 0 outside."""
    weights = inside[:, None]
    count = (weights.sum(dim=(1, 2), keepdim=True) * mels.shape[1]).clamp(min=1)
    mean = (mels * weights).sum(dim=(1, 2), keepdim=True) / count
    centred = (mels - mean) * weights
    deviation = (centred.square().sum(dim=(1, 2), keepdim=True) / count).sqrt()
    return centred / deviation.clamp(min=_SILENT_DEVIATION_DB)


class MelEncoder(nn.Module):
    """The spectrogram and the network: all but the last layer."""

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.spectrogram = LogMel(config)
        self.network = NETWORKS[config.network](config)


class MelClassifier(PreTrainedModel):  # type: ignore[misc] # transformers has no types
    """A network on log-mel spectrograms with a linear layer behind it.

    Examples:
        >>> model = MelClassifier(MelConfig(network="functionals", num_labels=3)).eval()
        >>> model(torch.zeros(2, 16_000)).logits.shape
        torch.Size([2, 3])
    """

    config_class = MelConfig
    base_model_prefix = "encoder"
    main_input_name = "input_values"
    # Powers span more than half precision holds.
    _keep_in_fp32_modules_strict = ("spectrogram",)

    def __init__(self, config: MelConfig) -> None:
        super().__init__(config)
        self.loss_type = "ForSequenceClassification"  # else transformers warns when the model is traced
        self.encoder = MelEncoder(config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(self.encoder.network.width, config.num_labels)
        self.post_init()

    def mels(self, input_values: Tensor, attention_mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compute standardised log-mels and the frames that count.

        Args:
            input_values: Samples, shape (clips, samples), at least one window.
            attention_mask: 1 for samples, 0 for padding behind them; None where there is none.

        Returns:
            Shape (clips, mels, frames), and 1 for frames inside the speech and 0 outside, shape (clips, frames).
        """
        mels, inside = self.encoder.spectrogram(input_values, attention_mask)
        return standardise(mels, inside), inside

    def classify(self, mels: Tensor, inside: Tensor) -> Tensor:
        """Compute logits of shape (clips, labels) from what `mels` gives, or from excerpts of it."""
        # Excerpts without padding, as in training, spare the multiplications; the branch must not be traced.
        whole = self.training and bool(inside.all())
        if not whole:
            # Frames that do not count change nothing; without them, OpenVINO 2026.4 pools one frame to garbage.
            spare = math.prod(pool[1] for pool in self.config.pools)
            mels, inside = functional.pad(mels, (0, spare)), functional.pad(inside, (0, spare))
        vectors = self.encoder.network(mels.to(self.dtype), None if whole else inside.to(self.dtype))
        logits: Tensor = self.classifier(self.dropout(vectors))
        return logits

    def forward(
        self, input_values: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **_: Any
    ) -> SequenceClassifierOutput:
        """Compute logits, and with `labels` (indices, or probabilities of classes) the cross-entropy.

        Args:
            input_values: Samples at the configuration's rate, shape (clips, samples).
            attention_mask: As for `mels`.
            labels: Shape (clips,) or (clips, labels).
        """
        logits = self.classify(*self.mels(input_values, attention_mask))
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def _init_weights(self, module: nn.Module) -> None:
        """Initialise as torch does, which suits layers behind a normalisation; called for what a load lacks, too."""
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if module.affine:
                init.ones_(module.weight)
                init.zeros_(module.bias)
            init.zeros_(module.running_mean)
            init.ones_(module.running_var)
            init.zeros_(module.num_batches_tracked)
        elif hasattr(module, "reset_parameters"):
            module.reset_parameters()  # type: ignore[operator] # of torch's layers, a method
