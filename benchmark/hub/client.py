"""Searching the Hub for repositories that it files under audio classification."""

import logging
import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from huggingface_hub import HfApi, constants, hf_hub_download, hf_hub_url
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented there, not declared

from benchmark.hub.cache import cached_facts, remember_revision, snapshot_folder, weights_are_cached
from benchmark.hub.documents import LARGEST_DOCUMENT_BYTES, Document, read_config, read_preprocessor, too_large
from benchmark.hub.downloads import ByteWatch, CacheLedger, byte_bar
from benchmark.hub.facts import CONFIG_NAME, PREPROCESSOR_NAME, HubFailure, RepoFacts, RepoFile, storable, text, texts
from benchmark.hub.failures import disabled, not_in_cache, served
from benchmark.hub.ranged import Part, SourceError, fetch_part
from benchmark.hub.retries import Asking, Breaker, Patience, answers
from benchmark.hub.tensor_listing import TensorListing
from benchmark.hub.tensors import FolderFiles, HubFiles, Library, files_to_load, is_cached, list_tensors
from benchmark.hub.weights import DESCRIPTION_NAMES, total_size
from benchmark.progress import Progress, Silent

SortBy = Literal["downloads", "likes", "trending_score", "last_modified", "created_at"]


SORTS: tuple[SortBy, ...] = get_args(SortBy)


_TASK = "audio-classification"


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to search for.

    Attributes:
        text: Words in the names of repositories.
        limit: How many repositories at most.
        languages: Only those that declare one of these languages; all where empty.
        sort: What comes first.
    """

    text: str
    limit: int
    languages: tuple[str, ...] = ()
    sort: SortBy = "downloads"


def list_ids(api: HfApi, search: Search, language: str | None, _left_s: float) -> tuple[str, ...]:
    """List the ids of repositories, page by page, and never more than asked for.

    Args:
        api: Whom to ask.
        search: What to search for.
        language: Which of its languages; None for any.
        _left_s: Seconds that are left; the library has no place for it, and whoever calls stops waiting then.

    Raises:
        Exception: Whatever the library raises.
    """
    found = api.list_models(
        pipeline_tag=_TASK, search=search.text or None, filter=language, sort=search.sort, limit=search.limit
    )
    return tuple(info.id for info in found if isinstance(info.id, str))


_COMMIT = re.compile(r"[0-9a-f]{40}")


_LIBRARY = "ser-bench"


_FOUND_PER_LIMIT = 500


_INSPECTION_LIMITS = 3
"""Time limits of one call that all reads of a repository's headers may take together."""


