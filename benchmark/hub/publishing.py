"""What bench sends to the Hub, only where a user says so: commits to a dataset, proposals to models' repositories."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from huggingface_hub import CommitOperationAdd, EvalResult, HfApi, ModelCard, constants, get_token
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.failures import HUB_ERRORS, explain

_LIBRARY = "ser-bench"
_CARD = "README.md"
# How the library begins what the Hub says of a card that it does not take.
_BAD_CARD = "Invalid metadata in README.md"
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True)
class Sent:
    """What was sent.

    Attributes:
        url: The commit, or the pull request.
        proposed: Whether it waits for the repository's owners.
        note: What was left out, in a sentence.
    """

    repo: str
    url: str
    proposed: bool
    note: str | None = None


class Publisher:
    """Writes to the Hub in a user's name; raises UnavailableError where the Hub cannot be reached, or refuses.

    Raises:
        RequestError: There is no token.
        UnavailableError: The user switched the network off.
    """

    def __init__(self, *, endpoint: str | None = None) -> None:
        if constants.is_offline_mode():
            raise UnavailableError("HF_HUB_OFFLINE is set, so that nothing can be sent: unset it.")
        if get_token() is None:
            raise RequestError("There is no token of the Hub here: log in with `hf auth login`, or set HF_TOKEN.")
        # Else every process asks huggingface.co for a list of coding agents, to name one to the server.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        self._api = HfApi(endpoint=endpoint, library_name=_LIBRARY)
        self._own_names: frozenset[str] | None = None

    def send_dataset(self, repo: str, files: Mapping[str, bytes], *, message: str, private: bool) -> Sent:
        """Write files, given as content by path, into a dataset; it is created where it does not exist."""
        with _explained(f"dataset {repo}"):
            self._api.create_repo(repo, repo_type="dataset", private=private or None, exist_ok=True)
            commit = self._api.create_commit(repo, _additions(files), repo_type="dataset", commit_message=message)
        return Sent(repo, commit.commit_url, proposed=False)

    def send_results(
        self, repo: str, files: Mapping[str, bytes], results: Sequence[EvalResult], *, message: str, description: str
    ) -> Sent:
        """Write results into a model's repository: as a pull request, unless it is the user's own.

        Args:
            repo: The model.
            files: Content by path.
            results: For the metadata of its card, where they replace those that bench wrote before.
            message: The title of the commit.
            description: For the owners of the model.
        """
        card, note = self._card(repo, results)
        is_own = self._is_own(repo)
        with _explained(f"model {repo}"):
            commit = self._api.create_commit(
                repo,
                _additions({**files, **card}),
                commit_message=message,
                commit_description=description,
                create_pr=not is_own,
            )
        return Sent(repo, commit.pr_url or commit.commit_url, proposed=commit.pr_url is not None, note=note)

    def _is_own(self, repo: str) -> bool:
        if self._own_names is None:
            with _explained("your own account"):
                account = self._api.whoami()
                names = {account["name"], *(organisation["name"] for organisation in account.get("orgs", []))}
            self._own_names = frozenset(names)
        return repo.partition("/")[0] in self._own_names

    def _card(self, repo: str, results: Sequence[EvalResult]) -> tuple[dict[str, bytes], str | None]:
        """The card with the results in its metadata, or a sentence that says why it stays as it is."""
        try:
            path = self._api.hf_hub_download(repo, _CARD)
        except EntryNotFoundError:
            return {}, f"{repo} has no card, so that its metadata were left alone."
        except HUB_ERRORS as error:
            raise _unavailable(error, f"model {repo}") from error
        try:
            card = ModelCard.load(path)
        except (ValueError, TypeError, KeyError):
            return {}, f"The card of {repo} cannot be read, so that its metadata were left alone."
        urls = {result.source_url for result in results}
        others = [result for result in card.data.eval_results or [] if result.source_url not in urls]
        card.data.model_name = card.data.model_name or repo.rpartition("/")[2]
        card.data.eval_results = [*others, *results]
        return {_CARD: str(card).encode()}, None


def dataset_url(repo: str, *, endpoint: str | None = None) -> str:
    """The address of a dataset."""
    return f"{(endpoint or constants.ENDPOINT).rstrip('/')}/datasets/{repo}"


def _additions(files: Mapping[str, bytes]) -> list[CommitOperationAdd]:
    return [CommitOperationAdd(path_in_repo=path, path_or_fileobj=content) for path, content in files.items()]


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except HUB_ERRORS as error:
        if _BAD_CARD in str(error):
            detail = " ".join(str(error).split())
            raise RequestError(f"The Hub refuses what was to be written to {what}: {detail}") from error
        raise _unavailable(error, what) from error


def _unavailable(error: BaseException, what: str) -> UnavailableError:
    response = error.response if isinstance(error, HfHubHTTPError) else None
    refused = response is not None and response.status_code in _REFUSED
    advice = " The token may not be allowed to write there." if refused else ""
    reason = explain(error, what=what).reason.partition(";")[0]
    return UnavailableError(f"Nothing was written to {what}: {reason}.{advice}")
