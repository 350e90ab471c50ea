"""Emotions over time, the whole way in order: what `benchmark.predict` and `bench predict` call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome
from benchmark.api.verify import open_registry
from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.clips import Clip, Corpus, choose_channel
from benchmark.corpora.folder import find_recordings
from benchmark.corpora.sources import AudioFile
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, EXIT_UNMET, RequestError, UnavailableError
from benchmark.evaluation.engines import resolve_devices
from benchmark.evaluation.subjects import Subject, select_subjects
from benchmark.evaluation.timelines import MODEL_FAILED, TimelinePredictor
from benchmark.hub.client import Hub
from benchmark.hub.facts import storable
from benchmark.options.declare import keywords
from benchmark.options.model_commands import PredictRequest
from benchmark.progress import Silent
from benchmark.results.environment import Environment
from benchmark.results.status import Status
from benchmark.results.timelines import RefusedModel, Timeline, Timelines
from benchmark.results.verification import Verification
from benchmark.settings import Settings, expanded
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verify import verify_candidates

WINDOW_S = 3.0
"""How much a model hears at once, unless the user says otherwise or it reads less."""
HOP_S = 1.0
"""How far a window lies behind the one before, unless the user says otherwise or it is shorter than that."""


@dataclass(frozen=True, kw_only=True)
class PredictOutcome(Outcome):
    """What `predict` comes back with; it writes no files.

    Attributes:
        result: What each model says to each recording, and the models that were refused.
    """

    result: Timelines


def predict_with(options: PredictRequest) -> PredictOutcome:
    """Ask models what they hear in recordings, window after window.

    The models are verified first, where that has not been done: one that is no working emotion classifier is refused.
    The probabilities are the models' own, and are not calibrated.

    Returns:
        The timelines, and whether every model and recording is among them.

    Raises:
        RequestError: Something asked for is wrong, or no model that was named is usable.
        UnavailableError: No model could be reached, or the machine failed.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.predict("some-org/some-model", "call.wav")  # doctest: +SKIP
        >>> [(span.start_s, span.emotion) for span in outcome.result.timelines[0].stretches()]  # doctest: +SKIP
    """
    progress, settings = options.progress or Silent(), options.settings or Settings()
    clips = _find(options.recordings, ChannelChoice(options.channel))
    models = [options.models] if isinstance(options.models, str) else options.models
    registry = open_registry(options.candidates, models, progress)
    merges = chosen_merges(options.merge_preset, options.merge)
    hub = Hub(timeout_s=settings.hub_timeout_s)
    wanted = VerifyOptions(
        repair_heads=options.repair_heads, max_download_gb=options.max_download_gb, confirm=options.confirm
    )
    verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=wanted)
    selection = select_subjects(registry, verifications, min_emotions=1, hub=hub, progress=progress)
    refused = _refused(verifications, selection.ineligible)
    if not selection.subjects:
        raise _nobody(refused)
    lengths = {
        subject.name: _lengths(subject, options.window_seconds, options.hop_seconds) for subject in selection.subjects
    }
    (device,) = resolve_devices([options.device], settings)
    environment = Environment.here()
    predictor = TimelinePredictor(
        merges=merges,
        device=device,
        threads=environment.cores,
        settings=settings,
        progress=progress,
    )
    created = datetime.now(UTC)
    timelines, interrupted = _listen(predictor, selection.subjects, clips, lengths)
    result = Timelines(created=created, environment=environment, timelines=timelines, refused=refused)
    exit_code, problems = _judge(result, interrupted=interrupted)
    return PredictOutcome(result=result, exit_code=exit_code, problems=problems)


predict = keywords(predict_with, PredictRequest, "predict")


def _find(recordings: str | Path | Sequence[str | Path], channel: ChannelChoice) -> tuple[Clip, ...]:
    given = [recordings] if isinstance(recordings, str | Path) else list(recordings)
    if not given:
        raise RequestError("Name a recording, as in `bench predict MODEL call.wav`.")
    if not all(map(str, given)):  # of which a path would make the current folder
        raise RequestError("The name of a recording is empty: is the variable set that it comes from?")
    paths: list[Path] = []
    for name in map(Path, given):
        path = expanded(name)
        paths += find_recordings(path) if path.is_dir() else [path]
    if not any(path.exists() for path in paths):
        raise RequestError(f"There is no recording {paths[0]}: check the path, and the order: MODEL, then FILE.")
    clips = tuple(Clip(name=storable(str(path)), audio=AudioFile(path)) for path in dict.fromkeys(paths))
    return choose_channel(Corpus(name="", source="", clips=clips, available_clips=len(clips)), channel).clips


@dataclass(frozen=True)
class _Lengths:
    """How a model is asked: the length of a window, and from one to the next, in seconds."""

    window_s: float
    hop_s: float


def _lengths(subject: Subject, window_s: float | None, hop_s: float | None) -> _Lengths:
    """Give the windows that a model is asked with.

    Raises:
        RequestError: They are longer than what the model reads at once, or shorter than the hop.
    """
    most_s = subject.verification.window_s or WINDOW_S
    if window_s is not None and window_s > most_s:
        raise RequestError(
            f"{subject.name} reads at most {most_s:g} s at once: choose --window {most_s:g} or less, or leave it out."
        )
    chosen_s = min(WINDOW_S, most_s) if window_s is None else window_s
    if hop_s is not None and hop_s > chosen_s:
        raise RequestError(
            f"With a hop of {hop_s:g} s and a window of {chosen_s:g} s, part of each recording would go unheard by "
            f"{subject.name}: choose --hop {chosen_s:g} or less."
        )
    return _Lengths(chosen_s, min(HOP_S, chosen_s) if hop_s is None else hop_s)


def _refused(verifications: Sequence[Verification], ineligible: dict[str, str]) -> tuple[RefusedModel, ...]:
    return tuple(
        RefusedModel(
            model=verification.candidate, status=verification.status, reason=ineligible[verification.candidate]
        )
        for verification in verifications
        if verification.candidate in ineligible
    )


def _nobody(refused: Sequence[RefusedModel]) -> RequestError | UnavailableError:
    reasons = " ".join(_refusal(model) for model in refused)
    unreachable = all(model.status is Status.UNREACHABLE for model in refused)
    return UnavailableError(reasons) if unreachable else RequestError(reasons)


def _refusal(refused: RefusedModel) -> str:
    return f"{refused.model} is {refused.status}, and is not asked: {refused.reason}"


def _listen(
    predictor: TimelinePredictor, subjects: Sequence[Subject], clips: Sequence[Clip], lengths: dict[str, _Lengths]
) -> tuple[tuple[Timeline, ...], bool]:
    """Run one model after the other, each loaded once; order the timelines by recording."""
    by_recording: list[list[Timeline]] = [[] for _ in clips]
    interrupted = False
    try:
        for subject in subjects:
            window = lengths[subject.name]
            timelines = predictor.timelines(subject, clips, window_s=window.window_s, hop_s=window.hop_s)
            for of_recording, timeline in zip(by_recording, timelines, strict=False):
                of_recording.append(timeline)
    except KeyboardInterrupt:
        interrupted = True
    return tuple(timeline for of_recording in by_recording for timeline in of_recording), interrupted


def _judge(result: Timelines, *, interrupted: bool) -> tuple[int, tuple[str, ...]]:
    problems = [_refusal(model) for model in result.refused]
    for recording in dict.fromkeys(timeline.recording for timeline in result.timelines):
        problems += _failures([timeline for timeline in result.timelines if timeline.recording == recording])
    if interrupted:
        return EXIT_INTERRUPTED, (*problems, "Interrupted; the recordings that were finished are shown.")
    if problems and not any(timeline.windows for timeline in result.timelines):
        of_machine = any((timeline.failure or "").startswith(MODEL_FAILED) for timeline in result.timelines)
        return (EXIT_ENVIRONMENT if of_machine else RequestError.exit_code), tuple(problems)
    return (EXIT_UNMET if problems else 0), tuple(problems)


def _failures(timelines: Sequence[Timeline]) -> list[str]:
    """Say what went wrong with one recording; what is true for all models is said once."""
    failed = [timeline for timeline in timelines if timeline.failure is not None]
    reasons = {(timeline.failure, timeline.duration_s) for timeline in failed}
    if len(reasons) == 1 and len(failed) == len(timelines):
        return [_failure_of(failed[0], who="")]
    return [_failure_of(timeline, who=f" ({timeline.model})") for timeline in failed]


def _failure_of(timeline: Timeline, *, who: str) -> str:
    until = f" Heard until {timeline.duration_s:.1f} s." if timeline.windows else ""
    return f"{timeline.recording}{who}: {timeline.failure}{until}"
