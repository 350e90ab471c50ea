"""`predict`: emotions over the time of recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome
from benchmark.api.verify import open_registry
from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus, choose_channel
from benchmark.corpora.folder import find_recordings
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, EXIT_UNMET, RequestError, UnavailableError
from benchmark.evaluation.eligibility import Subject, select_subjects
from benchmark.evaluation.engines import resolve_devices
from benchmark.evaluation.timelines import MODEL_FAILED, TimelinePredictor
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import storable
from benchmark.options.declare import keywords
from benchmark.options.model_commands import PredictRequest
from benchmark.progress import Silent
from benchmark.results.environment import Environment
from benchmark.results.status import Status
from benchmark.results.storage import prepare_cache
from benchmark.results.timelines import RefusedModel, Timeline, Timelines
from benchmark.settings import Settings, expanded
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verify import verify_candidates

WINDOW_S = 3.0
"""Default window; shorter if the model reads less."""
HOP_S = 1.0
"""Default hop; at most a window."""


@dataclass(frozen=True, kw_only=True)
class PredictOutcome(Outcome):
    """Result of `predict`, which writes no files.

    Attributes:
        result: Timelines of each model and recording, and the models that were refused.
    """

    result: Timelines


def predict_with(options: PredictRequest) -> PredictOutcome:
    """Predict the emotions in recordings, window after window.

    Models that are not verified yet are verified first; one that is no working emotion classifier is refused.
    Probabilities are not calibrated.

    Raises:
        RequestError: The request is wrong, or none of the models is usable.
        UnavailableError: No model could be reached, or the machine failed.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.predict("some-org/some-model", "call.wav")  # doctest: +SKIP
        >>> [(span.start_s, span.emotion) for span in outcome.result.timelines[0].stretches()]  # doctest: +SKIP
    """
    with AudioReader(options.settings or Settings(), max_clip_mb=options.max_clip_mb) as reader:
        return _predict(options, reader)


predict = keywords(predict_with, PredictRequest)


def _predict(options: PredictRequest, reader: AudioReader) -> PredictOutcome:
    progress, settings = options.progress or Silent(), reader.settings
    clips = _find_clips(options.recordings, ChannelChoice(options.channel), reader)
    models = [options.models] if isinstance(options.models, str) else options.models
    registry = open_registry(options.candidates, models, progress)
    merges = chosen_merges(options.merge_preset, options.merge)
    prepare_cache(settings)
    hub = Hub(timeout_s=settings.hub_timeout_s)
    limits = VerifyOptions(
        repair_heads=options.repair_heads, max_download_gb=options.max_download_gb, confirm=options.confirm
    )
    verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=limits)
    selection = select_subjects(registry, verifications, min_emotions=1, hub=hub, progress=progress)
    refused = tuple(
        RefusedModel(model=name, status=verification.status, reason=selection.ineligible[name])
        for verification in selection.verifications
        if (name := verification.candidate) in selection.ineligible
    )
    if not selection.subjects:
        lost = {verification.candidate for verification in selection.verifications if verification.incomplete}
        of_machine = all(model.status is Status.UNREACHABLE or model.model in lost for model in refused)
        kind = UnavailableError if of_machine else RequestError
        raise kind(" ".join(map(_refusal, refused)))
    windows = {
        subject.name: _window_and_hop(subject, options.window_seconds, options.hop_seconds)
        for subject in selection.subjects
    }
    (device,) = resolve_devices([options.device], settings)
    environment = Environment.here()
    predictor = TimelinePredictor(
        reader=reader,
        merges=merges,
        device=device,
        threads=environment.cores,
        settings=settings,
        progress=progress,
    )
    created = datetime.now(UTC)
    timelines, interrupted = _timelines(predictor, selection.subjects, clips, windows)
    result = Timelines(created=created, environment=environment, timelines=timelines, refused=refused)
    exit_code, problems = _judge(result, interrupted=interrupted)
    return PredictOutcome(result=result, exit_code=exit_code, problems=problems)


def _find_clips(
    recordings: str | Path | Sequence[str | Path], channel: ChannelChoice, reader: AudioReader
) -> tuple[Clip, ...]:
    names = [recordings] if isinstance(recordings, str | Path) else list(recordings)
    if not names:
        raise RequestError("Name a recording, as in `bench predict MODEL call.wav`.")
    if not all(map(str, names)):  # Path('') is the current folder
        raise RequestError("The name of a recording is empty: is the variable set that it comes from?")
    paths: list[Path] = []
    for name in names:
        path = expanded(name)
        paths += find_recordings(path) if path.is_dir() else [path]
    if not any(path.exists() for path in paths):
        raise RequestError(f"There is no recording {paths[0]}: check the path, and the order: MODEL, then FILE.")
    clips = tuple(Clip(name=storable(str(path)), audio=AudioFile(path)) for path in dict.fromkeys(paths))
    corpus = Corpus(name="", source="", clips=clips, available_clips=len(clips))
    return choose_channel(corpus, channel, reader.channels).clips


def _window_and_hop(subject: Subject, window_s: float | None, hop_s: float | None) -> tuple[float, float]:
    """Determine window and hop for a model, in seconds.

    Raises:
        RequestError: The window is longer than the model's, or shorter than the hop.
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
    return chosen_s, min(HOP_S, chosen_s) if hop_s is None else hop_s


def _refusal(refused: RefusedModel) -> str:
    return f"{refused.model} is {refused.status}, and is not asked: {refused.reason}"


def _timelines(
    predictor: TimelinePredictor,
    subjects: Sequence[Subject],
    clips: Sequence[Clip],
    windows: Mapping[str, tuple[float, float]],
) -> tuple[tuple[Timeline, ...], bool]:
    """Run one model after the other, each loaded once.

    Returns:
        The timelines, ordered by recording, and whether the user interrupted.
    """
    by_recording: list[list[Timeline]] = [[] for _ in clips]
    interrupted = False
    try:
        for subject in subjects:
            window_s, hop_s = windows[subject.name]
            timelines = predictor.timelines(subject, clips, window_s=window_s, hop_s=hop_s)
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
    """Describe what went wrong with one recording, once if it is the same for all models."""
    failed = [timeline for timeline in timelines if timeline.failure is not None]
    reasons = {(timeline.failure, timeline.duration_s) for timeline in failed}
    if len(reasons) == 1 and len(failed) == len(timelines):
        return [_failure_of(failed[0], who="")]
    return [_failure_of(timeline, who=f" ({timeline.model})") for timeline in failed]


def _failure_of(timeline: Timeline, *, who: str) -> str:
    until = f" Heard until {timeline.duration_s:.1f} s." if timeline.windows else ""
    return f"{timeline.recording}{who}: {timeline.failure}{until}"
