"""`tune`: fit temperature, class prior and thresholds on the stored answers of a run. No model is loaded."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.options.declare import keywords
from benchmark.options.report_commands import TuneRequest
from benchmark.reporting.csv_and_json import model_json
from benchmark.reporting.tuning import tuning_markdown, verdict_sentence, why_not_stored
from benchmark.results.files import FileSet
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.run_selection import select_from
from benchmark.results.runs import RunRecord, load_run
from benchmark.results.tuning import TunedModel, Tuning, store_tuning
from benchmark.scoring.leaderboard import corpus_evaluations
from benchmark.scoring.tuning import tune as tune_evaluation
from benchmark.scoring.tuning import why_not_tunable
from benchmark.settings import Settings, expanded

_FILES = ("tuning.md", "tuning.json")


@dataclass(frozen=True, kw_only=True)
class TuneOutcome(Outcome):
    """Result of `tune`.

    Attributes:
        tuning: None where there are too few labels or speakers. It is stored where its verdict is usable.
        record: The part of the run that it rests on.
    """

    tuning: Tuning | None
    record: RunRecord

    def __repr__(self) -> str:
        return self._in_short("nothing can be tuned" if self.tuning is None else verdict_sentence(self.tuning))

    def _repr_html_(self) -> str:
        return self._html([] if self.tuning is None else [tuning_markdown(self.tuning)])


def tune_with(options: TuneRequest) -> TuneOutcome:
    """Fit a tuning on stored answers, judge it on speakers that it has not seen, and store it if it helps.

    Raises:
        RequestError: The run has no answers of the candidate to the corpus, or the folder cannot be written.
        UnavailableError: The disk is full.
    """
    settings = options.settings or Settings()
    record = _selected(options, settings)
    corpus, verification = record.corpora[0], record.verifications[0]
    joined = corpus_evaluations(record, corpus, PredictionStore(settings.cache).read)
    evaluation, folder = joined.of(verification.candidate)[0], expanded(str(options.output))
    if (reason := why_not_tunable(joined, evaluation)) is not None:
        with FileSet(remedy="choose another folder with -o") as files:
            for name in _FILES:
                files.remove(folder / name)
        return TuneOutcome(tuning=None, record=record, exit_code=EXIT_UNMET, problems=(reason,))
    model = TunedModel.of(verification, merges=corpus.merge, preprocessor=evaluation.record.setup.preprocessor)
    tuning = tune_evaluation(evaluation, model, corpus, max_error=options.max_error, created=datetime.now(UTC))
    if tuning.verdict.usable:
        store_tuning(settings.cache, tuning)
    written = _write(tuning, folder)
    if tuning.verdict.usable:
        return TuneOutcome(tuning=tuning, record=record, files=written)
    problems = (why_not_stored(tuning),)
    return TuneOutcome(tuning=tuning, record=record, files=written, exit_code=EXIT_UNMET, problems=problems)


tune = keywords(tune_with, TuneRequest)


def _write(tuning: Tuning, folder: Path) -> tuple[Path, ...]:
    contents = (tuning_markdown(tuning), model_json(tuning))
    with FileSet(remedy="choose another folder with -o") as files:
        return tuple(files.write(folder / name, content) for name, content in zip(_FILES, contents, strict=True))


def _selected(options: TuneRequest, settings: Settings) -> RunRecord:
    """The part of a run that has the answers of one candidate to one corpus.

    Raises:
        RequestError: There is no such part.
    """
    record = load_run(settings.cache, options.run)
    model, corpus = options.model, options.corpus
    path = str(expanded(model).resolve())
    named = [own.candidate for own in record.verifications if {own.candidate, own.id} & {model, path}]
    sources = [own.name for own in record.corpora if corpus is not None and corpus in {own.name, own.source}]
    remedy = f"`bench run -m {model} --corpus {corpus or 'SPEC'}` makes its answers, or select another run with --run."
    try:
        selected = select_from(
            record,
            models=named or [model],
            corpora=sources or ([] if corpus is None else [corpus]),
            min_emotions=1,
            merge=chosen_merges(options.merge_preset, options.merge),
        )
    except RequestError as error:
        raise RequestError(f"{str(error).rstrip('.?')}. {remedy}") from error
    for what, names in (
        ("candidate", [own.candidate for own in selected.verifications]),
        ("corpus", [own.name for own in selected.corpora]),
    ):
        if len(names) != 1:
            raise RequestError(f"Name one {what} of the run: it has {', '.join(names) or 'none'}.")
    if not selected.evaluations:
        raise RequestError(f"The run has no answers of {model}: {remedy}")
    return selected
