"""Predictions for recordings over time, window after window; no recording is ever in memory as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.windows import sliding_windows
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip
from benchmark.corpora.turns import TurnClip
from benchmark.emotions.label_map import LabelMap
from benchmark.emotions.merges import merged
from benchmark.evaluation.context import RunContext, RunOptions
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.plan import PAYS_FROM_CLIPS, InferencePlan
from benchmark.evaluation.planned_session import PlannedSession, WindowSession, count_windows, windows_to_compare
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.models.load_reports import LoadReport, NotFiniteError, TooShortError
from benchmark.progress import Progress
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.timelines import Timeline, Turn, WindowAnswer
from benchmark.results.tuning import AppliedTuning
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
    engines: EngineChoice = field(default_factory=EngineChoice)

    def timelines(
        self,
        subject: Subject,
        recordings: Sequence[Clip],
        *,
        window_s: float,
        hop_s: float,
        tuning: AppliedTuning | None = None,
    ) -> Iterator[tuple[int, Timeline]]:
        """Compute recordings with one model, on the fastest engine that decides as the reference does.

        A recording whose worker ends is tried once more in another one. A second worker that ends, or one that exceeds
        its time, takes a faster engine out of the plan, and of the reference it costs the recording.

        Args:
            subject: The candidate.
            recordings: What to compute.
            window_s: Length of a window in seconds, at most what the model reads at once.
            hop_s: From the beginning of one window to that of the next, in seconds.
            tuning: What is applied to the probabilities of every window.

        Yields:
            The position of a recording, and its timeline. A later one of the same position replaces it: what other
            recordings show of an engine may call for its answers to be computed again.

        Raises:
            UnavailableError: The cache cannot be written.
        """
        plan = self._plan(subject, recordings, window_s=window_s, hop_s=hop_s)
        remaining, was_lost = list(range(len(recordings))), False
        accepted: dict[int, float] = {}
        while remaining:
            with PlannedSession(plan, threads=self.threads, settings=self.settings) as session:
                loaded = session.load()
                while remaining:
                    session.begin()
                    timeline = self.timeline(
                        session, loaded, recordings[remaining[0]], window_s=window_s, hop_s=hop_s, tuning=tuning
                    )
                    if session.has_crashed and not was_lost:
                        was_lost = True
                        break
                    if not session.planned.is_reference and (session.has_ended or not isinstance(loaded, LoadReport)):
                        was_lost = False
                        self._replace(session, timeline.failure or "its worker ended")
                        break
                    accepted[remaining[0]] = session.accepted_margin
                    yield remaining.pop(0), timeline.model_copy(update={"rerun_windows": session.rerun_windows})
                    if session.planned.has_failed:  # by what it answered
                        self._replace(session, session.planned.reason)
                        break
                    if isinstance(loaded, LoadReport):
                        was_lost = False
                        if session.has_ended:
                            break
            remaining = sorted({*remaining, *(own for own, margin in accepted.items() if session.is_outdated(margin))})

    def _plan(self, subject: Subject, recordings: Sequence[Clip], *, window_s: float, hop_s: float) -> InferencePlan:
        """Plan the engines as `run` does, with windows of the recordings as clips to compare."""
        # Batches would have to wait for windows.
        choice = self.engines if self.device == "cpu" else replace(self.engines, batch=1)
        clips, work = ClipSet({}, {}), 0
        if len(subject.engines(choice, self.device)) > 1:
            measured: list[tuple[Clip, float | None]] = []
            for clip in recordings:
                measured.append((clip, length_s := self._length_s(clip)))
                work += count_windows(length_s, window_s=window_s, hop_s=hop_s)
                if work >= PAYS_FROM_CLIPS:  # how many more there are changes nothing
                    break
            if not choice.is_left_to_bench or work >= PAYS_FROM_CLIPS:
                clips = windows_to_compare(measured, window_s=window_s, reader=self.reader, progress=self.progress)
        context = RunContext(
            clips=clips,
            reader=self.reader,
            merges=(self.merges,),
            options=RunOptions(engines=choice),
            store=PredictionStore(self.settings.cache),
            settings=self.settings,
            threads=self.threads,
            alone=True,
            work=work,
        )
        plan = InferencePlan.build(subject, self.device, context)
        self._warn_of_fallbacks(plan)
        return plan

    def _warn_of_fallbacks(self, plan: InferencePlan) -> None:
        for reason in plan.fallbacks:
            self.progress.warn(f"{plan.subject.name}: {reason}")

    def _replace(self, session: PlannedSession, failure: str) -> None:
        """Take an engine that has failed out of the plan, or make its converted model again."""
        if session.implementation.is_broken():
            session.plan.rebuild(session.planned)
        else:
            session.plan.reject(session.planned, failure[:1].lower() + failure[1:].removesuffix("."))
        self._warn_of_fallbacks(session.plan)

    def _length_s(self, recording: Clip) -> float | None:
        if (turn := _turn(recording)) is not None and turn.start_s is not None and turn.end_s is not None:
            return max(turn.end_s - turn.start_s, 0.1)
        with suppress(UndecodableAudio):
            if (seconds := self.reader.announced_length_s(recording.audio)) is not None:
                return max(round(seconds, 1), 0.1)
        return None

    def session(self, subject: Subject) -> ModelSession:
        """Prepare a worker for a model, which the caller loads and closes."""
        reference = Implementation(subject.reference(self.device))
        return ModelSession(subject, reference, threads=self.threads, settings=self.settings)

    def timeline(
        self,
        session: WindowSession,
        loaded: LoadReport | Failure,
        recording: Clip,
        *,
        window_s: float,
        hop_s: float,
        tuning: AppliedTuning | None = None,
    ) -> Timeline:
        """Compute one recording in an open session; what goes wrong is the timeline's `failure`.

        Args:
            session: The session of the model.
            loaded: What its `load` returned.
            recording: The recording.
            window_s: As in `timelines`.
            hop_s: As in `timelines`.
            tuning: As in `timelines`.
        """
        subject, verification = session.subject, session.subject.verification
        label_map = LabelMap(verification.labels, merged(verification.emotions, self.merges))
        windows: list[WindowAnswer] = []
        begin_s = _begin_s(recording)
        end_s, failure = begin_s, None
        if isinstance(loaded, LoadReport) and loaded.sampling_rate is not None:
            total = self._length_s(recording)
            with self.progress.stage(f"{subject.name}: {recording.name}", total=total, unit="s") as stage:
                try:
                    for window in self._answers(session, loaded.sampling_rate, recording, label_map, window_s, hop_s):
                        windows.append(window if tuning is None else _tuned(window, tuning))
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
            duration_s=end_s - begin_s,
            window_s=window_s,
            hop_s=hop_s,
            emotions=label_map.classes,
            windows=tuple(windows),
            tuning=tuning,
            failure=failure,
            notes=verification.notes,
            side=_side(recording),
            turn=_turn(recording),
            engine=str(session.implementation.engine),
        )

    def _answers(
        self, session: WindowSession, rate: int, recording: Clip, label_map: LabelMap, window_s: float, hop_s: float
    ) -> Iterator[WindowAnswer]:
        """Compute window after window; times are those of the whole recording.

        Raises:
            UndecodableAudio: The recording, or the rest of it, cannot be decoded.
            _UnansweredError: The model failed.
        """
        begin_s = _begin_s(recording)
        with self.reader.open(recording.audio, rate) as stream:
            for window in sliding_windows(stream.blocks, rate, window_s=window_s, hop_s=hop_s):
                answer = session.predict(window.samples)
                if not isinstance(answer, Returned):
                    raise _UnansweredError(answer)
                (probabilities,) = label_map.probabilities(answer.value["logits"][np.newaxis])
                yield WindowAnswer(
                    start_s=begin_s + window.start / rate,
                    end_s=begin_s + window.stop / rate,
                    probabilities=tuple(map(float, probabilities)),
                )


def _turn(recording: Clip) -> Turn | None:
    return recording.turn if isinstance(recording, TurnClip) else None


def _begin_s(recording: Clip) -> float:
    """Where its audio begins in the recording, in seconds."""
    return (recording.audio.start_s or 0.0) if isinstance(recording.audio, AudioFile) else 0.0


def _side(recording: Clip) -> Channel | None:
    """The side of a call, which its name ends in; None where both are heard together, or only one was asked for."""
    channel = recording.audio.channel if isinstance(recording.audio, AudioFile) else Channel.MIX
    return channel if recording.name.endswith(f"#{channel}") else None


def _tuned(window: WindowAnswer, tuning: AppliedTuning) -> WindowAnswer:
    (probabilities,) = tuning.probabilities(np.array([window.probabilities]))
    return window.model_copy(update={"probabilities": tuple(map(float, probabilities))})
