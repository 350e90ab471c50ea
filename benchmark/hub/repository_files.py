"""The files of one repository: in a local folder, in the library's cache, or read in parts from the Hub."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmark.hub.documents import Document, read_document
from benchmark.hub.facts import HubFailure, RepoFacts, RepoFile, not_in_cache
from benchmark.hub.ranged import Budget, Part, RangedFile, SourceError, open_local
from benchmark.hub.tensor_listing import unlisted

_FIRST_READ_BYTES = 65_536


@dataclass(frozen=True)
class RepositoryFiles:
    """Access to the files of one repository; all methods raise SourceError where a file cannot be had.

    Attributes:
        folder: A local folder, or the folder of the revision in the library's cache.
        facts: The repository on the Hub; None for a local folder.
        fetch_file: Fetches a file into the cache; returns the folder, or why it cannot.
        fetch_part: Fetches a part of a file, given its name, first and last byte, and size; None offline.
    """

    folder: Path
    facts: RepoFacts | None = None
    fetch_file: Callable[[RepoFile], Path | HubFailure] | None = None
    fetch_part: Callable[[str, tuple[int, int], int | None], Part | HubFailure | None] | None = None

    def open(self, file: RepoFile, budget: Budget, local_budget: Budget) -> RangedFile:
        """Open a file to read parts of it."""
        if self.facts is None or is_cached(self.folder, file):
            return open_local(self.folder / file.name, local_budget)
        if file.size is not None:
            return RangedFile(partial(self._fetch, file, file.size), file.size, budget)
        begin = self._part(file, (0, _FIRST_READ_BYTES), None)
        budget.take(len(begin.content))
        return RangedFile(partial(self._fetch, file, begin.whole), begin.whole, budget, begin.content)

    def document(self, file: RepoFile) -> Document:
        """Read a JSON file."""
        folder = self.folder if self.fetch_file is None else self.fetch_file(file)
        if isinstance(folder, HubFailure):
            raise SourceError(folder)
        return read_document(folder / file.name)

    def present(self, names: Iterable[str]) -> dict[str, RepoFile]:
        """Those of the files that exist, with their sizes, by name."""
        wanted = set(names)
        if self.facts is not None and not self.facts.partial:
            return {file.name: file for file in self.facts.files if file.name in wanted}
        paths = {name: self.folder / name for name in wanted}
        present = {name: RepoFile(name, path.stat().st_size) for name, path in paths.items() if path.is_file()}
        if self.facts is not None and len(present) < len(wanted):
            raise SourceError(not_in_cache(f"all of the weights of {self.facts.id}"))
        return present

    def _fetch(self, file: RepoFile, size: int, start: int, stop: int) -> bytes:
        return self._part(file, (start, stop), size).content

    def _part(self, file: RepoFile, span: tuple[int, int], size: int | None) -> Part:
        if self.fetch_part is None:
            raise SourceError(not_in_cache(f"{file.name} of {self.facts.id if self.facts else self.folder}"))
        part = self.fetch_part(file.name, span, size)
        if isinstance(part, HubFailure):
            raise SourceError(part)
        if part is None:
            raise unlisted("the server sends no parts of files")
        return part


def is_cached(snapshot: Path, file: RepoFile) -> bool:
    """Whether a file is in the folder of a revision with its full size."""
    try:
        size = (snapshot / file.name).stat().st_size
    except (OSError, ValueError):
        return False
    return file.size is None or size == file.size
