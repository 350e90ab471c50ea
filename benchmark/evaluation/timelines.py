"""Predictions for recordings over time, window after window; no recording is ever in memory as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmark.audio.decoding import UndecodableAudio, header_duration_s
from benchmark.audio.waveform import resampled_blocks
from benchmark.audio.windows import sliding_windows
from benchmark.corpora.clips import Clip
from benchmark.corpora.sources import AudioFile, open_source
from benchmark.emotions.label_map import LabelMap
from benchmark.emotions.merges import merged
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import Engine
from benchmark.models.reports import LoadReport, NotFiniteError, TooShortError
from benchmark.progress import Progress, Stage
from benchmark.results.timelines import Timeline, WindowAnswer
from benchmark.settings import Settings
from benchmark.workers.answers import Crashed, Failure, Raised, Returned, TimedOut

MODEL_FAILED = "The model"
"""Begins the failures of models, as against those of recordings."""
# Raised for audio that a model cannot process: their messages are about the recording.
_ABOUT_AUDIO = frozenset({TooShortError.__name__, NotFiniteError.__name__})


@dataclass(frozen=True, kw_only=True)
class TimelinePredictor:
    """Computes timelines of recordings.

    Attributes:
        merges: Emotions that count as another.
        device: `cpu` or `cuda`.
        threads: Threads that a model may compute with.
        settings: Limits and places.
        progress: Gets a stage for each recording.
    """

    merges: Mapping[str, str]
    device: str
    threads: int
    settings: Settings
    progress: Progress

    def timelines(
        self, subject: Subject, recordings: Sequence[Clip], *, window_s: float, hop_s: float
    ) -> Iterator[Timeline]:
        """Compute recordings with one model; a worker that ends costs only the recording that it ended with.

        Args:
            subject: The candidate.
            recordings: The recordings.
            window_s: Length of a window in seconds, at most what the model reads at once.
            hop_s: From the beginning of one window to that of the next, in seconds.

        Yields:
            One timeline per recording, in their order.
        """
        remaining = list(recordings)
        reference = Implementation(Engine(device=self.device))
        while remaining:
            with ModelSession(subject, reference, threads=self.threads, settings=self.settings) as session:
                loaded = session.load()
                worker_ended = False
                while remaining and not worker_ended:
                    prediction = _Prediction(subject, self.merges, remaining.pop(0), window_s=window_s, hop_s=hop_s)
                    if isinstance(loaded, LoadReport) and loaded.sampling_rate is not None:
                        self._compute(prediction, session, loaded.sampling_rate)
                    else:
                        problem = loaded.preprocessor_problem if isinstance(loaded, LoadReport) else loaded.reason
                        prediction.failure = f"{MODEL_FAILED} could not be loaded again: {problem}."
                    yield prediction.timeline()
                    worker_ended = prediction.worker_ended

    def _compute(self, prediction: "_Prediction", session: ModelSession, rate: int) -> None:
        audio = prediction.recording.audio
        seconds = header_duration_s(audio.path) if isinstance(audio, AudioFile) else None
        total = None if seconds is None else max(round(seconds, 1), 0.1)
        title = f"{prediction.subject.name}: {prediction.recording.name}"
        with self.progress.stage(title, total=total, unit="s") as stage:
            try:
                prediction.compute(session, rate, stage)
            except UndecodableAudio as error:
                prediction.failure = error.reason


@dataclass
class _Prediction:
    """One model in the middle of one recording."""

    subject: Subject
    merges: Mapping[str, str]
    recording: Clip
    window_s: float
    hop_s: float
    answers: list[WindowAnswer] = field(default_factory=list)
    failure: str | None = None
    worker_ended: bool = False

    @property
    def label_map(self) -> LabelMap:
        """What the model's outputs mean, after merges."""
        verification = self.subject.verification
        return LabelMap(verification.labels, merged(verification.emotions, self.merges))

    def compute(self, session: ModelSession, rate: int, stage: Stage) -> None:
        """Compute window after window, until the end or until something fails.

        Raises:
            UndecodableAudio: The recording, or the rest of it, cannot be decoded.
        """
        label_map, end_s = self.label_map, 0.0
        with open_source(self.recording.audio) as stream:
            blocks = resampled_blocks(stream.blocks, stream.sampling_rate, rate)
            for window in sliding_windows(blocks, rate, window_s=self.window_s, hop_s=self.hop_s):
                answer = session.predict(window.samples)
                if not isinstance(answer, Returned):
                    self.worker_ended = isinstance(answer, Crashed | TimedOut)
                    self.failure = _failure(answer)
                    return
                before_s, end_s = end_s, window.stop / rate
                probabilities = label_map.probabilities(answer.value["logits"][np.newaxis])[0]
                self.answers.append(
                    WindowAnswer(
                        start_s=window.start / rate,
                        end_s=end_s,
                        probabilities=tuple(float(value) for value in probabilities),
                    )
                )
                stage.advance(end_s - before_s)

    def timeline(self) -> Timeline:
        """The windows computed so far, with what they mean."""
        verification = self.subject.verification
        return Timeline(
            model=self.subject.name,
            id=verification.id,
            revision=verification.revision,
            status=verification.status,
            multi_label=verification.multi_label,
            recording=self.recording.name,
            duration_s=self.answers[-1].end_s if self.answers else 0.0,
            window_s=self.window_s,
            hop_s=self.hop_s,
            emotions=self.label_map.classes,
            windows=tuple(self.answers),
            failure=self.failure,
            notes=verification.notes,
        )


def _failure(answer: Failure) -> str:
    """The failure as a sentence; what a model raises about audio is one already."""
    if isinstance(answer, Raised) and answer.kind in _ABOUT_AUDIO:
        return f"{answer.message[:1].upper()}{answer.message[1:]}."
    return f"{MODEL_FAILED} failed: {answer.reason}."