class Hub:
    """A client of the Hub that always answers, in bounded time, and never writes to the Hub.

    It may be used by several threads. After three connection failures in a row it asks no more, unless the Hub answers.

    Args:
        timeout_s: How long one call may take, in seconds.
        endpoint: The server; the library's default (`$HF_ENDPOINT`) where None.
        cache: The library's cache folder; its default (`$HF_HUB_CACHE`) where None.
        offline: Whether to look into the local cache only; what `$HF_HUB_OFFLINE` says where None.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        endpoint: str | None = None,
        cache: Path | None = None,
        offline: bool | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._endpoint = endpoint
        self._cache = cache or Path(constants.HF_HUB_CACHE)
        self._offline = constants.is_offline_mode() if offline is None else offline
        self._asking = Asking(timeout_s, Breaker(is_there=lambda: answers(endpoint, timeout_s)))
        self._ledger = CacheLedger(self._cache)
        self._known: dict[tuple[str, str | None], RepoFacts] = {}
        self._api = HfApi(endpoint=endpoint, library_name=_LIBRARY)
        # The variable of this name is read when the library is imported. Without this, every process asks
        # huggingface.co for a list of coding agents, to name one to the server.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        if "HF_HUB_VERBOSITY" not in os.environ:
            # What the library warns about, its own retries, would break into the progress bars; the reason of a
            # verdict tells what came of it.
            logging.getLogger("huggingface_hub").setLevel(logging.ERROR)

    def facts(self, id: str, revision: str | None = None) -> RepoFacts | HubFailure:
        """Find out what can be known of a repository without its weights.

        Args:
            id: The repository.
            revision: A branch, a tag or a sha; the default branch where None.

        Returns:
            The facts, or why there are none.

        Raises:
            RequestError: The library's cache cannot be written.
            UnavailableError: The disk is full.
        """
        if (known := self._known.get((id, revision))) is not None:
            return known  # a commit does not change
        what = storable(id if revision is None else f"{id} at revision {revision}")
        if self._offline:
            return cached_facts(self._cache, id, revision) or not_in_cache(what)
        info = self._asking.ask(
            lambda left: checked(self._api.model_info(id, revision=revision, files_metadata=True, timeout=left)),
            what=what,
        )
        if isinstance(info, HubFailure):
            return info
        if info.disabled:
            return disabled(what)
        facts = self._described(id, revision, info)
        if isinstance(facts, RepoFacts):
            self._known[id, facts.revision] = facts
        return facts

    def search(self, query: Search) -> tuple[str, ...] | HubFailure:
        """List repositories that the Hub files under audio classification.

        Args:
            query: Which, and how many at most.

        Returns:
            Their ids in the order that was asked for, or why they are not known.
        """
        if self._offline:
            return not_in_cache("a list of repositories")
        found: dict[str, None] = {}
        for language in query.languages or (None,):
            answer = self._asking.ask(
                partial(list_ids, self._api, query, language),
                what=f"repositories that match {query.text!r}",
                patience=Patience(self._timeout_s * (1 + query.limit // _FOUND_PER_LIMIT)),
            )
            if isinstance(answer, HubFailure):
                return answer
            found |= dict.fromkeys(answer)
        return tuple(found)[: query.limit]

    def download(self, facts: RepoFacts, progress: Progress | None = None) -> Path | HubFailure:
        """Fetch what a load reads: the descriptions and one weight format, of exactly the revision of `facts`.

        What is in the library's cache already is not fetched again.

        Args:
            facts: The repository; a local folder needs no download.
            progress: Who listens to the bytes.

        Returns:
            The folder that holds the files, or why there is none.

        Raises:
            RequestError: The library's cache cannot be written.
            UnavailableError: The disk is full.
        """
        if facts.folder is not None:
            return facts.folder
        files = self._load_files(facts)
        if isinstance(files, HubFailure):
            return files
        self._ledger.note(facts.id, facts.revision)
        if facts.partial and not weights_are_cached(snapshot_folder(self._cache, facts.id, facts.revision), facts):
            return not_in_cache(f"all of the weights of {facts.id}")
        snapshot = snapshot_folder(self._cache, facts.id, facts.revision)
        missing = total_size(file for file in files if not is_cached(snapshot, file))
        listener = Silent() if self._offline or missing == 0 else progress or Silent()
        with listener.stage(f"Downloading {facts.id}", total=missing, unit="B") as bytes_stage:
            for file in files:
                if is_cached(snapshot, file):
                    continue  # a commit does not change, so nobody needs to be asked for it again
                watch = ByteWatch(bytes_stage, file.size, self._timeout_s)
                fetched = self._fetch(facts.id, facts.revision, file.name, watch)
                if isinstance(fetched, HubFailure):
                    return served(fetched, f"{file.name} of {facts.id}")
                watch.complete()
        return snapshot if files else not_in_cache(f"the weights of {facts.id}")

    def tensors(self, facts: RepoFacts) -> TensorListing | HubFailure:
        """List the tensors that a load would read, from some kilobytes of the weight files.

        At most 300 kB of an unsharded repository are read, what `facts` took included, and 100 kB more per further
        shard. What is in the library's cache, or in a local folder, is read there.

        Args:
            facts: The repository.

        Returns:
            The tensors, or why they are not known; a failure where the Hub could not be asked.

        Raises:
            RequestError: The library's cache cannot be written.
            UnavailableError: The disk is full.
        """
        return list_tensors(facts, self._library(facts))

    def download_size(self, facts: RepoFacts) -> int | None:
        """Count the bytes that `download` will fetch: one weight format, and not what is in the cache already.

        Args:
            facts: The repository.

        Returns:
            Bytes; None where nobody says; nothing where the Hub fails, which `download` tells.
        """
        if facts.folder is not None:
            return 0
        files = self._load_files(facts)
        if isinstance(files, HubFailure):
            return 0
        snapshot = snapshot_folder(self._cache, facts.id, facts.revision)
        return total_size(file for file in files if not is_cached(snapshot, file))

    def free(self, facts: RepoFacts) -> int:
        """Delete from the library's cache what this client fetched of a revision, and nothing else.

        Args:
            facts: The repository; nothing of a local folder is ever deleted.

        Returns:
            How many bytes that gave back.
        """
        return 0 if facts.folder is not None else self._ledger.free(facts.id, facts.revision)

    def _library(self, facts: RepoFacts) -> Library:
        if facts.folder is not None:
            return FolderFiles(facts.folder)
        patience = Patience(_INSPECTION_LIMITS * self._timeout_s)
        headers = build_hf_headers(library_name=_LIBRARY)

        def part(name: str, span: tuple[int, int], size: int | None) -> Part | HubFailure | None:
            url = hf_hub_url(facts.id, name, revision=facts.revision, endpoint=self._endpoint)
            what = f"{name} of {facts.id}"
            fetched = self._asking.ask(
                lambda left: fetch_part(url, headers, span, size=size, timeout_s=left), what=what, patience=patience
            )
            return served(fetched, what)

        return HubFiles(
            facts,
            snapshot_folder(self._cache, facts.id, facts.revision),
            fetch_file=lambda name: self._fetch(facts.id, facts.revision, name, ByteWatch(None, None, self._timeout_s)),
            fetch_part=None if self._offline else part,
        )

    def _load_files(self, facts: RepoFacts) -> tuple[RepoFile, ...] | HubFailure:
        try:
            return files_to_load(facts.files, facts.config, self._library(facts))
        except SourceError as error:
            return error.failure

    def _described(self, id: str, revision: str | None, info: ModelInfo) -> RepoFacts | HubFailure:
        sha = str(info.sha)
        self._ledger.note(id, sha)
        files = tuple(RepoFile(storable(item.rfilename), item.size) for item in info.siblings or ())
        oversized: dict[str, Document] = {}
        for file in files:
            if file.name not in DESCRIPTION_NAMES:
                continue
            if (file.size or 0) > LARGEST_DOCUMENT_BYTES:
                oversized[file.name] = too_large(file.size or 0)
                continue
            fetched = self._fetch(id, sha, file.name, ByteWatch(None, file.size, self._timeout_s))
            if isinstance(fetched, HubFailure):
                return fetched
        remember_revision(self._cache, id, revision, sha)
        folder = snapshot_folder(self._cache, id, sha)
        config = oversized.get(CONFIG_NAME) or read_config(folder)
        preprocessor = oversized.get(PREPROCESSOR_NAME) or read_preprocessor(folder)
        card: Any = info.card_data
        return RepoFacts(
            id=id,
            revision=sha,
            files=files,
            config=config.content,
            config_problem=config.problem,
            preprocessor=preprocessor.content,
            preprocessor_problem=preprocessor.problem,
            license=text(getattr(card, "license", None)),
            languages=texts(getattr(card, "language", None)),
            datasets=texts(getattr(card, "datasets", None)),
            pipeline_tag=text(info.pipeline_tag),
            library=text(info.library_name),
            downloads=info.downloads if isinstance(info.downloads, int) else None,
            gated=bool(info.gated),
        )

    def _fetch(self, id: str, sha: str, name: str, watch: ByteWatch) -> Path | HubFailure:
        """Fetch one file; returns the folder of the revision that holds it."""
        what = f"{name} of {id}"
        if self._offline:
            folder = snapshot_folder(self._cache, id, sha)
            return folder if (folder / name).is_file() else not_in_cache(what)
        path_or_failure = self._asking.ask(
            lambda left: hf_hub_download(
                id,
                name,
                revision=sha,
                cache_dir=self._cache,
                endpoint=self._endpoint,
                etag_timeout=left,
                library_name=_LIBRARY,
                tqdm_class=byte_bar(watch),
            ),
            what=what,
            patience=watch.patience,
        )
        return path_or_failure if isinstance(path_or_failure, HubFailure) else snapshot_folder(self._cache, id, sha)


def checked(info: ModelInfo) -> ModelInfo:
    """Check what a server says of a repository, as far as anything is built on it.

    Raises:
        ValueError: It is not what a Hub says.
    """
    if not _COMMIT.fullmatch(str(info.sha)):
        raise ValueError("it names no commit")
    for file in info.siblings or ():
        if not isinstance(file.rfilename, str) or not (file.size is None or isinstance(file.size, int)):
            raise ValueError("its list of files is none")
    return info
