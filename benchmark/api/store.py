"""`--store`: what a command takes from a store that machines share, and what it writes into it, and when."""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from benchmark.api.outcomes import Judgement
from benchmark.corpora.object_store import STORE_PROTOCOLS, AddressObjects
from benchmark.errors import EXIT_UNMET, BenchError, RequestError
from benchmark.progress import Progress, Silent
from benchmark.registry.locations import is_address
from benchmark.registry.schema import Candidate
from benchmark.results.cache_entries import CacheKind
from benchmark.results.runs import RunRecord
from benchmark.results.shards import shard_folder
from benchmark.results.shared_store import FolderObjects, SharedStore
from benchmark.results.storage import candidate_prefix, candidate_slug, prepare_cache
from benchmark.results.verification import Verification
from benchmark.settings import Settings, expanded

UPLOAD_EVERY_S = 10.0
"""A machine that is lost takes no more answers with it than it computes in this time, and those of one part."""


class CommandStore:
    """The store of a command; without an address, all methods do nothing.

    What fails before anything is computed ends the command. Later, the command goes on in its cache, and `judged` says
    at its end what the store lacks.

    Args:
        shared: The store; None without.
        cache: The folder of the cache, for messages.
        progress: Shows warnings.
    """

    def __init__(
        self, shared: SharedStore | None = None, cache: Path = Path(), progress: Progress | None = None
    ) -> None:
        self._shared, self._cache, self._progress = shared, cache, progress or Silent()
        self._stop = threading.Event()
        self._uploads: threading.Thread | None = None
        self._problem: str | None = None

    def fetch_verdicts(self, candidates: Iterable[Candidate]) -> None:
        """Fetch the verdicts on candidates, and shares of speech; from now on, new ones are uploaded.

        Raises:
            BenchError: The store cannot be read, or the cache cannot be written.
        """
        self._fetch([candidate_slug(candidate.id) for candidate in candidates], CacheKind.VERIFICATIONS)
        self._fetch(["speech"], CacheKind.SPEECH)

    def fetch_answers(self, verifications: Iterable[Verification]) -> None:
        """Fetch the answers of candidates in their verified revisions; from now on, new ones are uploaded.

        Raises:
            BenchError: As `fetch_verdicts`.
        """
        folders = [candidate_prefix(own.id, own.revision) for own in verifications if own.revision is not None]
        self._fetch(folders, CacheKind.PREDICTIONS, CacheKind.CONVERTED)

    def fetch_runs(self) -> None:
        """Fetch the records of runs.

        Raises:
            BenchError: As `fetch_verdicts`.
        """
        self._fetch(["runs"], CacheKind.RUNS)

    def fetch_answers_of(self, record: RunRecord) -> None:
        """Fetch the answers that a run was scored by.

        Raises:
            BenchError: As `fetch_verdicts`.
        """
        setups = {evaluation.setup.key: evaluation.setup for evaluation in (*record.evaluations, *record.perturbed)}
        folders = [
            f"{candidate_prefix(setup.candidate, setup.revision)}/predictions/{key}" for key, setup in setups.items()
        ]
        self._fetch(folders, CacheKind.PREDICTIONS)

    def fetch_shards(self) -> None:
        """Fetch the records of shards.

        Raises:
            BenchError: As `fetch_verdicts`.
        """
        self._fetch(["shards"], CacheKind.SHARDS)

    def fetch_shard(self, index: int, count: int, run: str | None) -> None:
        """Fetch the former record of a shard; from now on, a new one is uploaded.

        Raises:
            BenchError: As `fetch_verdicts`.
        """
        self._fetch([shard_folder(index, count, run)], CacheKind.SHARDS)

    def newest_run(self) -> int:
        """The largest number of the runs in the store; 0 if that cannot be said."""
        newest = 0
        if self._shared is not None:
            with self._noting():
                newest = self._shared.newest("runs")
        return newest

    def upload(self, *records: Path) -> None:
        """Write what is new into the store, or some records of runs; a failure is kept for `judged`."""
        if self._shared is not None and not (records and self._problem):
            with self._noting():
                self._shared.push(*(path.relative_to(self._cache).as_posix() for path in records))
                self._problem = None

    def judged(self, judgement: Judgement) -> Judgement:
        """An exit code and its reasons, with what the store lacks."""
        if self._problem is None:
            return judgement
        code, problems = judgement
        sentence = f"{self._problem} The results are in {self._cache}: the same command uploads them later."
        return max(code, EXIT_UNMET), (*problems, sentence)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._uploads is not None:
            self._uploads.join()
        if isinstance(error, BenchError):  # what was computed until then
            self.upload()

    def _fetch(self, folders: Iterable[str], *kinds: CacheKind) -> None:
        names = sorted(set(folders))
        if self._shared is not None and names:
            self._shared.fetch(names, kinds)

    def upload_meanwhile(self) -> None:
        """Upload what is new every few seconds, until the command ends."""
        if self._shared is not None:
            self._uploads = threading.Thread(target=self._upload_until_stopped, name="store", daemon=True)
            self._uploads.start()

    def _upload_until_stopped(self) -> None:
        was_told = False
        while not self._stop.wait(UPLOAD_EVERY_S):
            self.upload()
            if self._problem is not None and not was_told:
                was_told = True
                self._progress.warn(f"{self._problem} The run goes on, and uploads later what it computes.")

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except BenchError as error:
            self._problem = str(error)


