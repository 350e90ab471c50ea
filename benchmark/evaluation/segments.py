"""The stretches of real speech that latency is measured on: the same for all candidates."""

from collections.abc import Iterable

import numpy as np

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.resampling import resample
from benchmark.audio.waveform import Waveform
from benchmark.corpora.clips import AudioSource

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
    for source in audio:
        try:
            rest = np.concatenate([rest, resample(source.waveform(), SEGMENT_RATE).samples])
        except UndecodableAudio:
            continue
        while rest.size >= wanted and len(segments) < count:
            segments.append(Waveform(rest[:wanted].copy(), SEGMENT_RATE))
            rest = rest[wanted:]
        if len(segments) == count:
            break
    if not segments and rest.size:
        segments.append(Waveform(np.resize(rest, wanted), SEGMENT_RATE))
    return tuple(segments)
