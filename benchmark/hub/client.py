"""The Hub, read-only: facts of repositories, searches, headers of weight files, and downloads."""

import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi, constants, hf_hub_download, hf_hub_url
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented there, not declared

from benchmark.hub.downloads import (
    COMMIT,
    CacheLedger,
    DownloadWatch,
    cached_facts,
    progress_class,
    remember_revision,
    snapshot_folder,
)
from benchmark.hub.failures import of_listed_file
from benchmark.hub.headers import list_tensors
from benchmark.hub.json_documents import LARGEST_DOCUMENT_BYTES, LARGEST_TEXT_BYTES, describe, too_large
from benchmark.hub.ranged import Part, RepositoryFiles, SourceError, fetch_part, is_cached
from benchmark.hub.repository_facts import (
    SPEECHBRAIN_TEXTS,
    HubFailure,
    RepoFacts,
    RepoFile,
    is_of_speechbrain,
    not_in_cache,
    storable,
    texts,
)
from benchmark.hub.retries import Deadline, HubCalls, hub_answers, share_client
from benchmark.hub.tensor_listing import TensorListing
from benchmark.hub.torch_files import PickleReader
from benchmark.hub.weights import DESCRIPTION_NAMES, files_to_load, total_size, weight_files
from benchmark.progress import Progress, Silent, Stage
from benchmark.results.status import Status

SortBy = Literal["downloads", "likes", "trending_score", "last_modified", "created_at"]

_LONGEST_NAME = 200
_LIBRARY = "ser-bench"
_TASK = "audio-classification"
_MODELS_PER_TIME_LIMIT = 500
_INSPECTION_TIME_LIMITS = 3  # for all reads of a repository's headers together


