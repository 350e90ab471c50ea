"""How much of each clip is speech, found by a detector in a worker of its own, or known from a former run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioSource
from benchmark.evaluation.decoding import DecodedCorpus, decode_windows
from benchmark.progress import Progress, Stage
from benchmark.results.environment import installed_version
from benchmark.results.speech_shares import read_speech_shares, save_speech_shares
from benchmark.settings import Settings
from benchmark.workers.answers import Crashed, Failure, Returned
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.models.voice_activity:VoiceActivityActor"
_DETECTOR = "silero-vad"
_RATE = 16_000
_BLOCK_S = 30.0
_TRIES = 2


class _DetectorFailedError(Exception):
    """The detector gave no answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def find_speech(decoded: DecodedCorpus, reader: AudioReader, settings: Settings, progress: Progress) -> DecodedCorpus:
    """Give each clip of a corpus its share of speech; if the detector fails, that stays unknown, with the reason.

    A worker that ends is replaced once; it goes on from where the first one was.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    detector = f"{_DETECTOR} {installed_version(_DETECTOR)}"
    shares = read_speech_shares(settings.cache, detector)
    failure: Failure | None = None
    for _ in range(_TRIES):
        missing = {clip_hash: source for clip_hash, source in decoded.audio.items() if clip_hash not in shares}
        failure = None
        if missing:
            with progress.stage(f"Finding speech in {decoded.record.name}", total=len(missing), unit="clips") as stage:
                try:
                    shares.update(_detect(missing, reader, settings, stage))
                except _DetectorFailedError as error:
                    failure = error.failure
            save_speech_shares(settings.cache, detector, shares)
        if not isinstance(failure, Crashed):
            break
    clips = tuple(replace(clip, speech_share=shares.get(clip.clip_hash or "")) for clip in decoded.record.clips)
    update: dict[str, object] = {"clips": clips}
    if failure is not None:
        update["failure"] = f"How much of the clips is speech is not known: its detector failed: {failure.reason}."
        progress.warn(f"{decoded.record.name}: {update['failure']}")
    return replace(decoded, record=decoded.record.model_copy(update=update))


def drop_silent(decoded: DecodedCorpus, min_speech: float) -> DecodedCorpus:
    """Leave out the clips in which nobody speaks, or less than `min_speech` of the time; unknown shares stay in."""
    kept = tuple(
        clip
        for clip in decoded.record.clips
        if not clip.is_silent and (clip.speech_share is None or clip.speech_share >= min_speech)
    )
    left_out = len(decoded.record.clips) - len(kept)
    available = decoded.record.available_clips - left_out
    update = {"clips": kept, "silent_clips": left_out, "available_clips": available}
    record = decoded.record.model_copy(update=update)
    hashes = {clip.clip_hash for clip in kept}
    return DecodedCorpus(record, {name: source for name, source in decoded.audio.items() if name in hashes})


def _detect(
    audio: Mapping[str, AudioSource], reader: AudioReader, settings: Settings, stage: Stage
) -> Iterator[tuple[str, float]]:
    """Find the share of speech in each clip; raises _DetectorFailedError after those that were found."""
    with Worker(_ACTOR, log=settings.logs / "speech.log") as detector:
        current: str | None = None
        for window in decode_windows(audio.items(), reader, sampling_rate=_RATE, window_s=_BLOCK_S):
            if current != window.clip_hash:
                current = window.clip_hash
                answer = detector.call("begin", timeout_s=settings.load_timeout_s)
            if window.samples is not None:
                answer = detector.call("update", window.samples, timeout_s=settings.clip_timeout_s)
            elif window.failure is None:
                answer = detector.call("share", timeout_s=settings.clip_timeout_s)
            if not isinstance(answer, Returned):
                raise _DetectorFailedError(answer)
            if window.samples is None:
                stage.advance()
                if window.failure is None:
                    yield window.clip_hash, float(answer.value)
