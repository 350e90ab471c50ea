"""The tensors that a load would read, from the headers of the weight files: some kilobytes instead of gigabytes."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from benchmark.hub.absence import absent_weights
from benchmark.hub.documents import LARGEST_DOCUMENT_BYTES, Document, too_large
from benchmark.hub.facts import HubFailure, RepoFacts, RepoFile
from benchmark.hub.failures import not_in_cache
from benchmark.hub.opened import OpenedWeights, bias_values
from benchmark.hub.ranged import Budget, LocalSource, RangedFile, Source, SourceError, TooMuchToReadError
from benchmark.hub.safetensors_header import SafetensorsFile
from benchmark.hub.shards import check_presence, is_inside, shard_names
from benchmark.hub.tensor_listing import ListingProblem, TensorInfo, TensorListing, damaged, unlisted
from benchmark.hub.torch_zip import TorchZip
from benchmark.hub.weights import DESCRIPTION_NAMES, WeightFiles, needed_files, total_size, weight_files

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
