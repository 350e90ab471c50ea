"""Decoding the clips of a corpus: once to know what they hold, and again window by window for a model."""

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Self, TypeVar

from benchmark.audio.fingerprints import LIKENESS_AT_SAME_SPEED, find_like
from benchmark.audio.measuring import Acoustics
from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.audio_jobs import ClipEnd
from benchmark.corpora.audio_reader import DECODERS, GROUP_CLIPS, AudioReader, AudioSummary, ClipWindow
from benchmark.corpora.audio_sources import AudioAddress, AudioSource
from benchmark.corpora.clips import Clip, Corpus, described
from benchmark.corpora.fetching import FETCHERS
from benchmark.progress import Progress
from benchmark.results.corpus_description import ChangedCopy
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.threads import DaemonPool, map_ahead

Item = TypeVar("Item")
Result = TypeVar("Result")

# Whole windows of 30 s at 16 kHz are 2 MB each: the model need not wait, and an hour of audio is never in memory.
_GROUPS_AHEAD = 4
_MOST_TOGETHER, _SAMPLES_TOGETHER, _GROUP_S = 16, 32_000, 0.02
MOST_COMPARED = 10_000
"""Clips of which changed copies are looked for: the time grows with the square of their number, to about 20 s."""


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

    def only(self, clip_hashes: Collection[str]) -> "ClipSet":
        """Take some of the clips, in the same order."""
        audio = {name: source for name, source in self.audio.items() if name in clip_hashes}
        return ClipSet(audio, {name: self.durations[name] for name in audio})


def decode_corpus(corpus: Corpus, reader: AudioReader, progress: Progress) -> DecodedCorpus:
    """Decode every clip once, to know its content and its length, or why it cannot be read."""
    sources = [clip.audio for clip in corpus.clips]
    summaries = _map_audio(reader.summaries, sources, title=f"Reading {corpus.name}", progress=progress)
    records = tuple(map(_clip_record, corpus.clips, summaries))
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
            columns=corpus.columns,
            labels=corpus.labels,
            merge=corpus.merge,
            selection=corpus.selection,
            left_out=corpus.left_out,
            channel=corpus.channel,
        ),
        audio,
    )


def _map_audio(
    function: Callable[[Sequence[AudioSource]], Iterator[Result]],
    sources: Sequence[AudioSource],
    *,
    title: str,
    progress: Progress,
) -> Iterator[Result]:
    """Apply a method of a reader to all clips: to groups of them at the same time, and singly where hosts answer."""
    threads, together = DECODERS, min(GROUP_CLIPS, -(-len(sources) // (2 * DECODERS)) or 1)
    if any(isinstance(source, AudioAddress) for source in sources):
        threads, together = DECODERS + FETCHERS, 1
    groups = [sources[index : index + together] for index in range(0, len(sources), together)]
    with (
        DaemonPool(threads, "decode") as pool,
        progress.stage(title, total=len(sources), unit="clips") as stage,
    ):
        for results in map_ahead(pool, lambda group: list(function(group)), groups):
            for result in results:
                yield result
                stage.advance()


def _clip_record(clip: Clip, summary: AudioSummary | ClipEnd) -> ClipRecord:
    if isinstance(summary, ClipEnd):
        record = ClipRecord(clip=clip.name, clip_hash=None, duration_s=None, failure=summary.failure)
    else:
        record = ClipRecord(
            clip=clip.name,
            clip_hash=summary.clip_hash,
            duration_s=summary.duration_s,
            sampling_rate=summary.sampling_rate,
            level_db=summary.level_db,
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
    windows = reader.windows(audio, sampling_rate=sampling_rate, window_s=window_s, perturbation=perturbation)
    # One thread takes the calls in their order, so that the generator is never entered twice.
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        try:
            for group in map_ahead(pool, _next_group, repeat(windows), ahead=_GROUPS_AHEAD):
                if not group:
                    return
                yield from group
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            windows.close()


def _next_group(windows: Iterator[ClipWindow]) -> list[ClipWindow]:
    """The next windows, several where they are short: to hand one over costs as much as to read it."""
    group: list[ClipWindow] = []
    begun, samples = time.monotonic(), 0
    for window in islice(windows, _MOST_TOGETHER):
        group.append(window)
        samples += 0 if window.samples is None else window.samples.size
        if samples >= _SAMPLES_TOGETHER or time.monotonic() - begun >= _GROUP_S:
            break
    return group


def find_copies(decoded: DecodedCorpus, reader: AudioReader, progress: Progress) -> list[ChangedCopy] | None:
    """Find clips of which one is a changed copy of another at the same speed.

    Returns:
        None where there are too many clips to compare all with each other.
    """
    if len(decoded.audio) > MOST_COMPARED:
        return None
    hashes, sources = list(decoded.audio), tuple(decoded.audio.values())
    found = _map_audio(reader.fingerprints, sources, title=f"Comparing {decoded.record.name}", progress=progress)
    readable = [(name, prints) for name, prints in zip(hashes, found, strict=True) if not isinstance(prints, ClipEnd)]
    alike = find_like(prints for _, prints in readable)
    copies = [pair for pair in alike if pair.likeness >= LIKENESS_AT_SAME_SPEED]
    return [
        ChangedCopy(first=readable[pair.first][0], second=readable[pair.second][0], likeness=pair.likeness)
        for pair in copies
    ]


def measure_corpus(decoded: DecodedCorpus, reader: AudioReader, progress: Progress) -> tuple[Acoustics | None, ...]:
    """Measure level, clipping and bandwidth of each clip, identical ones once; None for those that cannot be read."""
    sources = tuple(decoded.audio.values())
    measured = _map_audio(reader.acoustics, sources, title=f"Measuring {decoded.record.name}", progress=progress)
    acoustics = dict(zip(decoded.audio, measured, strict=True))
    by_clip = (acoustics.get(clip.clip_hash or "") for clip in decoded.record.clips)
    return tuple(None if isinstance(measures, ClipEnd) else measures for measures in by_clip)
