"""`predict`: emotions over the time of recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmark.api.outcomes import Outcome
from benchmark.api.progress import open_progress
from benchmark.api.verify import open_registry
from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus, choose_channel
from benchmark.corpora.folder import find_recordings
from benchmark.corpora.rows import parse_columns
from benchmark.corpora.turns import read_turns
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, EXIT_UNMET, RequestError, UnavailableError
from benchmark.evaluation.eligibility import Subject, select_subjects
from benchmark.evaluation.engines import EngineChoice, resolve_devices
from benchmark.evaluation.timelines import MODEL_FAILED, TimelinePredictor
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import storable
from benchmark.options.declare import keywords
from benchmark.options.model_commands import PredictRequest
from benchmark.progress import Progress
from benchmark.registry.schema import Registry
from benchmark.reporting.numbers import counted
from benchmark.results.environment import Environment
from benchmark.results.status import Status
from benchmark.results.storage import prepare_cache
from benchmark.results.timelines import RefusedModel, Timeline, Timelines
from benchmark.results.tuning import AppliedTuning, TunedModel, find_tuning
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


@dataclass(frozen=True)
class UsableModels:
    """The models that can predict, in the registry's order, and those that are refused."""

    subjects: tuple[Subject, ...]
    refused: tuple[RefusedModel, ...]


def predict_with(options: PredictRequest) -> PredictOutcome:
    """Predict the emotions in recordings, window after window.

    Models that are not verified yet are verified first; one that is no working emotion classifier is refused.
    Probabilities are not calibrated, unless `tuned` applies what `tune` has stored.

    Raises:
        RequestError: The request is wrong, none of the models is usable, or one is not tuned as asked.
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
    progress, settings = open_progress(options.progress), reader.settings
    engines = EngineChoice(backend=options.backend, dtype=options.dtype, fast=options.fast)
    engines.check()
    clips, notes = _find_clips(options, reader)
    for note in notes:
        progress.note(note)
    models = [options.models] if isinstance(options.models, str) else options.models
    registry = open_registry(options.candidates, models, progress)
    merges = chosen_merges(options.merge_preset, options.merge)
    limits = VerifyOptions.of(options, confirm=options.confirm)
    usable = usable_models(registry, limits, settings, progress)
    windows = {
        subject.name: window_and_hop(subject, options.window_seconds, options.hop_seconds)
        for subject in usable.subjects
    }
    tunings = {
        subject.name: find_tuning(
            settings.cache,
            TunedModel.of(subject.verification, merges=merges, preprocessor=subject.preprocessor),
            subject.name,
        ).applied
        for subject in (usable.subjects if options.tuned else ())
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
        engines=engines,
    )
    created = datetime.now(UTC)
    timelines, interrupted = _timelines(predictor, usable.subjects, clips, windows, tunings)
    result = Timelines(
        created=created, environment=environment, calibrated=options.tuned, timelines=timelines, refused=usable.refused
    )
    exit_code, problems = _judge(result, interrupted=interrupted)
    return PredictOutcome(result=result, exit_code=exit_code, problems=problems)


def usable_models(
    registry: Registry, limits: VerifyOptions, settings: Settings, progress: Progress, *, offline: bool | None = None
) -> UsableModels:
    """Verify the candidates that are not verified yet, and find the checkpoints of those that can predict.

    Args:
        registry: The candidates.
        limits: What may be downloaded.
        settings: Folders and limits.
        progress: Shows the verification.
        offline: Ask the local cache of the Hub only; None for what `$HF_HUB_OFFLINE` says.

    Raises:
        RequestError: None of them is usable.
        UnavailableError: None could be reached.
    """
    prepare_cache(settings)
    hub = Hub(timeout_s=settings.hub_timeout_s, offline=offline)
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
    return UsableModels(selection.subjects, refused)


def _find_clips(options: PredictRequest, reader: AudioReader) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """The recordings, or their turns, on the channels that were asked for; and notes on the table of turns."""
    columns = parse_columns(options.columns)
    if columns and options.turns is None:
        raise RequestError("--column says which columns the table of --turns has: name one, or leave it out.")
    names = [options.recordings] if isinstance(options.recordings, str | Path) else list(options.recordings)
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
    turns = None if options.turns is None else read_turns(expanded(options.turns), clips, columns=columns)
    clips = clips if turns is None else turns.clips
    corpus = Corpus(name="", source="", clips=clips, available_clips=len(clips))
    count = cache(lambda location: reader.channels(AudioFile(location)))  # once for all turns
    sides = choose_channel(
        corpus,
        ChannelChoice(options.channel),
        lambda audio: count(audio.location) if isinstance(audio, AudioFile) else None,
    )
    return sides.clips, () if turns is None else turns.notes


def window_and_hop(subject: Subject, window_s: float | None, hop_s: float | None) -> tuple[float, float]:
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
    tunings: Mapping[str, AppliedTuning],
) -> tuple[tuple[Timeline, ...], bool]:
    """Run one model after the other, each loaded once.

    Returns:
        The timelines, ordered by recording, and whether the user interrupted.
    """
    by_recording: list[dict[str, Timeline]] = [{} for _ in clips]
    interrupted = False
    try:
        for subject in subjects:
            window_s, hop_s = windows[subject.name]
            timelines = predictor.timelines(
                subject, clips, window_s=window_s, hop_s=hop_s, tuning=tunings.get(subject.name)
            )
            for index, timeline in timelines:
                by_recording[index][subject.name] = timeline
    except KeyboardInterrupt:
        interrupted = True
    return tuple(timeline for of_recording in by_recording for timeline in of_recording.values()), interrupted


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
    if failed and failed[0].turn is not None:
        rows, lost = ({own.turn.row for own in some if own.turn is not None} for some in (timelines, failed))
        return [
            f"{failed[0].recording}: {len(lost)} of {counted(len(rows), 'turn')} could not be heard to the end, such "
            f"as row {failed[0].turn.row} of the table: {failed[0].failure}"
        ]
    reasons = {(timeline.failure, timeline.duration_s) for timeline in failed}
    if len(reasons) == 1 and len(failed) == len(timelines):
        return [_failure_of(failed[0], who="")]
    return [_failure_of(timeline, who=f" ({timeline.model})") for timeline in failed]


def _failure_of(timeline: Timeline, *, who: str) -> str:
    until = f" Heard until {timeline.duration_s:.1f} s." if timeline.windows else ""
    return f"{timeline.recording}{who}: {timeline.failure}{until}"
