"""The stretches of real speech that latency is measured on: the same for all candidates."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.resampling import resampled_blocks
from benchmark.audio.waveform import Waveform
from benchmark.corpora.clips import AudioSource, open_source

DEFAULT_SEGMENT_S = 3.0
_SEGMENTS = 8
# All segments are cut at one rate, so that candidates of different rates hear the same stretch of speech.
SEGMENT_RATE = 16_000


def cut_segments(audio: Iterable[AudioSource], *, seconds: float, count: int = _SEGMENTS) -> tuple[Waveform, ...]:
    """Cut pieces of exactly `seconds` out of the clips, one after another; short clips are put end to end.

    Args:
        audio: Clips, in the order they are to be used; a clip that can no longer be read is passed over.
        seconds: Length of a segment.
        count: How many segments are wanted.

    Returns:
        Up to `count` segments at 16 kHz. At least one where there is any audio: what is shorter than one segment
        in all is repeated until it fills it.
    """
    wanted = round(seconds * SEGMENT_RATE)
    segments: list[Waveform] = []
    rest = np.zeros(0, dtype=np.float32)
    for block in _speech(audio):
        rest = np.concatenate([rest, block])
        while rest.size >= wanted and len(segments) < count:
            segments.append(Waveform(rest[:wanted].copy(), SEGMENT_RATE))
            rest = rest[wanted:]
        if len(segments) == count:
            break
    if not segments and rest.size:
        segments.append(Waveform(np.resize(rest, wanted), SEGMENT_RATE))
    return tuple(segments)


def _speech(audio: Iterable[AudioSource]) -> Iterator[NDArray[np.float32]]:
    for source in audio:
        try:
            with open_source(source) as stream:
                yield from resampled_blocks(stream.blocks, stream.sampling_rate, SEGMENT_RATE)
        except UndecodableAudio:
            continue
