"""What is computed from the audio of a clip, and the worker that computes it from recordings that may be hostile.

A job is a generator of items, which are plain data: it runs in a worker for recordings, and in this process for audio
that is no file. `None` among the items only shows that the job makes progress.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import UndecodableAudio, header_duration_s
from benchmark.audio.fingerprints import RATE, fingerprints
from benchmark.audio.measuring import level_db, measure, sum_of_squares
from benchmark.audio.perturbation import Kind, Perturbation, measure_level, needs_level, perturbed_blocks
from benchmark.audio.waveform import ContentHash, resampled_blocks
from benchmark.audio.windows import window_blocks
from benchmark.corpora.audio_sources import AudioFile, DecodableAudio, open_source

# An answer has about so much: two windows of 30 s at 16 kHz, so that the pipe costs little and memory neither.
_ANSWER_BYTES = 4_000_000
# A worker shows a sign of life so often at least, if it decodes at all.
_ANSWER_S = 1.0
_FINGERPRINTED_S = 30
_CHANGED = "The audio is not what it was when the run began."

Items = Iterator[Any]


def summarise(source: DecodableAudio) -> Items:
    """The fields of `AudioSummary`."""
    with open_source(source) as stream:
        content, samples, squares = ContentHash(stream.sampling_rate), 0, 0.0
        for block in stream.blocks:
            content.update(block)
            samples += block.size
            squares += sum_of_squares(block)
            yield None
        yield {
            "clip_hash": content.digits,
            "samples": samples,
            "sampling_rate": stream.sampling_rate,
            "level_db": level_db(squares, samples),
        }


def measure_acoustics(source: DecodableAudio) -> Items:
    """The fields of `Acoustics`."""
    with open_source(source) as stream:
        yield asdict(measure(stream))


def fingerprint(source: DecodableAudio) -> Items:
    """The fingerprints of the first 30 s, shape (fingerprints, dimensions)."""
    with open_source(source) as stream:
        blocks, samples = [], 0
        for block in resampled_blocks(stream.blocks, stream.sampling_rate, RATE):
            blocks.append(block)
            samples += block.size
            yield None
            if samples >= _FINGERPRINTED_S * RATE:
                break
    waveform = np.concatenate(blocks)[: _FINGERPRINTED_S * RATE] if blocks else np.zeros(0, np.float32)
    yield fingerprints(waveform)


def count_channels(source: DecodableAudio) -> Items:
    """How many channels it was recorded with."""
    with open_source(source) as stream:
        yield stream.channels


def announced_length(source: DecodableAudio) -> Items:
    """The length in seconds that the header of a recording announces; None where it does not tell."""
    yield {"seconds": header_duration_s(source.path) if isinstance(source, AudioFile) else None}


def decoded_blocks(source: DecodableAudio, sampling_rate: int | None) -> Items:
    """The sampling rate and the channels, then the samples block by block, resampled unless the rate is None."""
    with open_source(source) as stream:
        rate = sampling_rate or stream.sampling_rate
        yield {"sampling_rate": rate, "channels": stream.channels}
        yield from resampled_blocks(stream.blocks, stream.sampling_rate, rate)


def cut_windows(
    source: DecodableAudio, clip_hash: str, rate: int, window_s: float, perturbation: Mapping[str, Any] | None
) -> Items:
    """The windows of a clip, resampled and perturbed.

    Raises:
        UndecodableAudio: As for all jobs; or, at its end, the audio has another hash than `clip_hash`.
    """
    perturbed = None if perturbation is None else Perturbation(Kind(perturbation["kind"]), perturbation["amount"])
    level = None
    if perturbed is not None and needs_level(perturbed):
        # Read once more: the level decides what becomes of the first sample, and a clip may be hours long.
        with open_source(source) as stream:
            level = measure_level(resampled_blocks(stream.blocks, stream.sampling_rate, rate))
    with open_source(source) as stream:
        content = ContentHash(stream.sampling_rate)
        blocks = resampled_blocks(_hashed(stream.blocks, content), stream.sampling_rate, rate)
        if perturbed is not None and not perturbed.leaves_alone(stream.sampling_rate):
            blocks = perturbed_blocks(blocks, rate, perturbed, seed=clip_hash, level=level)
        yield from window_blocks(blocks, rate, window_s)
    if content.digits != clip_hash:
        raise UndecodableAudio(_CHANGED)


def _hashed(blocks: Iterable[NDArray[np.float32]], content: ContentHash) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        content.update(block)
        yield block


@dataclass(frozen=True)
class ClipEnd:
    """The end of a clip among the items of a job, and why it cannot be decoded, if so."""

    failure: str | None = None


def run_job(job: Callable[..., Items], tasks: Iterable[tuple[DecodableAudio, Sequence[Any]]]) -> Items:
    """Run a job on one clip after the other; the items of each are followed by its `ClipEnd`.

    Args:
        job: The job.
        tasks: Clips, with the further arguments of the job.
    """
    for source, arguments in tasks:
        yield from with_end(job(source, *arguments))


def with_end(items: Items) -> Items:
    """The items of one clip, and then its `ClipEnd`, also where it cannot be decoded."""
    failure = None
    try:
        yield from items
    except UndecodableAudio as error:
        failure = error.reason
    yield ClipEnd(failure)


class DecodeActor:
    """Runs one job at a time on recordings, in a worker, and gives its items in answers of bounded size and time."""

    def __init__(self) -> None:
        self._items: Items = iter(())

    def start(self, job: str, tasks: list[tuple[Mapping[str, Any], list[Any]]]) -> dict[str, Any]:
        """Begin a job, in place of the one before, and give its first items as `more` does."""
        self._items = run_job(globals()[job], [(_recording(plain), arguments) for plain, arguments in tasks])
        return self.more()

    def more(self) -> dict[str, Any]:
        """The next items, of which an `end` is the `failure` of a `ClipEnd`; and whether they are the last."""
        items: list[dict[str, Any]] = []
        size, started = 0, time.monotonic()
        for item in self._items:
            if item is not None:
                items.append({"end": item.failure} if isinstance(item, ClipEnd) else {"item": item})
            size += getattr(item, "nbytes", 0)
            if size >= _ANSWER_BYTES or time.monotonic() - started > _ANSWER_S:
                return {"items": items, "are_last": False}
        return {"items": items, "are_last": True}


def _recording(plain: Mapping[str, Any]) -> AudioFile:
    return AudioFile(Path(plain["path"]), plain["start_s"], plain["stop_s"], Channel(plain["channel"]))
