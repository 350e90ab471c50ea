"""Networks that turn log-mel spectrograms into one vector per clip. Padding never changes a vector.

All of them take spectrograms of shape (clips, mels, frames) and `inside` of shape (clips, frames): 1 for frames that
count, 0 for padding and for silence around the speech; None where all frames count. What lies outside is set to zero
behind each layer, like the zeros that convolutions pad with, so a clip in a padded batch has the vector it has alone.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from benchmark.models.mel_networks import MelConfig

KERNELS = (3, 5, 7)
"""Of `multiscale`, in parallel."""
_BLOCKS_PER_STAGE = 2
_PERCENTILES = (0.1, 0.5, 0.9)
_HIDDEN_SCORE = -1e4
_SMALLEST_VARIANCE = 1e-6
_ABOVE_ALL_MELS = 1e4

Inside = Tensor | None


class Network(nn.Module):
    """A network; `width` is the length of its vectors."""

    width: int

    def image(self, mels: Tensor) -> Tensor:
        """Add an axis for channels: shape (clips, 1, mels, frames).

        In memory it comes last, and so it does in all that convolutions make of it: max pooling and normalisation on a
        CPU are faster so.
        """
        return mels[..., None].permute(0, 3, 1, 2)


class Cnn(Network):
    """Convolutions of 3×3 with batch normalisation and max pooling, then attentive pooling over time."""

    def __init__(self, config: "MelConfig") -> None:
        super().__init__()
        sizes = pairwise([1, *config.channels])
        self.stages = nn.ModuleList(_Convolution(*size, pool) for size, pool in zip(sizes, config.pools, strict=True))
        self.pooling = AttentivePooling(config.channels[-1] * bands_left(config), config.attention)
        self.width = self.pooling.width

    def forward(self, mels: Tensor, inside: Inside) -> Tensor:
        """Give vectors of shape (clips, width)."""
        values = self.image(mels)
        for stage in self.stages:
            values, inside = stage(values, inside)
        vectors: Tensor = self.pooling(values.flatten(1, 2).transpose(1, 2), inside)
        return vectors


class Multiscale(Network):
    """Blocks of parallel 3×3, 5×5 and 7×7 convolutions with squeeze-excitation, a BiLSTM, attentive pooling."""

    def __init__(self, config: "MelConfig") -> None:
        super().__init__()
        self.stem = _Convolution(1, config.channels[0], config.pools[0])
        sizes = zip(pairwise(config.channels), config.pools[1:], strict=True)
        self.blocks = nn.ModuleList(_MultiscaleBlock(*size, pool) for size, pool in sizes)
        # Without a bias, zeros outside stay zeros in both directions; the last input, 1 inside, takes its place.
        features = config.channels[-1] * bands_left(config) + 1
        self.recurrent = nn.LSTM(features, config.recurrent, bias=False, bidirectional=True, batch_first=True)
        self.pooling = AttentivePooling(2 * config.recurrent, config.attention)
        self.width = self.pooling.width

    def forward(self, mels: Tensor, inside: Inside) -> Tensor:
        """Give vectors of shape (clips, width)."""
        values, inside = self.stem(self.image(mels), inside)
        for block in self.blocks:
            values, inside = block(values, inside)
        frames = values.flatten(1, 2).transpose(1, 2)
        counts = torch.ones_like(frames[..., :1]) if inside is None else inside[..., None]
        frames, _ = self.recurrent(torch.cat([frames, counts], dim=2))
        vectors: Tensor = self.pooling(frames, inside)
        return vectors


class ResNet(Network):
    """A residual network of two basic blocks per stage (He et al. 2016, doi 10.1109/CVPR.2016.90), attentive pooling.

    Its stem is a convolution of 3×3; each later stage begins with a stride instead of pooling.
    """

    def __init__(self, config: "MelConfig") -> None:
        super().__init__()
        first = config.channels[0]
        self.stem = _Convolution(1, first, config.pools[0])
        strides = [(1, 1), *config.pools[1:]]
        blocks: list[nn.Module] = []
        for (before, after), stride in zip(pairwise([first, *config.channels]), strides, strict=True):
            blocks += [_ResidualBlock(before, after, stride)]
            blocks += [_ResidualBlock(after, after, (1, 1)) for _ in range(_BLOCKS_PER_STAGE - 1)]
        self.blocks = nn.ModuleList(blocks)
        self.pooling = AttentivePooling(config.channels[-1] * bands_left(config), config.attention)
        self.width = self.pooling.width

    def forward(self, mels: Tensor, inside: Inside) -> Tensor:
        """Give vectors of shape (clips, width)."""
        values, inside = self.stem(self.image(mels), inside)
        for block in self.blocks:
            values, inside = block(values, inside)
        vectors: Tensor = self.pooling(values.flatten(1, 2).transpose(1, 2), inside)
        return vectors


class Functionals(Network):
    """Statistics over time of log-mels and of their changes; there is nothing to train but the standardisation.

    Of each band and of its differences from frame to frame: mean, deviation, 10th, 50th and 90th percentile (nearest
    rank). They are standardised by the mean and the variance of the training clips, which `norm` collects in training
    mode; set `norm.running_mean` and `norm.running_var` to fit them in one step.
    """

    def __init__(self, config: "MelConfig") -> None:
        super().__init__()
        self.width = 2 * config.mels * (2 + len(_PERCENTILES))
        self.norm = nn.BatchNorm1d(self.width, affine=False, momentum=None)

    def forward(self, mels: Tensor, inside: Inside) -> Tensor:
        """Give standardised statistics of shape (clips, width)."""
        statistics, norm = self.statistics(mels, inside), self.norm
        if self.training:
            vectors: Tensor = norm(statistics)
            return vectors
        # What `norm` computes; torch's ONNX exporter takes no normalisation of statistics whose number it cannot infer.
        mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
        return (statistics - mean) / (variance + norm.eps).sqrt()

    def statistics(self, mels: Tensor, inside: Inside) -> Tensor:
        """Give statistics of shape (clips, width), not standardised; a clip of one frame has changes of 0."""
        counts = torch.ones_like(mels[:, 0]) if inside is None else inside
        changes = mels[..., 1:] - mels[..., :-1]
        both = counts[:, 1:] * counts[:, :-1]
        # A frame that does not count is added, so that there is one to sort and to take the extremes of.
        changes, both = functional.pad(changes, (0, 1)), functional.pad(both, (0, 1))
        return torch.cat([_statistics(mels, counts), _statistics(changes, both)], dim=1)


class AttentivePooling(nn.Module):
    """Mean and deviation over time, weighted by attention (Okabe et al. 2018, doi 10.21437/Interspeech.2018-993)."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.width = 2 * features

    def forward(self, frames: Tensor, inside: Inside) -> Tensor:
        """Pool frames of shape (clips, frames, features) to (clips, width)."""
        scores = self.attention(frames)
        if inside is not None:
            scores = scores.masked_fill(inside[..., None] == 0, _HIDDEN_SCORE)
        weights = scores.softmax(dim=1)
        mean = (frames * weights).sum(dim=1)
        variance = ((frames - mean[:, None]).square() * weights).sum(dim=1)
        return torch.cat([mean, (variance + _SMALLEST_VARIANCE).sqrt()], dim=1)


