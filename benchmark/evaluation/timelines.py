"""What one model says to recordings over time, window after window; no recording is ever in memory as a whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio, header_duration_s
from benchmark.audio.waveform import resampled_blocks
from benchmark.audio.windows import sliding_windows
from benchmark.corpora.clips import Clip
from benchmark.corpora.sources import AudioFile, open_source
from benchmark.emotions.label_map import LabelMap
from benchmark.emotions.merges import Merges
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import Engine
from benchmark.models.reports import LoadReport, NotFiniteError, TooShortError
from benchmark.progress import Progress, Stage
from benchmark.results.timelines import Timeline, WindowAnswer
from benchmark.settings import Settings
from benchmark.workers.answers import Crashed, Failure, Raised, Returned, TimedOut

MODEL_FAILED = "The model"
"""Begins what went wrong with a model, as against a recording."""
# What a model says of audio that it cannot answer, as against what goes wrong with a model.
_OBJECTIONS = frozenset({TooShortError.__name__, NotFiniteError.__name__})


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Plays recordings to models.

    Attributes:
        merges: Emotions that count as another.
        device: Where the models compute.
        threads: Threads that a model may compute with.
        settings: Limits and places.
        progress: Who listens.
    """

    merges: Merges
    device: str
    threads: int
    settings: Settings
    progress: Progress

    def timelines(
        self, subject: Subject, recordings: Sequence[Clip], *, window_s: float, hop_s: float
    ) -> Iterator[Timeline]:
        """Ask one model about each recording; a worker that ends costs only the recording that it ended with.

        Args:
            subject: Whose model.
            recordings: What it hears.
            window_s: Length of a window in seconds, at most what the model reads at once.
            hop_s: From the beginning of one window to that of the next, in seconds.

        Yields:
            One timeline per recording, in their order.
        """
        waiting = list(recordings)
        while waiting:
            reference = Implementation(Engine(device=self.device))
            with ModelSession(subject, reference, threads=self.threads, settings=self.settings) as session:
                loaded = session.load()
                problem = _problem(loaded)
                while waiting:
                    hearing = _Hearing(subject, self.merges, waiting.pop(0), window_s=window_s, hop_s=hop_s)
                    if isinstance(loaded, LoadReport) and problem is None:
                        self._hear(hearing, session, loaded)
                    hearing.failure = hearing.failure or problem
                    yield hearing.timeline()
                    if hearing.worker_ended:
                        break

    def _hear(self, hearing: "_Hearing", session: ModelSession, loaded: LoadReport) -> None:
        seconds = _seconds(hearing.recording)
        words = f"{hearing.subject.name}: {hearing.recording.name}"
        with self.progress.stage(words, total=seconds, unit="s") as stage:
            try:
                hearing.listen(session, loaded, stage)
            except UndecodableAudio as error:
                hearing.failure = error.reason


@dataclass
class _Hearing:
    """One model in the middle of one recording."""

    subject: Subject
    merges: Merges
    recording: Clip
    window_s: float
    hop_s: float
    answers: list[WindowAnswer] = field(default_factory=list)
    failure: str | None = None
    worker_ended: bool = False

    @property
    def label_map(self) -> LabelMap:
        """What the model's outputs mean, after merges."""
        found = self.subject.verification
        return LabelMap(found.labels, tuple(self.merges.apply(emotion) for emotion in found.emotions))

    def listen(self, session: ModelSession, loaded: LoadReport, stage: Stage) -> None:
        """Ask window after window, until the end or until something fails.

        Raises:
            UndecodableAudio: Nobody can decode the recording, or the rest of it.
        """
        rate = loaded.sampling_rate or 1
        label_map = self.label_map
        with open_source(self.recording.audio) as stream:
            blocks = resampled_blocks(stream.blocks, stream.sampling_rate, rate)
            for window in sliding_windows(blocks, rate, window_s=self.window_s, hop_s=self.hop_s):
                answer = session.predict(window.samples)
                if not isinstance(answer, Returned):
                    self.worker_ended = isinstance(answer, Crashed | TimedOut)
                    self.failure = _failure(answer)
                    return
                before = self.answers[-1].end_s if self.answers else 0.0
                self.answers.append(
                    WindowAnswer(
                        start_s=window.start / rate,
                        end_s=window.stop / rate,
                        probabilities=_probabilities(label_map, answer.value["logits"]),
                    )
                )
                stage.advance(self.answers[-1].end_s - before)

    def timeline(self) -> Timeline:
        """Give what was heard."""
        found = self.subject.verification
        return Timeline(
            model=self.subject.name,
            id=found.id,
            revision=found.revision,
            status=found.status,
            multi_label=found.multi_label,
            recording=self.recording.name,
            duration_s=self.answers[-1].end_s if self.answers else 0.0,
            window_s=self.window_s,
            hop_s=self.hop_s,
            emotions=self.label_map.classes,
            windows=tuple(self.answers),
            failure=self.failure,
            notes=found.notes,
        )


def _probabilities(label_map: LabelMap, logits: NDArray[np.float32]) -> tuple[float, ...]:
    return tuple(float(value) for value in label_map.probabilities(logits[np.newaxis])[0])


def _problem(loaded: object) -> str | None:
    if not isinstance(loaded, LoadReport):
        return f"{MODEL_FAILED} could not be loaded again: {getattr(loaded, 'reason', 'unknown')}."
    if loaded.sampling_rate is None:
        return f"{MODEL_FAILED} could not be loaded again: {loaded.preprocessor_problem}."
    return None


def _seconds(recording: Clip) -> float | None:
    audio = recording.audio
    seconds = header_duration_s(audio.path) if isinstance(audio, AudioFile) else None
    return None if seconds is None else max(round(seconds, 1), 0.1)


def _failure(answer: Failure) -> str:
    """What happened, as a sentence; a model's own objections are sentences already."""
    if isinstance(answer, Raised) and answer.kind in _OBJECTIONS:
        return f"{answer.message[:1].upper()}{answer.message[1:]}."
    return f"{MODEL_FAILED} failed: {answer.reason}."
