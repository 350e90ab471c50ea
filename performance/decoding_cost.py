"""What decoding and resampling cost beside the model: would audio that is kept decoded make a run faster?"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from benchmark.audio.waveform import ContentHash, resampled_blocks
from benchmark.corpora.audio_sources import AudioFile, open_source

_RATE = 16_000


@dataclass(frozen=True, kw_only=True)
class DecodingCost:
    """What one format costs.

    Attributes:
        name: The format, in words.
        ms_per_second: Milliseconds of one core per second of audio: decoding, hashing, resampling to 16 kHz.
    """

    name: str
    ms_per_second: float


def decoding_costs(clips: Sequence[Path], folder: Path) -> list[DecodingCost]:
    """Write the clips in several formats, and decode each as a run does.

    Args:
        clips: Recordings.
        folder: Where the other formats go.
    """
    return [_measure(name, files) for name, files in _formats(clips, folder)]


def _formats(clips: Sequence[Path], folder: Path) -> Iterator[tuple[str, list[Path]]]:
    yield "FLAC or WAV as they are, 16 kHz, mono", list(clips)
    wanted = (("WAV", 48_000, 1), ("FLAC", 48_000, 1), ("MP3", 44_100, 2))
    for kind, rate, channels in wanted:
        files = []
        for clip in clips:
            samples, own = soundfile.read(clip, dtype="float32", always_2d=True)
            mono = soxr.resample(samples.mean(axis=1), own, rate)
            path = folder / f"{clip.stem}-{rate}.{kind.casefold()}"
            soundfile.write(path, np.stack([mono] * channels, axis=1), rate, format=kind)
            files.append(path)
        yield f"{kind}, {rate / 1000:g} kHz, {'mono' if channels == 1 else 'stereo'}", files


def _measure(name: str, files: Sequence[Path]) -> DecodingCost:
    seconds, begin = 0.0, time.process_time()
    for path in files:
        with open_source(AudioFile(path)) as stream:
            content = ContentHash(stream.sampling_rate)
            blocks = []
            for block in stream.blocks:
                content.update(block)
                blocks.append(block)
            resampled = resampled_blocks(iter(blocks), stream.sampling_rate, _RATE)
            seconds += sum(block.size for block in resampled) / _RATE
    return DecodingCost(name=name, ms_per_second=(time.process_time() - begin) * 1000 / seconds)