class _Convolution(nn.Module):
    def __init__(self, before: int, after: int, pool: Sequence[int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.pool = (pool[0], pool[1])

    def forward(self, values: Tensor, inside: Inside) -> tuple[Tensor, Inside]:
        return _rectified_and_pooled(self.norm(self.conv(values)), inside, self.pool)


class _MultiscaleBlock(nn.Module):
    def __init__(self, before: int, after: int, pool: Sequence[int]) -> None:
        super().__init__()
        shares = [after // len(KERNELS) + (index < after % len(KERNELS)) for index in range(len(KERNELS))]
        self.convs = nn.ModuleList(
            nn.Conv2d(before, share, kernel, padding=kernel // 2, bias=False)
            for kernel, share in zip(KERNELS, shares, strict=True)
        )
        self.norm = nn.BatchNorm2d(after)
        self.excitation = _SqueezeExcitation(after)
        self.pool = (pool[0], pool[1])

    def forward(self, values: Tensor, inside: Inside) -> tuple[Tensor, Inside]:
        values = self.norm(torch.cat([conv(values) for conv in self.convs], dim=1))
        values, inside = _rectified_and_pooled(values, inside, self.pool)
        return self.excitation(values, inside), inside


class _SqueezeExcitation(nn.Module):
    """Scales channels by what all frames hold (Hu et al. 2018, doi 10.1109/CVPR.2018.00745)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // 4)
        self.gate = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid())

    def forward(self, values: Tensor, inside: Inside) -> Tensor:
        squeezed = values.mean(dim=2)
        if inside is None:
            squeezed = squeezed.mean(dim=2)
        else:
            squeezed = squeezed.sum(dim=2) / inside.sum(dim=1, keepdim=True).clamp(min=1)
        gate: Tensor = self.gate(squeezed)
        return values * gate[:, :, None, None]


class _ResidualBlock(nn.Module):
    def __init__(self, before: int, after: int, stride: Sequence[int]) -> None:
        super().__init__()
        self.stride = (stride[0], stride[1])
        self.conv1 = nn.Conv2d(before, after, 3, self.stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if before != after or self.stride != (1, 1):
            conv = nn.Conv2d(before, after, 1, self.stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(after))

    def forward(self, values: Tensor, inside: Inside) -> tuple[Tensor, Inside]:
        inside = _pooled(inside, self.stride[1])
        hidden = _masked(functional.relu(self.norm1(self.conv1(values))), inside)
        hidden = self.norm2(self.conv2(hidden)) + self.shortcut(values)
        return _masked(functional.relu(hidden), inside), inside


def bands_left(config: "MelConfig") -> int:
    """Bands behind all pools; each pool rounds up."""
    bands = config.mels
    for pool in config.pools:
        bands = -(-bands // pool[0])
    return bands


def _rectified_and_pooled(values: Tensor, inside: Inside, pool: tuple[int, int]) -> tuple[Tensor, Inside]:
    """Apply ReLU and max pooling; they commute, and pooling first spares most of ReLU where nothing is masked."""
    if pool == (1, 1):
        return _masked(functional.relu(values), inside), inside
    if inside is None:
        return functional.relu(functional.max_pool2d(values, pool, ceil_mode=True)), None
    values = functional.max_pool2d(_masked(functional.relu(values), inside), pool, ceil_mode=True)
    return values, _pooled(inside, pool[1])


def _masked(values: Tensor, inside: Inside) -> Tensor:
    return values if inside is None else values * inside[:, None, None]


def _pooled(inside: Inside, width: int) -> Inside:
    """Say which frames count behind a pool over time: those that any frame that counts goes into."""
    if inside is None or width == 1:
        return inside
    return functional.max_pool1d(inside[:, None], width, ceil_mode=True)[:, 0]


def _statistics(values: Tensor, inside: Tensor) -> Tensor:
    weights = inside[:, None]
    count = weights.sum(dim=2)
    mean = (values * weights).sum(dim=2) / count.clamp(min=1)
    variance = ((values - mean[..., None]) * weights).square().sum(dim=2) / count.clamp(min=1)
    # What does not count is sorted behind everything else.
    ordered = values.masked_fill(weights == 0, _ABOVE_ALL_MELS).sort(dim=2).values
    ranks = [((count - 1).clamp(min=0) * share).round().long() for share in _PERCENTILES]
    index = torch.stack(ranks, dim=2).expand(-1, values.shape[1], -1)
    percentiles = ordered.gather(2, index) * (count > 0)[..., None]
    return torch.cat([mean, (variance + _SMALLEST_VARIANCE).sqrt(), percentiles.flatten(1)], dim=1)


NETWORKS: Mapping[str, Callable[["MelConfig"], Network]] = {
    "cnn": Cnn,
    "multiscale": Multiscale,
    "resnet18": ResNet,
    "functionals": Functionals,
}
"""By the name in a configuration."""
