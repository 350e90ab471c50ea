"""The tensors that a load would read, from the headers of the weight files: some kilobytes instead of gigabytes."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from benchmark.hub.documents import LARGEST_DOCUMENT_BYTES, Document, read_document, too_large
from benchmark.hub.facts import HubFailure, RepoFacts, RepoFile
from benchmark.hub.failures import not_in_cache
from benchmark.hub.ranged import Budget, LocalSource, Part, RangedFile, Source, SourceError, TooMuchToReadError
from benchmark.hub.safetensors_files import SafetensorsFile
from benchmark.hub.tensor_listing import (
    ListingProblem,
    OpenedWeights,
    TensorInfo,
    TensorListing,
    bias_values,
    damaged,
    unlisted,
)
from benchmark.hub.torch_files import TorchZip
from benchmark.hub.weights import (
    DESCRIPTION_NAMES,
    WeightFiles,
    absent_weights,
    check_presence,
    is_inside,
    needed_files,
    shard_names,
    total_size,
    weight_files,
)

MOST_SHARDS = 64


_REPOSITORY_BYTES = 300_000


_FURTHER_SHARD_BYTES = 100_000


_LOCAL_BYTES = 4_000_000


_ANSWER_BYTES = 12_000


_ANSWER_BYTES_PER_FILE = 300


_LEAST_BYTES = 65_536


class Library(Protocol):
    """Where the files of one repository are."""

    def open(self, file: RepoFile) -> Source:
        """Open a file to read parts of it; raises SourceError."""
        ...

    def document(self, file: RepoFile) -> Document:
        """Read a JSON file; raises SourceError."""
        ...

    def present(self, names: Iterable[str]) -> dict[str, RepoFile]:
        """Tell which files there are, with their sizes; raises SourceError where nobody knows all."""
        ...


def list_tensors(facts: RepoFacts, library: Library) -> TensorListing | HubFailure:
    """List the tensors that a load of a repository would read.

    Args:
        facts: The repository.
        library: Where its files are.

    Returns:
        The tensors, or why they are not known; a failure where the files could not be asked.
    """
    weights = weight_files(facts.files, facts.config)
    if weights is None:
        if facts.partial:
            return not_in_cache(f"the weights of {facts.id}")
        return _problem(absent_weights(facts.files), None, ())
    files: tuple[RepoFile, ...] = (weights.entry,)
    try:
        files = weight_parts(weights, library)
        tensors, values = _read(facts, weights, files, library)
    except ListingProblem as problem:
        return _problem(problem, weights.format, files)
    except TooMuchToReadError:
        too_much = unlisted("describing its tensors takes more bytes than an inspection may read")
        return _problem(too_much, weights.format, files)
    except SourceError as error:
        return error.failure
    return TensorListing(
        format=weights.format,
        tensors=tuple(tensors.values()),
        values=values,
        size=total_size(files),
        shards=tuple(file.name for file in files) if files != (weights.entry,) else (),
    )


def weight_parts(weights: WeightFiles, library: Library) -> tuple[RepoFile, ...]:
    """Tell which files hold the weights: the one file, or the shards that the index names.

    Raises:
        ListingProblem: The index is none, or names files that are not there.
        SourceError: The index cannot be had.
    """
    entry = weights.entry
    if not entry.name.endswith(".index.json"):
        return (entry,)
    oversized = (entry.size or 0) > LARGEST_DOCUMENT_BYTES
    index = too_large(entry.size or 0) if oversized else library.document(entry)
    names = shard_names(index, entry.name)
    present = library.present(names)
    check_presence(names, present, entry.name)
    return tuple(present[name] for name in names)


def files_to_load(
    files: tuple[RepoFile, ...], config: Mapping[str, Any] | None, library: Library
) -> tuple[RepoFile, ...]:
    """List the files that a load reads, the small ones first; of shards those that the index names.

    Args:
        files: The files of the repository.
        config: Its `config.json`.
        library: Where its files are.

    Returns:
        The files; where the index is none, all that look like shards.

    Raises:
        SourceError: The index cannot be had.
    """
    needed = needed_files(files, config)
    weights = weight_files(files, config)
    if weights is None or not weights.entry.name.endswith(".index.json"):
        return needed
    try:
        parts = weight_parts(weights, library)
    except ListingProblem:
        return needed
    return tuple(file for file in needed if file not in weights.shards and file not in parts) + parts


def _read(
    facts: RepoFacts, weights: WeightFiles, files: tuple[RepoFile, ...], library: Library
) -> tuple[dict[str, TensorInfo], dict[str, tuple[float, ...]]]:
    if len(files) > MOST_SHARDS:
        raise unlisted(f"its weights lie in {len(files)} files")
    budget, local_budget = Budget(_allowance(facts, weights, len(files))), Budget(_LOCAL_BYTES * len(files))
    tensors: dict[str, TensorInfo] = {}
    values: dict[str, tuple[float, ...]] = {}
    for file in files:
        if not is_inside(file.name):
            raise damaged(f"{file.name[:80]!r} cannot be the name of a file")
        source = library.open(file)
        ranged = RangedFile(source, local_budget if isinstance(source, LocalSource) else budget)
        opened: OpenedWeights = (SafetensorsFile if weights.format == "safetensors" else TorchZip)(ranged, file.name)
        tensors |= {tensor.name: tensor for tensor in opened.tensors}
        values |= bias_values(opened)
    return tensors, values


def _allowance(facts: RepoFacts, weights: WeightFiles, parts: int) -> int:
    """Tell how many bytes may be read over the network, beside what finding out the facts took."""
    described = [file for file in facts.files if file.name in DESCRIPTION_NAMES]
    if weights.entry.name.endswith(".index.json"):
        described.append(weights.entry)
    spent = _ANSWER_BYTES + _ANSWER_BYTES_PER_FILE * len(facts.files) + sum(file.size or 0 for file in described)
    return max(_LEAST_BYTES, _REPOSITORY_BYTES + _FURTHER_SHARD_BYTES * (parts - 1) - spent)


def _problem(problem: ListingProblem, format: str | None, files: tuple[RepoFile, ...]) -> TensorListing:
    return TensorListing(
        format=format,
        status=problem.status,
        reason=problem.reason,
        unsafe_globals=problem.unsafe_globals,
        size=total_size(files) if files else None,
    )


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
