"""`publish`: prepare a finished run for the Hub, and send it on request."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from huggingface_hub import EvalResult

from benchmark.api.outcomes import Outcome, judge_completeness
from benchmark.errors import EXIT_UNMET, RequestError, UnavailableError
from benchmark.hub.publishing import Publisher, Sent, dataset_url
from benchmark.options.declare import keywords
from benchmark.options.report_commands import PublishRequest
from benchmark.registry.locations import is_hub_id
from benchmark.reporting.model_cards import (
    Destination,
    dataset_card,
    eval_results_yaml,
    eval_yaml,
    model_index_results,
    model_index_yaml,
    scored_rows,
)
from benchmark.reporting.numbers import counted
from benchmark.reporting.publishing import (
    is_on_hub,
    publishable,
    published_csv,
    published_json,
    published_parquet,
    published_rows,
)
from benchmark.results.files import FileSet, check_writable
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.run_selection import with_rare_classes
from benchmark.results.runs import RunRecord, load_run
from benchmark.scoring.leaderboard import score_run
from benchmark.settings import Settings

_RESULTS_FOLDER = ".eval_results"


@dataclass(frozen=True, kw_only=True)
class ModelResults:
    """The results for one model's repository.

    Attributes:
        repo: The repository.
        revision: The commit whose weights were measured.
        files: Content by path in the repository.
        results: Metadata for its card.
    """

    repo: str
    revision: str
    files: dict[str, bytes]
    results: tuple[EvalResult, ...]


@dataclass(frozen=True, kw_only=True)
class PublishOutcome(Outcome):
    """Result of `publish`.

    Attributes:
        repo: The dataset of results.
        corpora: The corpora that it names.
        models: The repositories of the models.
        left_out: Reasons by what is not published of the run.
        sent: What was sent; empty for a dry run.
        complete: Whether everything that this part of the run was asked for came to its end.
    """

    repo: str
    corpora: tuple[str, ...]
    models: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    complete: bool = True


def publish_with(options: PublishRequest) -> PublishOutcome:
    """Prepare the results of a run for the Hub, and send them if `push` is set.

    Raises:
        RequestError: There is no such run, candidate or corpus, the name is no repository's, nothing may be published,
            or there is no token.
        UnavailableError: The Hub cannot be reached, or the disk is full.
    """
    settings = options.settings or Settings()
    if not is_hub_id(options.repo) or "/" not in options.repo:
        raise RequestError(
            f"{options.repo!r} cannot be the name of a dataset: write owner and name, as in `me/emotion-results`."
        )
    record = with_rare_classes(load_run(settings.cache, options.run), options.rare_classes)
    chosen = publishable(record, candidates=options.candidates, corpora=options.corpora)
    leaderboard = score_run(chosen.record, PredictionStore(settings.cache).read)
    destination = Destination(options.repo, dataset_url(options.repo, endpoint=options.endpoint))
    dataset = _dataset_files(leaderboard, chosen.record, options.repo)
    models = _model_results(leaderboard, chosen.record, destination)
    exit_code, problems = judge_completeness(leaderboard)
    outcome = PublishOutcome(
        repo=options.repo,
        corpora=tuple(corpus.name for corpus in leaderboard.corpora),
        files=_write(dataset, models, Path(options.output)),
        models=tuple(model.repo for model in models),
        left_out=chosen.left_out,
        complete=leaderboard.complete,
        exit_code=exit_code,
        problems=problems,
    )
    return _send(outcome, dataset, models, destination, options) if options.push else outcome


publish = keywords(publish_with, PublishRequest)


def _dataset_files(leaderboard: Leaderboard, record: RunRecord, repo: str) -> dict[str, bytes]:
    rows = published_rows(leaderboard, record)
    return {
        "README.md": dataset_card(leaderboard, repo).encode(),
        "eval.yaml": eval_yaml(leaderboard, repo).encode(),
        "leaderboard.csv": published_csv(rows).encode(),
        "leaderboard.json": published_json(rows, leaderboard).encode(),
        "leaderboard.parquet": published_parquet(rows),
    }


def _model_results(leaderboard: Leaderboard, record: RunRecord, destination: Destination) -> list[ModelResults]:
    results = []
    for candidate in record.verifications:
        rows = scored_rows(leaderboard, candidate.candidate)
        if rows and is_on_hub(candidate):
            text = eval_results_yaml(rows, record, destination)
            results.append(
                ModelResults(
                    repo=candidate.id,
                    revision=candidate.revision or "",
                    files={f"{_RESULTS_FOLDER}/{destination.file_name}": text.encode()},
                    results=tuple(model_index_results(rows, destination)),
                )
            )
    return results


def _write(dataset: dict[str, bytes], models: Sequence[ModelResults], folder: Path) -> tuple[Path, ...]:
    check_writable(folder)
    contents = {folder / "dataset" / name: content for name, content in dataset.items()}
    for model in models:
        own = folder / "models" / model.repo.replace("/", "__")
        contents |= {own / name: content for name, content in model.files.items()}
        index = model_index_yaml(model.repo.rpartition("/")[2], list(model.results))
        contents[own / "model-index.yaml"] = index.encode()
    with FileSet() as files:
        return tuple(files.write(path, content) for path, content in contents.items())


def _send(
    outcome: PublishOutcome,
    dataset: dict[str, bytes],
    models: Sequence[ModelResults],
    destination: Destination,
    options: PublishRequest,
) -> PublishOutcome:
    """Send the dataset, then the models' results, which link to it; a repository that refuses is skipped."""
    publisher = Publisher(endpoint=options.endpoint)
    listed = f", and propose results to {', '.join(outcome.models)}" if models else ""
    if options.confirm(f"Write to the dataset {outcome.repo}{listed}?") is False:
        return replace(outcome, exit_code=EXIT_UNMET, problems=("Nothing was sent.",))
    title = "Add results of speech-emotion models"
    sent = [publisher.send_dataset(outcome.repo, dataset, message=title, private=options.private)]
    corpora = counted(len(outcome.corpora), "corpus", "corpora")
    problems = list(outcome.problems)
    for model in models:
        try:
            proposed = publisher.send_results(
                model.repo,
                model.files,
                model.results,
                message="Add evaluation results for speech emotion recognition",
                description=f"Measured at revision {model.revision} on {corpora} with ser-bench: {destination.url}",
            )
        except (RequestError, UnavailableError) as error:
            problems.append(str(error))
        else:
            sent.append(proposed)
    return replace(outcome, sent=tuple(sent), problems=tuple(problems), exit_code=EXIT_UNMET if problems else 0)
