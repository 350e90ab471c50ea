"""What candidates say about one recording: limits, the shape of its waveform, and the answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.api.predict import window_and_hop
from benchmark.app.candidates import AppCandidates
from benchmark.app.models import OpenModels
from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip
from benchmark.errors import RequestError, did_you_mean
from benchmark.evaluation.timelines import TimelinePredictor
from benchmark.hub.repository_facts import storable
from benchmark.options.model_commands import AppRequest
from benchmark.progress import Silent
from benchmark.reporting.escaping import plain_text
from benchmark.results.environment import Environment
from benchmark.results.timelines import Timeline
from benchmark.settings import Settings

_PEAKS_PER_S = 50
_S_PER_MINUTE = 60.0


@dataclass(frozen=True)
class Recording:
    """A recording that keeps to the limits.

    Attributes:
        peaks: The largest magnitude in each fiftieth of a second.
    """

    clip: Clip
    duration_s: float
    peaks: NDArray[np.float32]


@dataclass(frozen=True)
class Answerer:
    """Asks candidates about recordings, within the limits of the request."""

    candidates: AppCandidates
    models: OpenModels
    options: AppRequest
    settings: Settings

    def answers(self, path: str, names: Sequence[str]) -> Iterator[tuple[Recording, Timeline]]:
        """Ask candidates one after the other.

        Args:
            path: The recording's file.
            names: Names of candidates; empty for the first.

        Raises:
            RequestError: The recording is broken, too large or too long, or there is no such candidate.
        """
        subjects = self.candidates.subjects
        for name in names:
            if name not in subjects:
                hint = did_you_mean(name, list(subjects), otherwise="there are")
                raise RequestError(f"There is no candidate {name!r}{hint}.")
        with AudioReader(self.settings, max_clip_mb=self.options.max_clip_mb) as reader:
            recording = self._hear(Path(path), reader)
            predictor = TimelinePredictor(
                reader=reader,
                merges={},
                device="cpu",
                threads=Environment.here().cores,
                settings=self.settings,
                progress=Silent(),
            )
            for name in names or list(subjects)[:1]:
                window_s, hop_s = window_and_hop(subjects[name], None, None)
                yield (
                    recording,
                    self.models.timeline(predictor, subjects[name], recording.clip, window_s=window_s, hop_s=hop_s),
                )

    def _hear(self, path: Path, reader: AudioReader) -> Recording:
        """Decode a recording once, for its length and its peaks, which no header can forge.

        Raises:
            RequestError: It is broken, too large or too long.
        """
        name = storable(path.name)
        clip = Clip(name=name, audio=AudioFile(path))
        most_s = self.options.max_minutes * _S_PER_MINUTE
        peaks: list[NDArray[np.float32]] = []
        rest, samples = np.zeros(0, np.float32), 0
        try:
            with reader.open(clip.audio) as stream:
                step = max(1, stream.sampling_rate // _PEAKS_PER_S)
                for block in stream.blocks:
                    samples += block.size
                    if samples > most_s * stream.sampling_rate:
                        raise RequestError(
                            f"{plain_text(name)} is longer than {self.options.max_minutes:g} minutes: cut it, or start "
                            "the app with a larger --max-minutes."
                        )
                    magnitudes = np.abs(np.concatenate((rest, block)))
                    whole = magnitudes.size // step * step
                    peaks.append(magnitudes[:whole].reshape(-1, step).max(axis=1, initial=0))
                    rest = magnitudes[whole:]
        except UndecodableAudio as error:
            if not samples:  # else it is cut off, and answered as far as it goes
                raise RequestError(f"{plain_text(name)}: {error.reason}") from error
        peaks.append(rest.max(initial=0, keepdims=True))
        return Recording(clip, samples / stream.sampling_rate, np.concatenate(peaks))


def best_emotion(timeline: Timeline) -> tuple[str, float] | None:
    """The emotion with the largest mean probability over the recording, and that probability; None without answers."""
    means = timeline.mean_probabilities()
    return max(zip(timeline.emotions, means, strict=True), key=lambda pair: pair[1]) if means else None


def answer_content(timeline: Timeline, flags: Sequence[str]) -> dict[str, Any]:
    """Give an answer as plain data, for the endpoint `/predict`.

    Raises:
        RequestError: The candidate gave no answer.
    """
    best = best_emotion(timeline)
    if best is None:
        raise RequestError(f"{timeline.recording}: {timeline.failure or 'there is no answer.'}")
    return {
        "emotion": best[0],
        "confidence": best[1],
        "scores": dict(zip(timeline.emotions, timeline.mean_probabilities(), strict=True)),
        "candidate": timeline.model,
        "revision": timeline.revision,
        "flags": list(flags),
        "calibrated": timeline.tuning is not None,
        "duration_s": timeline.duration_s,
        "stretches": [span.model_dump() for span in timeline.stretches()],
        "failure": timeline.failure,
        "notes": list(timeline.notes),
    }
