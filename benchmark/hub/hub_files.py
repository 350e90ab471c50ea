"""The files of one repository, wherever they are: in a folder, in the library's cache, or on the Hub."""

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmark.hub.documents import Document, read_document
from benchmark.hub.facts import HubFailure, RepoFacts, RepoFile
from benchmark.hub.failures import not_in_cache
from benchmark.hub.parts import Part
from benchmark.hub.ranged import LocalSource, Source, SourceError
from benchmark.hub.tensor_listing import unlisted

_FIRST_READ_BYTES = 65_536


class FolderFiles:
    """The files of a local folder.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, file: RepoFile) -> Source:
        """Open a file to read parts of it; raises SourceError."""
        return LocalSource(self._folder / file.name)

    def document(self, file: RepoFile) -> Document:
        """Read a JSON file."""
        return read_document(self._folder / file.name)

    def present(self, names: Iterable[str]) -> dict[str, RepoFile]:
        """Tell which files there are, with their sizes."""
        paths = {name: self._folder / name for name in names}
        return {name: RepoFile(name, path.stat().st_size) for name, path in paths.items() if path.is_file()}


class HubFiles:
    """The files of a repository of the Hub; those in the library's cache are read there.

    Args:
        facts: The repository.
        snapshot: The folder of its revision in the library's cache.
        fetch_file: Fetches a file into the cache; returns the folder, or why not.
        fetch_part: Fetches a part of a file, given its name, the part and the size; None where nobody may ask the Hub.
    """

    def __init__(
        self,
        facts: RepoFacts,
        snapshot: Path,
        *,
        fetch_file: Callable[[str], Path | HubFailure],
        fetch_part: "PartFetcher | None",
    ) -> None:
        self._facts = facts
        self._snapshot = snapshot
        self._fetch_file = fetch_file
        self._fetch_part = fetch_part

    def open(self, file: RepoFile) -> Source:
        """Open a file to read parts of it; raises SourceError."""
        if is_cached(self._snapshot, file):
            return LocalSource(self._snapshot / file.name)
        if self._fetch_part is None:
            raise SourceError(not_in_cache(f"{file.name} of {self._facts.id}"))
        return _HubSource(file, self._fetch_part)

    def document(self, file: RepoFile) -> Document:
        """Read a JSON file, whole; raises SourceError."""
        folder = self._fetch_file(file.name)
        if isinstance(folder, HubFailure):
            raise SourceError(folder)
        return read_document(folder / file.name)

    def present(self, names: Iterable[str]) -> dict[str, RepoFile]:
        """Tell which files there are, with their sizes; raises SourceError where a local copy may lack some."""
        by_name = {file.name: file for file in self._facts.files}
        wanted = tuple(names)
        if self._facts.partial:
            copies = FolderFiles(self._snapshot).present(wanted)
            if len(copies) < len(set(wanted)):
                raise SourceError(not_in_cache(f"all of the weights of {self._facts.id}"))
            return copies
        return {name: by_name[name] for name in wanted if name in by_name}


PartFetcher = Callable[[str, tuple[int, int], int | None], Part | HubFailure | None]


class _HubSource:
    """A file on the Hub, read in parts."""

    def __init__(self, file: RepoFile, fetch_part: PartFetcher) -> None:
        self._name = file.name
        self._fetch_part = fetch_part
        self._first = b""
        self.size: int = self._learn_size() if file.size is None else file.size

    def _learn_size(self) -> int:
        part = self._fetch(0, _FIRST_READ_BYTES, None)
        self._first = part.content
        return part.whole

    def read(self, start: int, stop: int) -> bytes:
        """Read exactly the bytes from `start` to before `stop`."""
        if stop <= len(self._first):
            return self._first[start:stop]
        return self._fetch(start, stop, self.size).content

    def _fetch(self, start: int, stop: int, size: int | None) -> Part:
        part = self._fetch_part(self._name, (start, stop), size)
        if isinstance(part, HubFailure):
            raise SourceError(part)
        if part is None:
            raise unlisted("the server sends no parts of files")
        return part


def is_cached(snapshot: Path, file: RepoFile) -> bool:
    """Whether a file is in the library's cache, whole."""
    try:
        size = (snapshot / file.name).stat().st_size
    except (OSError, ValueError):
        return False
    return file.size is None or size == file.size
