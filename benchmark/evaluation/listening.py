"""Decoding every clip of a corpus once, in the background, to know what it holds and how long it is."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.waveform import ContentHash
from benchmark.corpora.clips import AudioSource, Clip, Corpus, open_source
from benchmark.evaluation.ahead import map_ahead
from benchmark.progress import Progress
from benchmark.results.runs import ClipRecord, CorpusRecord

_DECODERS = 2


@dataclass(frozen=True)
class HeardCorpus:
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


def hear_corpus(corpus: Corpus, progress: Progress) -> HeardCorpus:
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
    return HeardCorpus(
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


def without_lost(corpus: CorpusRecord, lost: Mapping[str, str]) -> CorpusRecord:
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