class Hub:
    """A client of the Hub that answers in bounded time and never writes to the Hub.

    Several threads may use it. After three connection failures in a row it makes no more calls, unless the Hub answers.
    A library's cache that cannot be written raises RequestError, a full disk UnavailableError.

    Args:
        timeout_s: How long one call may take.
        endpoint: The server; None for `$HF_ENDPOINT`, the library's default.
        cache: The library's cache folder; None for `$HF_HUB_CACHE`.
        offline: Use the local cache only; None for `$HF_HUB_OFFLINE`.
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
        self._calls = HubCalls(timeout_s, is_up=lambda: hub_answers(endpoint, timeout_s))
        self._ledger = CacheLedger(self._cache)
        self._known: dict[tuple[str, str | None], RepoFacts] = {}
        share_client()
        self._api = HfApi(endpoint=endpoint, library_name=_LIBRARY)
        # The variable of this name is read when the library is imported. Without this, every process asks
        # huggingface.co for a list of coding agents, to name one to the server.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        if "HF_HUB_VERBOSITY" not in os.environ:
            # The library's warnings about its own retries would break into the progress bars; the reason of a verdict
            # says how they ended.
            logging.getLogger("huggingface_hub").setLevel(logging.ERROR)

    def facts(self, id: str, revision: str | None = None) -> RepoFacts | HubFailure:
        """Find out what can be known of a repository without its weights, at a branch, a tag or a sha."""
        if known := self._known.get((id, revision)):
            return known  # a commit does not change
        what = storable(id if revision is None else f"{id} at revision {revision}")
        if self._offline:
            return cached_facts(self._cache, id, revision) or not_in_cache(what)
        info = self._calls.call(
            lambda left: _checked(self._api.model_info(id, revision=revision, files_metadata=True, timeout=left)),
            what=what,
        )
        if isinstance(info, HubFailure):
            return info
        if info.disabled:
            return HubFailure(Status.GATED, f"{what} exists, and access to it is disabled")
        facts = self._described(id, revision, info)
        if isinstance(facts, RepoFacts):
            self._known[id, facts.revision] = facts
        return facts

    def search(
        self, text: str, *, languages: Sequence[str] = (), sort: SortBy = "downloads", limit: int
    ) -> tuple[str, ...] | HubFailure:
        """List the ids of repositories that the Hub lists under audio classification.

        Args:
            text: Words in their names.
            languages: Only repositories that declare one of these; all where empty.
            sort: What comes first.
            limit: How many at most.
        """
        if self._offline:
            return not_in_cache("a list of repositories")

        def list_ids(language: str | None, _left_s: float) -> list[str]:
            models = self._api.list_models(
                pipeline_tag=_TASK, search=text or None, filter=language, sort=sort, limit=limit
            )
            return [model.id for model in models if isinstance(model.id, str)]

        ids: dict[str, None] = {}
        for language in languages or (None,):
            deadline = Deadline(self._timeout_s * (1 + limit // _MODELS_PER_TIME_LIMIT))
            what = f"repositories that match {text!r}"
            answer = self._calls.call(partial(list_ids, language), what=what, deadline=deadline)
            if isinstance(answer, HubFailure):
                return answer
            ids |= dict.fromkeys(answer)
        return tuple(ids)[:limit]

    def tensors(self, facts: RepoFacts, read_pickle: PickleReader) -> TensorListing | HubFailure:
        """List the tensors that a load would read, from some kilobytes of the weight files.

        At most 300 kB of an unsharded repository are fetched, those for `facts` included, and 100 kB more per further
        shard. What is in the library's cache, or in a local folder, is read there.
        """
        return list_tensors(facts, self._files(facts), read_pickle)

    def download(self, facts: RepoFacts, progress: Progress | None = None) -> Path | HubFailure:
        """Fetch what a load reads of exactly this revision, unless it is cached; returns the folder that holds it."""
        if facts.folder is not None:
            return facts.folder
        missing = self._missing_files(facts)
        if isinstance(missing, HubFailure):
            return missing
        if facts.partial and not _has_weights(facts):
            return not_in_cache(f"all of the weights of {facts.id}")
        snapshot = snapshot_folder(self._cache, facts.id, facts.revision)
        if not missing:
            return snapshot
        self._ledger.note(facts.id, facts.revision)
        shown = Silent() if progress is None or self._offline else progress
        with shown.stage(f"Downloading {facts.id}", total=total_size(missing), unit="B") as stage:
            for file in missing:
                fetched = self._fetch(facts.id, facts.revision, file, stage)
                if isinstance(fetched, HubFailure):
                    return of_listed_file(fetched, f"{file.name} of {facts.id}")
        return snapshot

    def download_size(self, facts: RepoFacts) -> int | None:
        """Bytes that `download` will fetch; None where unknown, zero where the Hub fails, which `download` reports."""
        missing = () if facts.folder is not None else self._missing_files(facts)
        return 0 if isinstance(missing, HubFailure) else total_size(missing)

    def free(self, facts: RepoFacts) -> int:
        """Delete from the library's cache what this client has fetched of a revision; returns the bytes freed."""
        return 0 if facts.folder is not None else self._ledger.free(facts.id, facts.revision)

    def _files(self, facts: RepoFacts) -> RepositoryFiles:
        if facts.folder is not None:
            return RepositoryFiles(facts.folder)
        deadline = Deadline(_INSPECTION_TIME_LIMITS * self._timeout_s)
        headers = build_hf_headers(library_name=_LIBRARY)

        def part(name: str, span: tuple[int, int], size: int | None) -> Part | HubFailure:
            url = hf_hub_url(facts.id, name, revision=facts.revision, endpoint=self._endpoint)
            what = f"{name} of {facts.id}"
            fetched = self._calls.call(
                lambda left: fetch_part(url, headers, span, size=size, timeout_s=left), what=what, deadline=deadline
            )
            return of_listed_file(fetched, what)

        return RepositoryFiles(
            snapshot_folder(self._cache, facts.id, facts.revision),
            facts,
            fetch_file=partial(self._fetch, facts.id, facts.revision),
            fetch_part=None if self._offline else part,
        )

    def _missing_files(self, facts: RepoFacts) -> tuple[RepoFile, ...] | HubFailure:
        """The files that a load reads and the cache lacks."""
        try:
            repository = self._files(facts)
            files = files_to_load(facts.files, facts.config, repository, onnx=facts.onnx, tokenizer=facts.tokenizer)
        except SourceError as error:
            return error.failure
        snapshot = snapshot_folder(self._cache, facts.id, facts.revision)
        return tuple(file for file in files if not is_cached(snapshot, file))

    def _described(self, id: str, revision: str | None, info: ModelInfo) -> RepoFacts | HubFailure:
        """Fetch the files that describe a repository."""
        sha = str(info.sha)
        self._ledger.note(id, sha)
        files = tuple(RepoFile(storable(item.rfilename), item.size) for item in info.siblings or ())
        descriptions = [file for file in files if file.name in DESCRIPTION_NAMES]
        sizes = {file.name: file.size or 0 for file in descriptions}
        oversized = {name: too_large(size) for name, size in sizes.items() if size > LARGEST_DOCUMENT_BYTES}
        if is_of_speechbrain({file.name for file in files}):
            texts_of_it = [file for file in files if file.name in SPEECHBRAIN_TEXTS]
            descriptions += [file for file in texts_of_it if (file.size or 0) <= LARGEST_TEXT_BYTES]
        for file in descriptions:
            if file.name not in oversized:
                fetched = self._fetch(id, sha, file)
                if isinstance(fetched, HubFailure):
                    return fetched
        remember_revision(self._cache, id, revision, sha)
        card: Any = info.card_data
        facts = RepoFacts(
            id=id,
            revision=sha,
            files=files,
            license=next(iter(texts(getattr(card, "license", None))), None),
            languages=texts(getattr(card, "language", None)),
            datasets=texts(getattr(card, "datasets", None)),
            renamed=_new_name(id, info.id),
            downloads=info.downloads if isinstance(info.downloads, int) else None,
        )
        return describe(facts, snapshot_folder(self._cache, id, sha), oversized)

    def _fetch(self, id: str, sha: str, file: RepoFile, stage: Stage | None = None) -> Path | HubFailure:
        """Fetch one file into the cache; returns the folder of the revision."""
        what = f"{file.name} of {id}"
        folder = snapshot_folder(self._cache, id, sha)
        if self._offline:
            return folder if (folder / file.name).is_file() else not_in_cache(what)
        watch = DownloadWatch(stage, file.size, self._timeout_s)
        path_or_failure = self._calls.call(
            lambda left: hf_hub_download(
                id,
                file.name,
                revision=sha,
                cache_dir=self._cache,
                endpoint=self._endpoint,
                etag_timeout=left,
                library_name=_LIBRARY,
                tqdm_class=progress_class(watch),
            ),
            what=what,
            deadline=watch.deadline,
        )
        if isinstance(path_or_failure, HubFailure):
            return path_or_failure
        watch.complete()
        return folder


def _has_weights(facts: RepoFacts) -> bool:
    if facts.onnx is not None:
        return facts.onnx in facts.names
    return weight_files(facts.files, facts.config) is not None


def _new_name(asked: str, answered: object) -> str | None:
    """The name of a repository that the Hub has redirected to."""
    if not isinstance(answered, str) or answered.casefold() == asked.casefold():
        return None
    return storable(answered)[:_LONGEST_NAME]


def _checked(info: ModelInfo) -> ModelInfo:
    """Check what a server says of a repository as far as bench relies on it; raises ValueError."""
    if not COMMIT.fullmatch(str(info.sha)):
        raise ValueError("it names no commit")
    for file in info.siblings or ():
        if not isinstance(file.rfilename, str) or not (file.size is None or isinstance(file.size, int)):
            raise ValueError("its list of files is none")
    return info
