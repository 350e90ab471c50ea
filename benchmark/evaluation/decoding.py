"""Decoding the clips of a corpus: once to know what they hold, and again window by window for a model."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.measuring import Acoustics, measure
from benchmark.audio.perturbation import Level, Perturbation, measure_level, needs_level, perturbed_blocks
from benchmark.audio.waveform import ContentHash, resampled_blocks
from benchmark.audio.windows import window_blocks
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioSource, open_source
from benchmark.progress import Progress
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.threads import map_ahead

# Whole windows of 30 s at 16 kHz are 2 MB each: the model need not wait, and an hour of audio is never in memory.
_AHEAD = 8


_CHANGED = "The audio is not what it was when the run began."


@dataclass(frozen=True, eq=False)
class ClipWindow:
    """One window of a clip, or the reason why there is no more of it.

    Attributes:
        clip_hash: Which clip.
        samples: Mono samples at the rate asked for, shape (samples,); None after the last window.
        failure: After the last window, why the clip cannot be used after all; None where it can.
    """

    clip_hash: str
    samples: NDArray[np.float32] | None
    failure: str | None = None


def decode_windows(
    audio: Iterable[tuple[str, AudioSource]],
    *,
    sampling_rate: int,
    window_s: float,
    perturbation: Perturbation | None = None,
) -> Generator[ClipWindow, None, None]:
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
    waiting: deque[Future[ClipWindow | None]] = deque()
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


def _windows(clip_hash: str, source: AudioSource, wanted: _Wanted) -> Iterator[ClipWindow]:
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
                yield ClipWindow(clip_hash, samples)
        failure = None if content.digits == clip_hash else _CHANGED
    except UndecodableAudio as error:
        failure = error.reason
    yield ClipWindow(clip_hash, None, failure)


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


_DECODERS = 2


@dataclass(frozen=True)
class DecodedCorpus:
    """A corpus after every clip was decoded once.

    Attributes:
        record: What is stored of it.
        audio: Where the audio of each readable clip comes from, by clip hash; identical clips are one.
    """

    record: CorpusRecord
    audio: dict[str, AudioSource]

    @property
    def durations(self) -> dict[str, float]:
        """Seconds of each readable clip, by clip hash."""
        return {clip.clip_hash: clip.duration_s or 0.0 for clip in self.record.clips if clip.clip_hash is not None}


def decode_corpus(corpus: Corpus, progress: Progress) -> DecodedCorpus:
    """Decode every clip once, to know its content and its length, or why it cannot be read."""
    records: list[ClipRecord] = []
    audio: dict[str, AudioSource] = {}
    with (
        ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode") as pool,
        progress.stage(f"Reading {corpus.name}", total=len(corpus.clips), unit="clips") as stage,
    ):
        for clip, record in zip(corpus.clips, map_ahead(pool, _hear, corpus.clips), strict=True):
            records.append(record)
            if record.clip_hash is not None:
                audio.setdefault(record.clip_hash, clip.audio)
            stage.advance()
    return DecodedCorpus(
        CorpusRecord(
            name=corpus.name,
            source=corpus.source,
            synthetic=corpus.synthetic,
            clips=tuple(records),
            available_clips=corpus.available_clips,
            labels=corpus.labels,
            merge=corpus.merge,
            selection=corpus.selection,
            channel=corpus.channel,
        ),
        audio,
    )


def drop_unreadable(corpus: CorpusRecord, lost: Mapping[str, str]) -> CorpusRecord:
    """Count clips that were lost while a run went on as unreadable: for all candidates, whoever had answered before.

    Args:
        corpus: What is stored of the corpus.
        lost: For clips that could not be read any more, by clip hash, the reason.
    """

    def told(clip: ClipRecord) -> ClipRecord:
        failure = None if clip.clip_hash is None else lost.get(clip.clip_hash)
        return clip if failure is None else replace(clip, clip_hash=None, duration_s=None, failure=failure)

    return corpus.model_copy(update={"clips": tuple(map(told, corpus.clips))})


def _hear(clip: Clip) -> ClipRecord:
    clip_hash, duration_s, sampling_rate, failure = None, None, None, None
    try:
        with open_source(clip.audio) as stream:
            content, samples = ContentHash(stream.sampling_rate), 0
            for block in stream.blocks:
                content.update(block)
                samples += block.size
            clip_hash, duration_s = content.digits, samples / stream.sampling_rate
            sampling_rate = stream.sampling_rate
    except UndecodableAudio as error:
        failure = str(error)
    return ClipRecord(
        clip=clip.name,
        clip_hash=clip_hash,
        duration_s=duration_s,
        failure=failure,
        sampling_rate=sampling_rate,
        label=clip.label,
        speaker=clip.speaker,
        sex=clip.sex,
        language=clip.language,
        text_id=clip.text_id,
        intensity=clip.intensity,
        votes=None if clip.votes is None else dict(clip.votes),
        attributes=dict(clip.attributes),
    )


_MEASURERS = 2


def measure_corpus(heard: DecodedCorpus, progress: Progress) -> tuple[Acoustics | None, ...]:
    """Measure every clip; identical ones once.

    Args:
        heard: A corpus that was heard.
        progress: Who listens to how far it is.

    Returns:
        For each clip of the corpus what was measured; None where it cannot be read.
    """
    with (
        ThreadPoolExecutor(_MEASURERS, thread_name_prefix="measure") as pool,
        progress.stage(f"Measuring {heard.record.name}", total=len(heard.audio), unit="clips") as stage,
    ):
        found: dict[str, Acoustics | None] = {}
        for clip_hash, acoustics in zip(heard.audio, map_ahead(pool, _measured, heard.audio.values()), strict=True):
            found[clip_hash] = acoustics
            stage.advance()
    return tuple(found.get(clip.clip_hash or "") for clip in heard.record.clips)


def _measured(source: AudioSource) -> Acoustics | None:
    try:
        with open_source(source) as stream:
            return measure(stream)
    except UndecodableAudio:
        return None
