"""How much of each clip is speech, found by a detector in a worker of its own, or known from a former run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.decoding import DecodedCorpus, decode_windows
from benchmark.progress import Progress, Stage
from benchmark.results.environment import installed_version
from benchmark.results.runs import ClipRecord
from benchmark.results.speech import read_speech_shares, save_speech_shares
from benchmark.settings import Settings
from benchmark.workers.answers import Returned
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.models.voice_activity:VoiceActivityActor"
_DETECTOR = "silero-vad"
_RATE = 16_000
_BLOCK_S = 30.0


def find_speech(heard: DecodedCorpus, settings: Settings, progress: Progress) -> DecodedCorpus:
    """Find out which share of each clip is speech; where the detector fails, that stays unknown and is said.

    Args:
        heard: A corpus that was heard.
        settings: Places and limits.
        progress: Who listens to how far it is.

    Returns:
        The corpus, each of its clips with its share of speech.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    detector = f"{_DETECTOR} {installed_version(_DETECTOR)}"
    shares = read_speech_shares(settings.cache, detector)
    missing = {clip_hash: source for clip_hash, source in heard.audio.items() if clip_hash not in shares}
    if missing:
        with progress.stage(f"Finding speech in {heard.record.name}", total=len(missing), unit="clips") as stage:
            shares.update(_listen(missing, settings, progress, stage))
        save_speech_shares(settings.cache, detector, shares)
    clips = tuple(replace(clip, speech_share=shares.get(clip.clip_hash or "")) for clip in heard.record.clips)
    return replace(heard, record=heard.record.model_copy(update={"clips": clips}))


def drop_silent(heard: DecodedCorpus, min_speech: float) -> DecodedCorpus:
    """Leave out the clips in which nobody speaks, or less than `min_speech` of the time; unknown shares stay in."""
    kept = tuple(clip for clip in heard.record.clips if not _is_too_silent(clip, min_speech))
    left_out = len(heard.record.clips) - len(kept)
    record = heard.record.model_copy(
        update={
            "clips": kept,
            "silent_clips": left_out,
            "available_clips": heard.record.available_clips - left_out,
        }
    )
    hashes = {clip.clip_hash for clip in kept}
    return DecodedCorpus(record, {name: source for name, source in heard.audio.items() if name in hashes})


def _is_too_silent(clip: ClipRecord, min_speech: float) -> bool:
    return clip.is_silent or (clip.speech_share is not None and clip.speech_share < min_speech)


def _listen(
    audio: Mapping[str, AudioSource], settings: Settings, progress: Progress, stage: Stage
) -> Iterator[tuple[str, float]]:
    with Worker(_ACTOR, log=settings.logs / "speech.log") as detector:
        begun: str | None = None
        for window in decode_windows(audio.items(), sampling_rate=_RATE, window_s=_BLOCK_S):
            if begun != window.clip_hash:
                begun = window.clip_hash
                answer = detector.call("begin", timeout_s=settings.load_timeout_s)
            if window.samples is not None:
                answer = detector.call("hear", window.samples, timeout_s=settings.clip_timeout_s)
            elif window.failure is None:
                answer = detector.call("share", timeout_s=settings.clip_timeout_s)
            if not isinstance(answer, Returned):
                progress.warn(f"How much of the clips is speech is not known: its detector failed: {answer.reason}.")
                return
            if window.samples is None:
                stage.advance()
                if window.failure is None:
                    yield window.clip_hash, float(answer.value)
