"""Publishing a finished run: what `benchmark.publish` and `bench publish` call. Nothing is sent unless asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import EvalResult

from benchmark.api.arguments import checked
from benchmark.errors import EXIT_UNMET, RequestError, UnavailableError
from benchmark.hub.publishing import Publisher, Sent, dataset_url
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
from benchmark.results.files import check_writable, write_atomically
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import RunRecord, load_run
from benchmark.results.store import PredictionStore
from benchmark.scoring.leaderboard import score_run
from benchmark.settings import Settings
from benchmark.verification.options import nobody_to_ask

_RESULTS_FOLDER = ".eval_results"


@dataclass(frozen=True, kw_only=True)
class ModelResults:
    """What goes into one model's repository.

    Attributes:
        repo: The repository.
        revision: The commit whose weights were measured.
        files: Content by path in the repository.
        results: What goes into the metadata of its card.
    """

    repo: str
    revision: str
    files: dict[str, bytes]
    results: tuple[EvalResult, ...]


@dataclass(frozen=True, kw_only=True)
class PublishOutcome:
    """What `publish` brought.

    Attributes:
        repo: The dataset of results.
        corpora: The corpora that are named in it.
        files: What was written here.
        models: The models whose repositories the results are for.
        left_out: What of the run is not published, and why.
        sent: What was sent; empty for a dry run.
        exit_code: As the command line would exit with: 1 where not everything could be sent.
        problems: Why that is not 0, in sentences for a person.
    """

    repo: str
    corpora: tuple[str, ...]
    files: tuple[Path, ...]
    models: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    exit_code: int = 0
    problems: tuple[str, ...] = ()


@checked
def publish(
    repo: str,
    *,
    run: str | None = None,
    candidates: Sequence[str] = (),
    corpora: Sequence[str] = (),
    output: str | Path = "reports/publish",
    push: bool = False,
    private: bool = False,
    settings: Settings | None = None,
    endpoint: str | None = None,
    confirm: Callable[[str], bool | None] = nobody_to_ask,
) -> PublishOutcome:
    """Prepare the results of a run for the Hub, and send them only where that is asked for.

    Args:
        repo: The dataset of results, such as `me/emotion-results`.
        run: Which run: its name in the store, or the path of its record; by default the latest that was finished.
        candidates: Only these, by name, id or pattern; by default all that come from the Hub.
        corpora: Only these; by default all that anybody can get. Corpora of the user's own are named here, or not at
            all.
        output: The folder in which the files are shown.
        push: Whether to send them: into the dataset, and as a pull request into each model's repository.
        private: Whether a dataset that is made for it is to be private.
        settings: Places and limits.
        endpoint: The Hub's server; the library's default where None.
        confirm: Asks a person before anything is sent; where nobody is there to ask, it is sent.

    Returns:
        The files, and what was sent.

    Raises:
        RequestError: There is no such run, candidate or corpus, the name is no repository's, nothing may be published,
            or there is no token.
        UnavailableError: The Hub cannot be reached, or the disk is full.
    """
    settings = settings or Settings()
    _check_name(repo)
    record = load_run(settings.cache, run)
    chosen = publishable(record, candidates=candidates, corpora=corpora)
    leaderboard = score_run(chosen.record, PredictionStore(settings.cache).read)
    destination = Destination(repo, dataset_url(repo, endpoint=endpoint))
    dataset = _dataset_files(leaderboard, chosen.record, repo)
    models = _model_results(leaderboard, chosen.record, destination)
    outcome = PublishOutcome(
        repo=repo,
        corpora=tuple(corpus.name for corpus in leaderboard.corpora),
        files=_write(dataset, models, Path(output)),
        models=tuple(each.repo for each in models),
        left_out=chosen.left_out,
    )
    if not push:
        return outcome
    return _Sending(Publisher(endpoint=endpoint), outcome, destination, confirm).send(dataset, models, private=private)


def _check_name(repo: str) -> None:
    if not is_hub_id(repo) or "/" not in repo:
        raise RequestError(
            f"{repo!r} cannot be the name of a dataset: write owner and name, as in `me/emotion-results`."
        )


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
    found = []
    for candidate in record.verifications:
        rows = scored_rows(leaderboard, candidate.candidate)
        if rows and is_on_hub(candidate):
            text = eval_results_yaml(rows, record, destination)
            found.append(
                ModelResults(
                    repo=candidate.id,
                    revision=candidate.revision or "",
                    files={f"{_RESULTS_FOLDER}/{destination.file_name}": text.encode()},
                    results=tuple(model_index_results(rows, destination)),
                )
            )
    return found


def _write(dataset: dict[str, bytes], models: Sequence[ModelResults], folder: Path) -> tuple[Path, ...]:
    check_writable(folder)
    contents = {folder / "dataset" / name: content for name, content in dataset.items()}
    for model in models:
        own = folder / "models" / model.repo.replace("/", "__")
        contents |= {own / name: content for name, content in model.files.items()}
        index = model_index_yaml(model.repo.rpartition("/")[2], list(model.results))
        contents[own / "model-index.yaml"] = index.encode()
    return tuple(write_atomically(path, content) for path, content in contents.items())


@dataclass(frozen=True)
class _Sending:
    """Sends what has been prepared; one repository that refuses costs only itself."""

    publisher: Publisher
    outcome: PublishOutcome
    destination: Destination
    confirm: Callable[[str], bool | None]

    def send(self, dataset: dict[str, bytes], models: Sequence[ModelResults], *, private: bool) -> PublishOutcome:
        """Send the dataset first, since the models' results point to it."""
        listed = f", and propose results to {', '.join(self.outcome.models)}" if models else ""
        question = f"Write to the dataset {self.outcome.repo}{listed}?"
        if self.confirm(question) is False:
            return self._ended((), ("Nothing was sent.",))
        title = "Add results of speech-emotion models"
        sent = [self.publisher.send_dataset(self.outcome.repo, dataset, message=title, private=private)]
        problems: list[str] = []
        for model in models:
            try:
                sent.append(self._propose(model))
            except (RequestError, UnavailableError) as error:
                problems.append(str(error))
        return self._ended(tuple(sent), tuple(problems))

    def _propose(self, model: ModelResults) -> Sent:
        corpora = counted(len(self.outcome.corpora), "corpus", "corpora")
        return self.publisher.send_results(
            model.repo,
            model.files,
            model.results,
            message="Add evaluation results for speech emotion recognition",
            description=f"Measured at revision {model.revision} on {corpora} with ser-bench: {self.destination.url}",
        )

    def _ended(self, sent: tuple[Sent, ...], problems: tuple[str, ...]) -> PublishOutcome:
        return PublishOutcome(
            repo=self.outcome.repo,
            corpora=self.outcome.corpora,
            files=self.outcome.files,
            models=self.outcome.models,
            left_out=self.outcome.left_out,
            sent=sent,
            exit_code=EXIT_UNMET if problems else 0,
            problems=problems,
        )
