"""Decoding the clips of a corpus: once to know what they hold, and again window by window for a model."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.measuring import Acoustics
from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.audio_reader import DECODERS, AudioReader
from benchmark.corpora.audio_sources import AudioAddress, AudioSource
from benchmark.corpora.clips import Clip, Corpus, described
from benchmark.corpora.fetching import FETCHERS
from benchmark.progress import Progress
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.threads import DaemonPool, map_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")

# Whole windows of 30 s at 16 kHz are 2 MB each: the model need not wait, and an hour of audio is never in memory.
_WINDOWS_AHEAD = 8


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


def decode_corpus(corpus: Corpus, reader: AudioReader, progress: Progress) -> DecodedCorpus:
    """Decode every clip once, to know its content and its length, or why it cannot be read."""
    title = f"Reading {corpus.name}"
    threads = _threads(clip.audio for clip in corpus.clips)
    records = tuple(
        _map_clips(lambda clip: _decode_clip(clip, reader), corpus.clips, threads, title=title, progress=progress)
    )
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


def _threads(audio: Iterable[AudioSource]) -> int:
    """How many clips are read at the same time: more where most of the time is spent waiting for hosts."""
    return DECODERS + (FETCHERS if any(isinstance(source, AudioAddress) for source in audio) else 0)


def _map_clips(
    function: Callable[[Item], Result], clips: Sequence[Item], threads: int, *, title: str, progress: Progress
) -> Iterator[Result]:
    with (
        DaemonPool(threads, "decode") as pool,
        progress.stage(title, total=len(clips), unit="clips") as stage,
    ):
        for result in map_ahead(pool, function, clips):
            yield result
            stage.advance()


def _decode_clip(clip: Clip, reader: AudioReader) -> ClipRecord:
    try:
        summary = reader.summary(clip.audio)
    except UndecodableAudio as error:
        return described(ClipRecord(clip=clip.name, clip_hash=None, duration_s=None, failure=error.reason), clip)
    record = ClipRecord(
        clip=clip.name,
        clip_hash=summary.clip_hash,
        duration_s=summary.duration_s,
        sampling_rate=summary.sampling_rate,
    )
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
    reader: AudioReader,
    *,
    sampling_rate: int,
    window_s: float,
    perturbation: Perturbation | None = None,
) -> Generator[ClipWindow]:
    """Decode and resample in the background, a few windows ahead of the reader, so that a model need not wait.

    Args:
        audio: Clip hashes with their audio.
        reader: Reads it.
        sampling_rate: The rate of the windows, in Hz.
        window_s: The longest window, in seconds.
        perturbation: What is done to each clip before it is cut, if anything.

    Yields:
        The windows of each clip in their order, and then one without samples that ends the clip.
    """
    windows = _windows(audio, reader, rate=sampling_rate, window_s=window_s, perturbation=perturbation)
    # One thread takes the calls in their order, so that the generator is never entered twice.
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        try:
            for window in map_ahead(pool, lambda source: next(source, None), repeat(windows), ahead=_WINDOWS_AHEAD):
                if window is None:
                    return
                yield window
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            windows.close()


def _windows(
    audio: Iterable[tuple[str, AudioSource]],
    reader: AudioReader,
    *,
    rate: int,
    window_s: float,
    perturbation: Perturbation | None,
) -> Generator[ClipWindow]:
    for clip_hash, source in audio:
        failure = None
        windows = reader.windows(source, clip_hash, sampling_rate=rate, window_s=window_s, perturbation=perturbation)
        try:
            for samples in windows:
                yield ClipWindow(clip_hash, samples)
        except UndecodableAudio as error:
            failure = error.reason
        yield ClipWindow(clip_hash, None, failure)


def measure_corpus(decoded: DecodedCorpus, reader: AudioReader, progress: Progress) -> tuple[Acoustics | None, ...]:
    """Measure level, clipping and bandwidth of each clip, identical ones once; None for those that cannot be read."""

    def measure(source: AudioSource) -> Acoustics | None:
        try:
            return reader.acoustics(source)
        except UndecodableAudio:
            return None

    title, sources = f"Measuring {decoded.record.name}", tuple(decoded.audio.values())
    measured = _map_clips(measure, sources, DECODERS, title=title, progress=progress)
    acoustics = dict(zip(decoded.audio, measured, strict=True))
    return tuple(acoustics.get(clip.clip_hash or "") for clip in decoded.record.clips)
