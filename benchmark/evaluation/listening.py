"""Decoding clips in the background: once to know what a corpus holds, and again, a little ahead, to feed a model."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.resampling import resample
from benchmark.audio.waveform import Waveform
from benchmark.corpora.clips import AudioSource, Clip, Corpus
from benchmark.progress import Progress
from benchmark.results.run import ClipRecord, CorpusRecord

_DECODERS = 2
_AHEAD = 8


@dataclass(frozen=True)
class HeardCorpus:
    """A corpus after every clip was decoded once.

    Attributes:
        record: What is stored of it.
        audio: Where the audio of each readable clip comes from, by clip hash; identical clips are one.
    """

    record: CorpusRecord
    audio: dict[str, AudioSource]


def hear_corpus(corpus: Corpus, progress: Progress) -> HeardCorpus:
    """Decode every clip once, to know its content and its length, or why it cannot be read."""
    records: list[ClipRecord] = []
    audio: dict[str, AudioSource] = {}
    with (
        ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode") as pool,
        progress.stage(f"Reading {corpus.name}", total=len(corpus.clips), unit="clips") as stage,
    ):
        for clip, record in zip(corpus.clips, pool.map(_hear, corpus.clips), strict=True):
            records.append(record)
            if record.clip_hash is not None:
                audio.setdefault(record.clip_hash, clip.audio)
            stage.advance()
    return HeardCorpus(
        CorpusRecord(
            name=corpus.name,
            source=corpus.source,
            synthetic=corpus.synthetic,
            clips=tuple(records),
            available_clips=corpus.available_clips,
            labels=corpus.labels,
            merge=corpus.merge,
        ),
        audio,
    )


def _hear(clip: Clip) -> ClipRecord:
    clip_hash, duration_s, failure = None, None, None
    try:
        waveform = clip.audio.waveform()
        clip_hash, duration_s = waveform.content_hash, waveform.duration_s
    except UndecodableAudio as error:
        failure = str(error)
    return ClipRecord(
        clip=clip.name,
        clip_hash=clip_hash,
        duration_s=duration_s,
        failure=failure,
        label=clip.label,
        speaker=clip.speaker,
        sex=clip.sex,
        language=clip.language,
        text_id=clip.text_id,
    )


def waveforms_ahead(
    audio: Iterable[tuple[str, AudioSource]], sampling_rate: int
) -> Iterator[tuple[str, Waveform | UndecodableAudio]]:
    """Decode and resample in the background, a few clips ahead of the reader, so that a model need not wait.

    Args:
        audio: Clip hashes, with where the audio comes from.
        sampling_rate: The rate, in Hz, that the reader wants.

    Yields:
        Each clip hash with its waveform; or with the reason, where a file changed since it was first read.
    """

    def prepare(source: AudioSource) -> Waveform | UndecodableAudio:
        try:
            return resample(source.waveform(), sampling_rate)
        except UndecodableAudio as error:
            return error

    waiting: deque[tuple[str, Future[Waveform | UndecodableAudio]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        try:
            for clip_hash, source in audio:
                waiting.append((clip_hash, pool.submit(prepare, source)))
                if len(waiting) >= _AHEAD:
                    clip_hash_done, done = waiting.popleft()
                    yield clip_hash_done, done.result()
            while waiting:
                clip_hash_done, done = waiting.popleft()
                yield clip_hash_done, done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
