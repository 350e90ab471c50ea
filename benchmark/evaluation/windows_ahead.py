"""The windows of many clips, decoded and resampled in the background, a few ahead of the reader."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.perturbation import Perturbation
from benchmark.audio.perturbing import Level, measure_level, needs_level, perturbed_blocks
from benchmark.audio.resampling import resampled_blocks
from benchmark.audio.waveform import ContentHash
from benchmark.audio.windows import window_blocks
from benchmark.corpora.clips import AudioSource, open_source

# Whole windows of 30 s at 16 kHz are 2 MB each: the model need not wait, and an hour of audio is never in memory.
_AHEAD = 8
_CHANGED = "The audio is not what it was when the run began."


@dataclass(frozen=True, eq=False)
class HeardWindow:
    """One window of a clip, or the reason why there is no more of it.

    Attributes:
        clip_hash: Which clip.
        samples: Mono samples at the rate asked for, shape (samples,); None after the last window.
        failure: After the last window, why the clip cannot be used after all; None where it can.
    """

    clip_hash: str
    samples: NDArray[np.float32] | None
    failure: str | None = None


def windows_ahead(
    audio: Iterable[tuple[str, AudioSource]],
    *,
    sampling_rate: int,
    window_s: float,
    perturbation: Perturbation | None = None,
) -> Generator[HeardWindow, None, None]:
    """Decode and resample in the background, a few windows ahead of the reader, so that a model need not wait.

    Args:
        audio: Clip hashes, with where the audio comes from.
        sampling_rate: The rate, in Hz, that the reader wants.
        window_s: The longest window that the reader wants, in seconds.
        perturbation: What is done to each clip before it is cut, if anything.

    Yields:
        The windows of each clip in their order, and then one without samples that ends the clip.
    """
    wanted = _Wanted(sampling_rate, window_s, perturbation)
    windows = (window for clip_hash, source in audio for window in _windows(clip_hash, source, wanted))
    waiting: deque[Future[HeardWindow | None]] = deque()
    # One thread takes the calls in their order, so that the generator is never entered twice.
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        try:
            waiting.extend(pool.submit(next, windows, None) for _ in range(_AHEAD))
            while (window := waiting.popleft().result()) is not None:
                waiting.append(pool.submit(next, windows, None))
                yield window
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class _Wanted:
    """What the reader of windows asks for."""

    sampling_rate: int
    window_s: float
    perturbation: Perturbation | None


def _windows(clip_hash: str, source: AudioSource, wanted: _Wanted) -> Iterator[HeardWindow]:
    failure = None
    try:
        level = _level(source, wanted)
        with open_source(source) as stream:
            content = ContentHash(stream.sampling_rate)
            blocks = resampled_blocks(_hashed(stream.blocks, content), stream.sampling_rate, wanted.sampling_rate)
            if wanted.perturbation is not None and not wanted.perturbation.leaves_alone(stream.sampling_rate):
                blocks = perturbed_blocks(
                    blocks, wanted.sampling_rate, wanted.perturbation, seed=clip_hash, level=level
                )
            for samples in window_blocks(blocks, wanted.sampling_rate, wanted.window_s):
                yield HeardWindow(clip_hash, samples)
        failure = None if content.digits == clip_hash else _CHANGED
    except UndecodableAudio as error:
        failure = error.reason
    yield HeardWindow(clip_hash, None, failure)


def _level(source: AudioSource, wanted: _Wanted) -> Level | None:
    """Read the clip once more where its level decides what becomes of its first sample: it may be hours long."""
    if wanted.perturbation is None or not needs_level(wanted.perturbation):
        return None
    with open_source(source) as stream:
        return measure_level(resampled_blocks(stream.blocks, stream.sampling_rate, wanted.sampling_rate))


def _hashed(blocks: Iterable[NDArray[np.float32]], content: ContentHash) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        content.update(block)
        yield block
