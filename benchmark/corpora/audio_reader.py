"""The audio of clips: addresses are fetched and recordings decoded in workers, never in this process.

A recording that crashes its decoder, hangs it or eats memory costs one clip, and a new worker takes the others.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import AudioStream, UndecodableAudio
from benchmark.audio.measuring import Acoustics
from benchmark.audio.perturbation import Perturbation
from benchmark.corpora import audio_jobs
from benchmark.corpora.audio_jobs import ClipEnd, with_end
from benchmark.corpora.audio_sources import AudioAddress, AudioFile, AudioSource
from benchmark.corpora.fetching import Fetcher
from benchmark.options.shared import MAX_CLIP_MB
from benchmark.results.runs import LOST_READER
from benchmark.settings import Settings
from benchmark.temporary import remove_abandoned
from benchmark.workers.answers import Crashed, Failure, OutOfMemory, Returned, TimedOut
from benchmark.workers.process import Limits
from benchmark.workers.sharing import SharedWorkers
from benchmark.workers.worker import Worker

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
_Job = Callable[..., audio_jobs.Items]
_Task = tuple[AudioSource, Sequence[object]]
_FileTask = tuple[AudioFile, Sequence[object]]

DECODERS = 2
"""How many recordings are decoded at the same time when all of a corpus are."""

GROUP_CLIPS = 16
"""How many short recordings share one call of a decoder."""

_ACTOR = "benchmark.corpora.audio_jobs:DecodeActor"
_MOST_DECODERS = 64  # each model that computes has one, too
_BYTES_PER_MB = 1_000_000
_S_PER_MB = 5.0
# Files of a few seconds of speech: one by one, calls would take as long as decoding.
_GROUP_BYTES = 4_000_000
# An MP3 file is read into memory, and once more with a header that tells its length.
_LIMITS = Limits(threads=1, memory_bytes=3_000_000_000)


@dataclass(frozen=True)
class AudioSummary:
    """What a recording holds: `Waveform.content_hash`, its samples, and its level as of `Acoustics`."""

    clip_hash: str
    samples: int
    sampling_rate: int
    level_db: float | None

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.sampling_rate


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


class AudioReader:
    """Reads the audio of clips, in a `with` block; for several threads.

    Recordings, also those at addresses, are decoded in workers; audio of a plug-in's own kind in this process. Audio
    that is missing, damaged, no audio, or larger than `max_clip_mb` raises `UndecodableAudio`, unless a method says
    otherwise; a cache that cannot be written raises `BenchError`.

    Args:
        max_clip_mb: The size of the largest recording, encoded as it is.
    """

    def __init__(self, settings: Settings, *, max_clip_mb: float = MAX_CLIP_MB) -> None:
        self.settings = settings
        self.max_clip_mb = max_clip_mb
        self.fetcher = Fetcher(settings, max_bytes=round(max_clip_mb * _BYTES_PER_MB))
        self._decoders = SharedWorkers(self._new_decoder, _MOST_DECODERS)

    def __enter__(self) -> Self:
        remove_abandoned(self.settings.fetched)  # what runs that were killed have fetched
        return self

    def __exit__(self, *_: object) -> None:
        self._decoders.close()
        self.fetcher.close()

    def summary(self, source: AudioSource) -> AudioSummary:
        """Decode all of a clip."""
        return AudioSummary(**self._one(audio_jobs.summarise, source))

    def summaries(self, sources: Iterable[AudioSource]) -> Iterator[AudioSummary | ClipEnd]:
        """Decode all of several clips; in the place of those that cannot be decoded there is the failure."""
        yield from self._one_each(audio_jobs.summarise, sources, AudioSummary)

    def acoustics(self, sources: Iterable[AudioSource]) -> Iterator[Acoustics | ClipEnd]:
        """Measure several clips; in the place of those that cannot be decoded there is the failure."""
        yield from self._one_each(audio_jobs.measure_acoustics, sources, Acoustics)

    def fingerprints(self, sources: Iterable[AudioSource]) -> Iterator[NDArray[np.float32] | ClipEnd]:
        """Fingerprints of several clips, as of `benchmark.audio.fingerprints`; else the failure."""
        yield from self._one_each(audio_jobs.fingerprint, sources, np.asarray)

    def channels(self, source: AudioSource) -> int | None:
        """Count the channels of a recording; None where it cannot be read."""
        try:
            return int(self._one(audio_jobs.count_channels, source))
        except UndecodableAudio:
            return None

    def announced_length_s(self, source: AudioSource) -> float | None:
        """The length in seconds that the header of a whole recording announces; None where it does not tell."""
        length: float | None = self._one(audio_jobs.announced_length, source)["seconds"]
        return length

    @contextmanager
    def open(self, source: AudioSource, sampling_rate: int | None = None) -> Iterator[AudioStream]:
        """Open a clip to be read block by block, resampled to `sampling_rate` if that is given."""
        items = self._items_of_one(audio_jobs.decoded_blocks, source, (sampling_rate,))
        try:
            yield AudioStream(**next(items), blocks=items)
        finally:
            items.close()

    def windows(
        self,
        audio: Iterable[tuple[str, AudioSource]],
        *,
        sampling_rate: int,
        window_s: float,
        perturbation: Perturbation | None,
    ) -> Generator["ClipWindow", None, None]:
        """The windows of clips with their hashes, as in `benchmark.evaluation.decoding.decode_windows`."""
        plain = None if perturbation is None else {"kind": perturbation.kind.value, "amount": perturbation.amount}
        hashes: deque[str] = deque()

        def tasks() -> Iterator[_Task]:
            for clip_hash, source in audio:
                hashes.append(clip_hash)
                yield source, (clip_hash, sampling_rate, window_s, plain)

        for item in self._items(audio_jobs.cut_windows, tasks()):
            if isinstance(item, ClipEnd):
                yield ClipWindow(hashes.popleft(), None, item.failure)
            else:
                yield ClipWindow(hashes[0], item)

    def check_size(self, size: int) -> None:
        """Refuse a recording that is too large, in bytes."""
        if size > self.max_clip_mb * _BYTES_PER_MB:
            raise UndecodableAudio(
                f"It has {size / _BYTES_PER_MB:.0f} MB, more than the {self.max_clip_mb:g} MB of --max-clip-mb."
            )

    def _one(self, job: _Job, source: AudioSource) -> Any:
        item, *_ = self._items_of_one(job, source, ())
        return item

    def _one_each(
        self, job: _Job, sources: Iterable[AudioSource], kind: Callable[..., Item]
    ) -> Iterator[Item | ClipEnd]:
        result: Item | None = None
        for item in self._items(job, ((source, ()) for source in sources)):
            if not isinstance(item, ClipEnd):
                result = kind(**item) if isinstance(item, dict) else kind(item)
                continue
            yield item if result is None or item.failure is not None else result
            result = None

    def _items(self, job: _Job, tasks: Iterable[_Task]) -> Generator[Any, None, None]:
        """The items of a job on several clips, each with its `ClipEnd`; small files share the calls of a worker."""
        group: list[_FileTask] = []
        largest = min(_GROUP_BYTES, self.max_clip_mb * _BYTES_PER_MB)
        room = _GROUP_BYTES
        for source, arguments in tasks:
            size = _size(source) if isinstance(source, AudioFile) else _GROUP_BYTES
            if size >= room or size > largest or len(group) == GROUP_CLIPS:
                yield from self._items_of_group(job, group)
                group, room = [], _GROUP_BYTES
            if isinstance(source, AudioFile) and size < room and size <= largest:
                group.append((source, arguments))
                room -= size
            else:
                yield from with_end(self._items_of_one(job, source, arguments))
        yield from self._items_of_group(job, group)

    def _items_of_group(self, job: _Job, group: Sequence[_FileTask]) -> Iterator[Any]:
        """The items of several files; if the decoder ends, those that are left are decoded one by one."""
        finished, taken = 0, 0
        if len(group) > 1:
            try:
                for item in self._decode(job, group):
                    finished, taken = (finished + 1, 0) if isinstance(item, ClipEnd) else (finished, taken + 1)
                    yield item
            except _DecoderFailedError as error:
                logger.info("a decoder failed, and its clips are decoded one by one: %s", error)
        for source, arguments in group[finished:]:
            yield from with_end(islice(self._items_of_one(job, source, arguments), taken, None))
            taken = 0

    def _items_of_one(self, job: _Job, source: AudioSource, arguments: Sequence[object]) -> Generator[Any, None, None]:
        """The items of one clip; after a crash of the decoder, which may have another cause, with a new one."""
        if isinstance(source, AudioAddress):
            source = source.fetched(self.fetcher.path(str(source.location)))
        if not isinstance(source, AudioFile):
            yield from (item for item in job(source, *arguments) if item is not None)
            return
        self.check_size(_size(source))
        taken, end = 0, ClipEnd(None)
        for is_last in (False, True):
            position = 0
            try:
                # Until there is no more: a decoder that is left before is not used again.
                for item in self._decode(job, [(source, arguments)]):
                    if isinstance(item, ClipEnd):
                        end = item
                        continue
                    position += 1
                    if position > taken:  # else the decoder before has given it
                        taken = position
                        yield item
                break
            except _DecoderFailedError as error:
                logger.info("the decoder of %s failed: %s", source.location, error)
                if is_last or not error.is_worth_repeating:
                    raise UndecodableAudio(error.reason) from error
        if end.failure is not None:
            raise UndecodableAudio(end.failure)

    def _decode(self, job: _Job, tasks: Sequence[_FileTask]) -> Iterator[Any]:
        """Let a worker decode; raises _DecoderFailedError."""
        limit_s = self.settings.decode_timeout_s
        limit_s += sum(_size(source) for source, _ in tasks) / _BYTES_PER_MB * _S_PER_MB
        method, left_s = "start", limit_s
        parameters: tuple[object, ...] = (job.__name__, [(_plain(source), arguments) for source, arguments in tasks])
        with self._decoders.worker() as worker:
            are_last = False
            while not are_last:
                started = time.monotonic()
                answer = worker.call(method, *parameters, timeout_s=left_s)
                left_s = max(0.0, left_s - (time.monotonic() - started))
                if not isinstance(answer, Returned):
                    worker.close()
                    raise _DecoderFailedError(answer, limit_s)
                for item in answer.value["items"]:
                    yield ClipEnd(item["end"]) if "end" in item else item["item"]
                are_last = answer.value["are_last"]
                method, parameters = "more", ()

    def _new_decoder(self) -> Worker:
        return Worker(_ACTOR, log=self.settings.logs / "decoding.log", limits=_LIMITS, preloaded=False)


class _DecoderFailedError(Exception):
    """A decoder gave no answer; `reason` is a sentence about the recording."""

    def __init__(self, failure: Failure, limit_s: float) -> None:
        super().__init__(failure.reason)
        self.is_worth_repeating = isinstance(failure, Crashed)
        if isinstance(failure, Crashed):
            how = f"{LOST_READER}:" if failure.is_from_outside else "twice"
            self.reason = f"It cannot be decoded: {how} {failure.reason}."
        elif isinstance(failure, TimedOut):
            self.reason = f"It could not be decoded within {limit_s:.0f} s."
        elif isinstance(failure, OutOfMemory):
            self.reason = f"Decoding it takes more than {(_LIMITS.memory_bytes or 0) / 1e9:g} GB of memory."
        else:
            self.reason = f"It cannot be decoded: {failure.reason}."


def _size(source: AudioFile) -> int:
    try:
        return source.path.stat().st_size
    except (OSError, ValueError):  # the worker says it better
        return 0


def _plain(source: AudioFile) -> dict[str, object]:
    return {
        "path": str(source.location),
        "start_s": source.start_s,
        "stop_s": source.stop_s,
        "channel": source.channel.value,
    }
