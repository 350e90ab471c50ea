"""Which channel of a recording is used: their mean, or one side of a telephone call."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

_STEREO = 2


class Channel(StrEnum):
    """Which channel of a recording a model gets."""

    MIX = "mix"
    """The mean of all channels."""
    LEFT = "left"
    """The first channel."""
    RIGHT = "right"
    """The second channel."""


class ChannelChoice(StrEnum):
    """What a user can choose: a channel, or each of the two as a clip of its own."""

    MIX = "mix"
    LEFT = "left"
    RIGHT = "right"
    EACH = "each"


def has_channel(channel: Channel, channels: int) -> bool:
    """Whether a recording has a channel: one with a single channel has no right one.

    Examples:
        >>> has_channel(Channel.LEFT, 1), has_channel(Channel.RIGHT, 1), has_channel(Channel.RIGHT, 2)
        (True, False, True)
    """
    return channel is not Channel.RIGHT or channels >= _STEREO


def select_channel(block: NDArray[np.float32], channel: Channel) -> NDArray[np.float32]:
    """Take one channel, which the recording has, or their mean.

    Args:
        block: Shape (samples, channels).
        channel: Which.

    Returns:
        Shape (samples,).

    Examples:
        >>> select_channel(np.array([[0.5, 0.25]], dtype=np.float32), Channel.MIX)
        array([0.375], dtype=float32)
        >>> select_channel(np.array([[0.5, 0.25]], dtype=np.float32), Channel.RIGHT)
        array([0.25], dtype=float32)
    """
    if channel is Channel.RIGHT:
        return np.ascontiguousarray(block[:, 1])
    if channel is Channel.LEFT or block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    mean: NDArray[np.float64] = block.mean(axis=1, dtype=np.float64)
    return mean.astype(np.float32)
