"""`drift`: whether new recordings are like those that a model was chosen on. No emotion model is loaded."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome, judge_corpora
from benchmark.api.progress import open_progress
from benchmark.audio.measuring import Acoustics
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.specs import open_corpora, still_there
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.evaluation.decoding import DecodedCorpus, decode_corpus, measure_corpus
from benchmark.evaluation.speech_detection import find_speech
from benchmark.options.declare import keywords
from benchmark.options.model_commands import DriftRequest
from benchmark.progress import Progress
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import Registry
from benchmark.reporting.drift import drift_verdict, write_drift
from benchmark.results.files import check_writable
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup
from benchmark.results.run_selection import select_from
from benchmark.results.runs import CorpusRecord, RunRecord, list_runs, load_run
from benchmark.results.storage import prepare_cache
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.drift import (
    BANDWIDTH,
    RECORDINGS,
    ComparedCorpus,
    Comparison,
    Drift,
    Measurements,
    answer_quantities,
    compare_recordings,
    label_designs,
    measurements,
)
from benchmark.scoring.evaluations import Evaluation, join_evaluation
from benchmark.scoring.labels import label_clips, readable_clips
from benchmark.scoring.leaderboard import corpus_evaluations, score_run
from benchmark.scoring.rates import corrected_rates
from benchmark.scoring.recommendation import recommend
from benchmark.settings import Settings

MOST_MEASURED = 2_000
"""Clips of the run that are decoded again for what the run did not measure."""


@dataclass(frozen=True, kw_only=True)
class DriftOutcome(Outcome):
    """Result of `drift`: the comparison, and the run."""

    drift: Drift
    record: RunRecord

    def __repr__(self) -> str:
        return self._in_short(drift_verdict(self.drift))


def drift_with(options: DriftRequest) -> DriftOutcome:
    """Compare new recordings with those of the run that chose a model: sound, and the model's stored answers.

    Writes `drift.md` and `drift.json`. The exit code is 1 for drift only if `strict`.

    Raises:
        RequestError: There is no such run, corpus or candidate, or the recordings cannot be opened.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.drift("folder:calls", run="spring")  # doctest: +SKIP
        >>> outcome.drift.drifted  # doctest: +SKIP
        False
    """
    with AudioReader(options.settings or Settings(), max_clip_mb=options.max_clip_mb) as reader:
        return _drift(options, reader)


drift = keywords(drift_with, DriftRequest)


def _drift(options: DriftRequest, reader: AudioReader) -> DriftOutcome:
    settings, progress, folder = reader.settings, open_progress(options.progress), Path(options.output)
    check_writable(folder)
    prepare_cache(settings)
    run, store = load_run(settings.cache, options.run), PredictionStore(settings.cache)
    old = _corpus_of(run, options.against)
    chosen = _chosen(run, old, options.model, store)
    new, acoustics = _read_new(options, reader, progress, with_speech=_knows_speech(old))
    before = measurements(readable_clips(old), _measured_again(old, reader, progress))
    after = measurements(readable_clips(new), acoustics)
    answers = None if chosen is None else _stored_answers(chosen, run, old, new, store, settings)
    if chosen is not None and answers is not None:
        before, after = (
            before.adding(answer_quantities(chosen.answers)),
            after.adding(answer_quantities(answers.answers)),
        )
    comparison = compare_recordings(before, after)
    result = Drift(
        created=datetime.now(UTC),
        run=run.created,
        old=ComparedCorpus(name=old.name, source=old.source, clips=len(before.speakers), units=comparison.old_units),
        new=ComparedCorpus(name=new.name, source=new.source, clips=len(after.speakers), units=comparison.new_units),
        candidate=None if chosen is None else chosen.candidate,
        uar=None if chosen is None or (counts := chosen.compared.counts) is None else counts.uar,
        units=comparison.units,
        differences=comparison.differences,
        designs=() if chosen is None else label_designs(chosen),
        rates=() if chosen is None or answers is None else corrected_rates(chosen, answers.answers),
        notes=(
            *_notes(old, new, after, comparison),
            *_notes_on_answers(chosen, answers, new),
        ),
    )
    files = write_drift(result, folder)
    failed = not result.differences or (options.strict and result.drifted)
    return DriftOutcome(
        drift=result,
        record=run,
        files=files,
        exit_code=EXIT_UNMET if failed else 0,
        problems=(drift_verdict(result),) if failed else (),
    )


def _corpus_of(run: RunRecord, name: str | None) -> CorpusRecord:
    corpora = select_from(run, corpora=() if name is None else (name,)).corpora
    if len(corpora) != 1:
        names = ", ".join(corpus.name for corpus in corpora)
        raise RequestError(f"Name the corpus of the run to compare with by --against: {names or 'the run has none'}.")
    return corpora[0]


def _chosen(run: RunRecord, corpus: CorpusRecord, model: str | None, store: PredictionStore) -> Evaluation | None:
    """The evaluation of the candidate that is asked for, or of the one that `bench recommend` picks.

    Raises:
        RequestError: The run has no such candidate, or not all its answers to the corpus.
    """
    name = model if model is not None else recommend(score_run(run, store.read), run, store.read, Constraints()).pick
    if name is None:
        return None
    part = select_from(run, models=(name,), corpora=(corpus.name,))
    if len(part.verifications) != 1:
        names = ", ".join(candidate.candidate for candidate in part.verifications)
        raise RequestError(f"--model {name} is several candidates of the run: {names}; name one.")
    candidate = part.verifications[0].candidate
    complete = [own for own in corpus_evaluations(part, part.corpora[0], store.read).of(candidate) if own.complete]
    if not complete and model is not None:
        raise RequestError(
            f"{candidate} has not answered all clips of {corpus.name} in this run: `bench run` computes the rest."
        )
    return complete[0] if complete else None


def _knows_speech(corpus: CorpusRecord) -> bool:
    return any(clip.speech_share is not None for clip in corpus.clips)


def _read_new(
    options: DriftRequest, reader: AudioReader, progress: Progress, *, with_speech: bool
) -> tuple[CorpusRecord, list[Acoustics | None]]:
    """Read the new recordings: their record, and the measurements of the readable ones.

    Raises:
        RequestError: There are none, or none can be read.
    """
    registry = find_registry(options.candidates)
    (corpus,) = open_corpora([options.corpus], registry, options, reader=reader, progress=progress)
    decoded = decode_corpus(corpus, reader, progress)
    _, problems = judge_corpora([decoded.record])
    if problems:
        raise RequestError(problems[0])
    if options.find_speech and with_speech:
        decoded = find_speech(decoded, reader, reader.settings, progress)
    return decoded.record, _of_readable(decoded.record, measure_corpus(decoded, reader, progress))


def _measured_again(corpus: CorpusRecord, reader: AudioReader, progress: Progress) -> list[Acoustics | None]:
    """Measure recordings of the run that are still where it found them, evenly over the corpus; None for others."""
    clips = readable_clips(corpus)
    opened = still_there(corpus, Registry(title="", candidates=()), reader)
    sources = {} if opened is None else {clip.name: clip.audio for clip in opened.clips}
    step = -(-len(clips) // MOST_MEASURED) or 1
    audio = {clip.clip_hash: sources[clip.clip] for clip in clips[::step] if clip.clip in sources and clip.clip_hash}
    return _of_readable(corpus, measure_corpus(DecodedCorpus(corpus, audio), reader, progress))


def _of_readable(corpus: CorpusRecord, acoustics: Sequence[Acoustics | None]) -> list[Acoustics | None]:
    return [own for clip, own in zip(corpus.clips, acoustics, strict=True) if clip.clip_hash is not None]


def _stored_answers(
    chosen: Evaluation,
    run: RunRecord,
    old: CorpusRecord,
    new: CorpusRecord,
    store: PredictionStore,
    settings: Settings,
) -> Evaluation | None:
    """The candidate's answers to the new recordings, of any stored run: those of most clips; None without any."""
    corpus = new.model_copy(update={"merge": old.merge, "labels": {}})
    clips, most = label_clips(corpus), None
    for setup in _setups(chosen, run, settings):
        record = chosen.record.model_copy(update={"corpus": new.name, "setup": setup})
        own = join_evaluation(record, chosen.verification, corpus, store.read(setup), clips)
        if most is None or own.answers.answered.sum() > most.answers.answered.sum():
            most = own
        if own.complete:
            break
    return most if most is not None and most.answers.answered.any() else None


