"""The audio of clips: addresses are fetched and recordings decoded in workers, never in this process.

A recording that crashes its decoder, hangs it or eats memory costs one clip, and a new worker takes the others.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import AudioStream, UndecodableAudio
from benchmark.audio.measuring import Acoustics
from benchmark.audio.perturbation import Perturbation
from benchmark.corpora import audio_jobs
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

DECODERS = 2
"""How many recordings are decoded at the same time when all of a corpus are."""

_ACTOR = "benchmark.corpora.audio_jobs:DecodeActor"
_MOST_DECODERS = 64  # each model that computes has one, too
_BYTES_PER_MB = 1_000_000
_S_PER_MB = 5.0
# An MP3 file is read into memory, and once more with a header that tells its length.
_LIMITS = Limits(threads=1, memory_bytes=3_000_000_000)


@dataclass(frozen=True)
class AudioSummary:
    """What a recording holds: `Waveform.content_hash`, and its samples."""

    clip_hash: str
    samples: int
    sampling_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.sampling_rate


class AudioReader:
    """Reads the audio of clips, in a `with` block; for several threads.

    Recordings, also those at addresses, are decoded in workers; audio of a plug-in's own kind in this process. Every
    method raises `UndecodableAudio` where the audio is missing, damaged or no audio, or larger than `max_clip_mb`; and
    `BenchError` where the cache cannot be written.

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

    def acoustics(self, source: AudioSource) -> Acoustics:
        """Measure a clip."""
        return Acoustics(**self._one(audio_jobs.measure_acoustics, source))

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
        items = self._items(audio_jobs.decoded_blocks, source, sampling_rate)
        try:
            yield AudioStream(**next(items), blocks=items)
        finally:
            items.close()

    def windows(
        self,
        source: AudioSource,
        clip_hash: str,
        *,
        sampling_rate: int,
        window_s: float,
        perturbation: Perturbation | None,
    ) -> Iterator[NDArray[np.float32]]:
        """The windows of a clip, which `clip_hash` must be the hash of."""
        plain = None if perturbation is None else {"kind": perturbation.kind.value, "amount": perturbation.amount}
        yield from self._items(audio_jobs.cut_windows, source, clip_hash, sampling_rate, window_s, plain)

    def check_size(self, size: int) -> None:
        """Refuse a recording that is too large, in bytes."""
        if size > self.max_clip_mb * _BYTES_PER_MB:
            raise UndecodableAudio(
                f"It has {size / _BYTES_PER_MB:.0f} MB, more than the {self.max_clip_mb:g} MB of --max-clip-mb."
            )

    def _one(self, job: Callable[..., audio_jobs.Items], source: AudioSource) -> Any:
        (item,) = self._items(job, source)
        return item

    def _items(
        self, job: Callable[..., audio_jobs.Items], source: AudioSource, *arguments: object
    ) -> Generator[Any, None, None]:
        """The items of a job; after a crash of the decoder, which may have another cause, once more with a new one."""
        if isinstance(source, AudioAddress):
            source = source.fetched(self.fetcher.path(str(source.location)))
        if not isinstance(source, AudioFile):
            yield from (item for item in job(source, *arguments) if item is not None)
            return
        try:
            size = source.path.stat().st_size
        except (OSError, ValueError):  # the worker says it better
            size = 0
        self.check_size(size)
        taken = 0
        for is_last in (False, True):
            try:
                for item in islice(self._decode(job, source, size, arguments), taken, None):
                    taken += 1
                    yield item
                return
            except _DecoderEndedError as error:
                logger.info("the decoder of %s ended: %s", source.location, error)
                if is_last:
                    how = f"{LOST_READER}: {error}" if error.crash.is_from_outside else f"twice {error}"
                    raise UndecodableAudio(f"It cannot be decoded: {how}.") from error

    def _decode(
        self, job: Callable[..., audio_jobs.Items], source: AudioFile, size: int, arguments: Sequence[object]
    ) -> Iterator[Any]:
        limit_s = self.settings.decode_timeout_s + _S_PER_MB * size / _BYTES_PER_MB
        method, left_s = "start", limit_s
        parameters: tuple[object, ...] = (job.__name__, _plain(source), arguments)
        with self._decoders.worker() as worker:
            while True:
                started = time.monotonic()
                answer = worker.call(method, *parameters, timeout_s=left_s)
                left_s = max(0.0, left_s - (time.monotonic() - started))
                if not isinstance(answer, Returned):
                    worker.close()
                    raise _error_of(answer, limit_s)
                yield from answer.value["items"]
                if answer.value["failure"] is not None:
                    raise UndecodableAudio(answer.value["failure"])
                if answer.value["ended"]:
                    return
                method, parameters = "more", ()

    def _new_decoder(self) -> Worker:
        return Worker(_ACTOR, log=self.settings.logs / "decoding.log", limits=_LIMITS)


class _DecoderEndedError(Exception):
    """A decoder's process ended in the middle of a recording."""

    def __init__(self, crash: Crashed) -> None:
        super().__init__(crash.reason)
        self.crash = crash


def _plain(source: AudioFile) -> dict[str, object]:
    return {
        "path": str(source.location),
        "start_s": source.start_s,
        "stop_s": source.stop_s,
        "channel": source.channel.value,
    }


def _error_of(failure: Failure, limit_s: float) -> UndecodableAudio | _DecoderEndedError:
    if isinstance(failure, Crashed):
        return _DecoderEndedError(failure)
    if isinstance(failure, TimedOut):
        return UndecodableAudio(f"It could not be decoded within {limit_s:.0f} s.")
    if isinstance(failure, OutOfMemory):
        return UndecodableAudio(f"Decoding it takes more than {(_LIMITS.memory_bytes or 0) / 1e9:g} GB of memory.")
    return UndecodableAudio(f"It cannot be decoded: {failure.reason}.")