@contextlib.contextmanager
def open_store(
    address: str | Path | None, settings: Settings, progress: Progress, *, writes: bool = True
) -> Iterator[CommandStore]:
    """Open the store at an address; None for no store.

    Args:
        address: `s3://BUCKET/PREFIX` and the like, a folder, or `file://` and its path.
        settings: Of this process.
        progress: Shows what is fetched, and warnings.
        writes: Whether the command writes into it.

    Raises:
        RequestError: It is no address of a store, a library is missing, or there is no such bucket or folder.
        UnavailableError: The store cannot be reached, or does not take the credentials.
    """
    if address is None:
        yield CommandStore()
        return
    with contextlib.ExitStack() as stack:
        objects: FolderObjects | AddressObjects
        if (folder := _folder(str(address))) is not None:
            objects = FolderObjects(_existing(folder, settings.cache))
        else:
            objects = stack.enter_context(contextlib.closing(AddressObjects(str(address), settings)))
        prepare_cache(settings)
        shared = SharedStore(objects, settings.cache, progress.warn)
        if writes:
            shared.mark()
        with CommandStore(shared, settings.cache, progress) as store:
            if writes:
                store.upload_meanwhile()
            yield store


def _folder(address: str) -> Path | None:
    """The folder that an address names; None for one that a worker opens."""
    if not is_address(address):
        return expanded(address)
    protocol = address.partition("://")[0].lower()
    if protocol == "file":
        parts = urlsplit(address)
        if parts.netloc not in {"", "localhost"}:
            raise RequestError(f"{address} is a file of another machine: mount it, and write file:///FOLDER.")
        return Path(unquote(parts.path))
    if protocol not in STORE_PROTOCOLS:
        kinds = ", ".join(f"{known}://" for known in STORE_PROTOCOLS)
        raise RequestError(f"bench keeps no results at {protocol}://: give --store a folder, or an address of {kinds}.")
    return None


def _existing(folder: Path, cache: Path) -> Path:
    if not folder.is_dir():
        raise RequestError(
            f"There is no folder {folder} for a store: create or mount it, or write an address such as s3://BUCKET/PREFIX."
        )
    if folder.resolve() == cache.resolve():
        raise RequestError(
            f"--store names the cache itself, {folder}: leave it out, as machines that share it need none."
        )
    return folder.absolute()
