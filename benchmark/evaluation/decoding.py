"""Decoding the clips of a corpus: once to know what they hold, and again window by window for a model."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.measuring import Acoustics, measure
from benchmark.audio.perturbation import Perturbation, measure_level, needs_level, perturbed_blocks
from benchmark.audio.waveform import ContentHash, resampled_blocks
from benchmark.audio.windows import window_blocks
from benchmark.corpora.audio_sources import AudioSource, open_source
from benchmark.corpora.clips import Clip, Corpus, described
from benchmark.progress import Progress
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.threads import map_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")

_DECODERS = 2
# Whole windows of 30 s at 16 kHz are 2 MB each: the model need not wait, and an hour of audio is never in memory.
_WINDOWS_AHEAD = 8
_CHANGED = "The audio is not what it was when the run began."


@dataclass(frozen=True)
class DecodedCorpus:
    """A corpus after every clip was decoded once, and the audio of its readable clips, by clip hash."""

    record: CorpusRecord
    audio: dict[str, AudioSource]


@dataclass(frozen=True)
class ClipSet:
    """The clips of several corpora by clip hash, and their durations in seconds; the longest first.

    A model then takes its memory once, for the longest, and what is prepared for a length serves all clips of it.
    """

    audio: dict[str, AudioSource]
    durations: dict[str, float]

    @classmethod
    def of(cls, corpora: Sequence[DecodedCorpus]) -> Self:
        """Join the readable clips of corpora."""
        durations = {
            clip.clip_hash: clip.duration_s or 0.0
            for corpus in corpora
            for clip in corpus.record.clips
            if clip.clip_hash is not None
        }
        audio = {clip_hash: source for corpus in corpora for clip_hash, source in corpus.audio.items()}
        ordered = sorted(audio, key=lambda clip_hash: -durations[clip_hash])
        return cls({name: audio[name] for name in ordered}, {name: durations[name] for name in ordered})


@dataclass(frozen=True, eq=False)
class ClipWindow:
    """One window of a clip, or its end.

    Attributes:
        samples: Mono samples at the model's rate, shape (samples,); None after the last window.
        failure: After the last window, why the clip cannot be used after all.
    """

    clip_hash: str
    samples: NDArray[np.float32] | None
    failure: str | None = None


def decode_corpus(corpus: Corpus, progress: Progress) -> DecodedCorpus:
    """Decode every clip once, to know its content and its length, or why it cannot be read."""
    records = tuple(_map_clips(_decode_clip, corpus.clips, f"Reading {corpus.name}", progress))
    audio: dict[str, AudioSource] = {}
    for clip, record in zip(corpus.clips, records, strict=True):
        if record.clip_hash is not None:
            audio.setdefault(record.clip_hash, clip.audio)
    return DecodedCorpus(
        CorpusRecord(
            name=corpus.name,
            source=corpus.source,
            synthetic=corpus.synthetic,
            clips=records,
            available_clips=corpus.available_clips,
            labels=corpus.labels,
            merge=corpus.merge,
            selection=corpus.selection,
            channel=corpus.channel,
        ),
        audio,
    )


def _map_clips(
    function: Callable[[Item], Result], clips: Sequence[Item], title: str, progress: Progress
) -> Iterator[Result]:
    with (
        ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode") as pool,
        progress.stage(title, total=len(clips), unit="clips") as stage,
    ):
        for result in map_ahead(pool, function, clips):
            yield result
            stage.advance()


def _decode_clip(clip: Clip) -> ClipRecord:
    record = ClipRecord(clip=clip.name, clip_hash=None, duration_s=None)
    try:
        with open_source(clip.audio) as stream:
            content, samples = ContentHash(stream.sampling_rate), 0
            for block in stream.blocks:
                content.update(block)
                samples += block.size
            duration_s, rate = samples / stream.sampling_rate, stream.sampling_rate
            record = replace(record, clip_hash=content.digits, duration_s=duration_s, sampling_rate=rate)
    except UndecodableAudio as error:
        record = replace(record, failure=str(error))
    return described(record, clip)


def drop_unreadable(corpus: CorpusRecord, unreadable: Mapping[str, str]) -> CorpusRecord:
    """Count clips that were lost during a run as unreadable, for all candidates; the reasons are by clip hash."""
    clips = [
        replace(clip, clip_hash=None, duration_s=None, failure=unreadable[clip.clip_hash])
        if clip.clip_hash is not None and clip.clip_hash in unreadable
        else clip
        for clip in corpus.clips
    ]
    return corpus.model_copy(update={"clips": tuple(clips)})


def decode_windows(
    audio: Iterable[tuple[str, AudioSource]],
    *,
    sampling_rate: int,
    window_s: float,
    perturbation: Perturbation | None = None,
) -> Generator[ClipWindow, None, None]:
    """Decode and resample in the background, a few windows ahead of the reader, so that a model need not wait.

    Args:
        audio: Clip hashes with their audio.
        sampling_rate: The rate of the windows, in Hz.
        window_s: The longest window, in seconds.
        perturbation: What is done to each clip before it is cut, if anything.

    Yields:
        The windows of each clip in their order, and then one without samples that ends the clip.
    """
    windows = (
        window
        for clip_hash, source in audio
        for window in _clip_windows(clip_hash, source, sampling_rate, window_s, perturbation)
    )
    # One thread takes the calls in their order, so that the generator is never entered twice.
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        try:
            for window in map_ahead(pool, lambda source: next(source, None), repeat(windows), ahead=_WINDOWS_AHEAD):
                if window is None:
                    return
                yield window
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _clip_windows(
    clip_hash: str, source: AudioSource, rate: int, window_s: float, perturbation: Perturbation | None
) -> Iterator[ClipWindow]:
    failure, level = None, None
    try:
        if perturbation is not None and needs_level(perturbation):
            # Read once more: the level decides what becomes of the first sample, and a clip may be hours long.
            with open_source(source) as stream:
                level = measure_level(resampled_blocks(stream.blocks, stream.sampling_rate, rate))
        with open_source(source) as stream:
            content = ContentHash(stream.sampling_rate)
            blocks = resampled_blocks(_hashed(stream.blocks, content), stream.sampling_rate, rate)
            if perturbation is not None and not perturbation.leaves_alone(stream.sampling_rate):
                blocks = perturbed_blocks(blocks, rate, perturbation, seed=clip_hash, level=level)
            for samples in window_blocks(blocks, rate, window_s):
                yield ClipWindow(clip_hash, samples)
        failure = None if content.digits == clip_hash else _CHANGED
    except UndecodableAudio as error:
        failure = error.reason
    yield ClipWindow(clip_hash, None, failure)


def _hashed(blocks: Iterable[NDArray[np.float32]], content: ContentHash) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        content.update(block)
        yield block


def measure_corpus(decoded: DecodedCorpus, progress: Progress) -> tuple[Acoustics | None, ...]:
    """Measure level, clipping and bandwidth of each clip, identical ones once; None for those that cannot be read."""
    measured = _map_clips(_measure, tuple(decoded.audio.values()), f"Measuring {decoded.record.name}", progress)
    acoustics = dict(zip(decoded.audio, measured, strict=True))
    return tuple(acoustics.get(clip.clip_hash or "") for clip in decoded.record.clips)


def _measure(source: AudioSource) -> Acoustics | None:
    try:
        with open_source(source) as stream:
            return measure(stream)
    except UndecodableAudio:
        return None
