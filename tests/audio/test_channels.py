from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import UndecodableAudio, decode, open_audio
from tests.audio.conftest import RATE, encoded

LEFT, RIGHT = (np.round(np.random.default_rng(side).uniform(-1, 1, 5 * RATE) * 2**14) / 2**15 for side in (1, 2))
CALL = encoded(np.stack([LEFT, RIGHT], axis=1))


@pytest.mark.parametrize(
    ("channel", "expected"), [(Channel.MIX, (LEFT + RIGHT) / 2), (Channel.LEFT, LEFT), (Channel.RIGHT, RIGHT)]
)
def test_a_call_is_mixed_or_one_of_its_sides(channel: Channel, expected: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(decode(CALL, channel).samples, expected, atol=1e-7)


def test_the_sides_of_a_call_have_hashes_of_their_own_and_that_of_the_same_audio_alone() -> None:
    hashes = {channel: decode(CALL, channel).content_hash for channel in Channel}
    assert len(set(hashes.values())) == 3
    assert hashes[Channel.LEFT] == decode(encoded(LEFT)).content_hash


def test_a_recording_with_one_channel_has_a_left_one_and_no_right_one() -> None:
    assert decode(encoded(LEFT), Channel.LEFT).content_hash == decode(encoded(LEFT)).content_hash
    with pytest.raises(UndecodableAudio, match="no right one"):
        decode(encoded(LEFT), Channel.RIGHT)


def test_a_stream_has_the_number_of_channels_and_the_rate_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(CALL)
    with open_audio(tmp_path / "call.wav") as stream:
        assert (stream.channels, stream.sampling_rate) == (2, RATE)
