"""Predictions for recordings over time, window after window; no recording is ever in memory as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.windows import sliding_windows
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Clip
from benchmark.emotions.label_map import LabelMap
from benchmark.emotions.merges import merged
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.models.backends.protocol import Engine
from benchmark.models.load_reports import LoadReport, NotFiniteError, TooShortError
from benchmark.progress import Progress
from benchmark.results.timelines import Timeline, WindowAnswer
from benchmark.settings import Settings
from benchmark.workers.answers import Failure, Raised, Returned

MODEL_FAILED = "The model"
"""Begins the failures of models, as against those of recordings."""
# Raised for audio that a model cannot process: their messages are about the recording.
_ABOUT_AUDIO = frozenset({TooShortError.__name__, NotFiniteError.__name__})


class _UnansweredError(Exception):
    """A model gave no answer to a window."""

    def __init__(self, answer: Failure) -> None:
        if isinstance(answer, Raised) and answer.kind in _ABOUT_AUDIO:  # its message is a sentence already
            self.reason = f"{answer.message[:1].upper()}{answer.message[1:]}."
        else:
            self.reason = f"{MODEL_FAILED} failed: {answer.reason}."


@dataclass(frozen=True, kw_only=True)
class TimelinePredictor:
    """Computes timelines of recordings, with a stage of progress for each."""

    reader: AudioReader
    merges: Mapping[str, str]
    device: str
    threads: int
    settings: Settings
    progress: Progress

    def timelines(
        self, subject: Subject, recordings: Sequence[Clip], *, window_s: float, hop_s: float
    ) -> Iterator[Timeline]:
        """Compute recordings with one model; a recording whose worker ends is tried once more in another one.

        A second worker that ends, or one that exceeds its time, costs only the recording that it ended with.

        Args:
            subject: The candidate.
            recordings: There is one timeline for each, in their order.
            window_s: Length of a window in seconds, at most what the model reads at once.
            hop_s: From the beginning of one window to that of the next, in seconds.
        """
        remaining, was_lost = list(recordings), False
        reference = Implementation(Engine(device=self.device))
        while remaining:
            with ModelSession(subject, reference, threads=self.threads, settings=self.settings) as session:
                loaded = session.load()
                while remaining:
                    timeline = self._timeline(session, loaded, remaining[0], window_s=window_s, hop_s=hop_s)
                    if session.has_crashed and not was_lost:
                        was_lost = True
                        break
                    del remaining[0]
                    yield timeline
                    if isinstance(loaded, LoadReport):
                        was_lost = False
                        if session.has_ended:
                            break

    def _length_s(self, recording: Clip) -> float | None:
        with suppress(UndecodableAudio):
            if (seconds := self.reader.announced_length_s(recording.audio)) is not None:
                return max(round(seconds, 1), 0.1)
        return None

    def _timeline(
        self, session: ModelSession, loaded: LoadReport | Failure, recording: Clip, *, window_s: float, hop_s: float
    ) -> Timeline:
        subject, verification = session.subject, session.subject.verification
        label_map = LabelMap(verification.labels, merged(verification.emotions, self.merges))
        windows: list[WindowAnswer] = []
        end_s, failure = 0.0, None
        if isinstance(loaded, LoadReport) and loaded.sampling_rate is not None:
            total = self._length_s(recording)
            with self.progress.stage(f"{subject.name}: {recording.name}", total=total, unit="s") as stage:
                try:
                    for window in self._answers(session, loaded.sampling_rate, recording, label_map, window_s, hop_s):
                        windows.append(window)
                        stage.advance(window.end_s - end_s)
                        end_s = window.end_s
                except (UndecodableAudio, _UnansweredError) as error:
                    failure = error.reason
        else:
            problem = loaded.preprocessor_problem if isinstance(loaded, LoadReport) else loaded.reason
            failure = f"{MODEL_FAILED} could not be loaded again: {problem}."
        return Timeline(
            model=subject.name,
            id=verification.id,
            revision=verification.revision,
            status=verification.status,
            multi_label=verification.multi_label,
            recording=recording.name,
            duration_s=end_s,
            window_s=window_s,
            hop_s=hop_s,
            emotions=label_map.classes,
            windows=tuple(windows),
            failure=failure,
            notes=verification.notes,
        )

    def _answers(
        self, session: ModelSession, rate: int, recording: Clip, label_map: LabelMap, window_s: float, hop_s: float
    ) -> Iterator[WindowAnswer]:
        """Compute window after window.

        Raises:
            UndecodableAudio: The recording, or the rest of it, cannot be decoded.
            _UnansweredError: The model failed.
        """
        with self.reader.open(recording.audio, rate) as stream:
            for window in sliding_windows(stream.blocks, rate, window_s=window_s, hop_s=hop_s):
                answer = session.predict(window.samples)
                if not isinstance(answer, Returned):
                    raise _UnansweredError(answer)
                (probabilities,) = label_map.probabilities(answer.value["logits"][np.newaxis])
                yield WindowAnswer(
                    start_s=window.start / rate,
                    end_s=window.stop / rate,
                    probabilities=tuple(map(float, probabilities)),
                )