def _setups(chosen: Evaluation, run: RunRecord, settings: Settings) -> Iterator[InferenceSetup]:
    """The setups of all runs in which the candidate has answered, this run's first; each once."""
    known = set()
    for path in (None, *list_runs(settings.cache)):
        with suppress(RequestError):  # it cannot be read, which an earlier one may
            record = run if path is None else load_run(settings.cache, str(path))
            for evaluation in record.evaluations:
                setup, own = evaluation.setup, chosen.record.setup
                is_same = (setup.candidate, setup.revision) == (own.candidate, own.revision)
                if is_same and setup.key not in known:
                    known.add(setup.key)
                    yield setup


def _notes(old: CorpusRecord, new: CorpusRecord, after: Measurements, comparison: Comparison) -> Iterator[str]:
    """What limits the comparison of recordings."""
    if lost := len(new.clips) - len(after.speakers):
        yield f"{lost} of {len(new.clips)} new recordings cannot be read; bench corpus says why."
    same = {clip.clip_hash for clip in readable_clips(old)} & {clip.clip_hash for clip in readable_clips(new)}
    if same:
        yield f"{len(same)} of the new recordings are clips of {old.name}."
    if comparison.not_compared:
        yield f"Not compared, as only one side has it: {', '.join(comparison.not_compared)}."
    if BANDWIDTH.name in comparison.not_compared:
        yield f"The recordings of {old.name} are not where the run found them: {old.source}."
    if comparison.units == RECORDINGS:
        yield (
            f"Fewer than three speakers of {old.name} are known: every recording counts for itself. Those of one "
            "speaker are alike, and may pass for drift."
        )
    elif set(after.speakers) == {None}:
        yield (
            "Nobody knows who speaks in the new recordings: they count as one speaker, so that only large differences "
            "are found, and intervals of emotion rates are too narrow. Name them by a column, or by --speaker-pattern."
        )


def _notes_on_answers(chosen: Evaluation | None, answers: Evaluation | None, new: CorpusRecord) -> Iterator[str]:
    """What limits the comparison of answers."""
    if chosen is None:
        yield "The run has no candidate to recommend: --model NAME compares the answers of one."
    elif answers is None:
        yield (
            f"No answers of {chosen.candidate} to the new recordings are stored: bench run --corpus {new.source} "
            f"--model {chosen.verification.id} computes them, and bench drift then compares them."
        )
    elif (lost := int((~answers.answers.answered).sum())) > 0:
        yield f"{lost} of {len(answers.answers.truth)} new recordings have no answer of {chosen.candidate}."
