"""Which channel of a recording is used: their mean, or one side of a telephone call."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEREO = 2


class Channel(StrEnum):
    """Which channel of a recording a model gets: the mean of all, the first, or the second."""

    MIX = "mix"
    LEFT = "left"
    RIGHT = "right"


class ChannelChoice(StrEnum):
    """What a user can choose: a channel, or each of the two as a clip of its own."""

    MIX = "mix"
    LEFT = "left"
    RIGHT = "right"
    EACH = "each"


def has_channel(channel: Channel, channels: int) -> bool:
    """Whether a recording with this number of channels has a channel: with a single one it has no right one.

    Examples:
        >>> has_channel(Channel.LEFT, 1), has_channel(Channel.RIGHT, 1), has_channel(Channel.RIGHT, 2)
        (True, False, True)
    """
    return channel is not Channel.RIGHT or channels >= _STEREO


def select_channel(block: "NDArray[np.float32]", channel: Channel) -> "NDArray[np.float32]":
    """Take one channel, which the recording has, or their mean.

    Args:
        block: Shape (samples, channels).
        channel: The channel.

    Returns:
        Shape (samples,).
    """
    import numpy as np  # noqa: PLC0415 - a registry names channels, and need not wait for numpy

    if channel is Channel.RIGHT:
        return np.ascontiguousarray(block[:, 1])
    if channel is Channel.LEFT or block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    mean: NDArray[np.float64] = block.mean(axis=1, dtype=np.float64)
    return mean.astype(np.float32)
