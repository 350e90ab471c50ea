"""The tensors that a load would read, from the headers of the weight files: some kilobytes instead of gigabytes."""

import re
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from benchmark.hub.facts import HubFailure, RepoFacts, RepoFile, not_in_cache
from benchmark.hub.ranged import Budget, SourceError, TooMuchToReadError
from benchmark.hub.repository_files import RepositoryFiles
from benchmark.hub.safetensors_files import SafetensorsFile
from benchmark.hub.tensor_listing import ITEM_BYTES, ListingProblem, TensorInfo, TensorListing, damaged, unlisted
from benchmark.hub.torch_files import PickleReader, TorchFile
from benchmark.hub.weights import (
    DESCRIPTION_NAMES,
    WeightFiles,
    absent_weights,
    is_inside,
    total_size,
    weight_files,
    weight_parts,
)

_MOST_SHARDS = 64
_REPOSITORY_BYTES = 300_000
_FURTHER_SHARD_BYTES = 100_000
_LOCAL_BYTES = 4_000_000
_ANSWER_BYTES, _ANSWER_BYTES_PER_FILE = 12_000, 300
_LEAST_BYTES = 65_536

_HEAD_BIAS = re.compile(r"(.+\.)?(projector|classifier)(\.\w+)*\.bias")
_MOST_BIASES = 8
_LARGEST_BIAS_BYTES = 16_384
_PLAIN_DTYPES = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}


class OpenedWeights(Protocol):
    """A weight file whose header was read."""

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """Its tensors."""
        ...

    def read(self, name: str) -> bytes | None:
        """Read the numbers of a tensor, little-endian; None where they are not stored in this order."""
        ...


def list_tensors(
    facts: RepoFacts, repository: RepositoryFiles, read_pickle: PickleReader
) -> TensorListing | HubFailure:
    """List the tensors that a load of a repository would read.

    Args:
        facts: The repository.
        repository: Access to its files.
        read_pickle: Calls `torch_files.read_pickle` in a worker.

    Returns:
        The tensors, or why they are not known; a failure where the files could not be read.
    """
    weights = weight_files(facts.files, facts.config)
    if weights is None:
        if facts.partial:
            return not_in_cache(f"the weights of {facts.id}")
        return _listing_of_problem(absent_weights(facts.files), None, ())
    files: tuple[RepoFile, ...] = (weights.entry,)
    tensors: dict[str, TensorInfo] = {}
    values: dict[str, tuple[float, ...]] = {}
    try:
        files = weight_parts(weights, repository)
        for opened in _open_all(facts, weights, files, repository, read_pickle):
            tensors |= {tensor.name: tensor for tensor in opened.tensors}
            values |= bias_values(opened)
    except ListingProblem as problem:
        return _listing_of_problem(problem, weights.format, files)
    except TooMuchToReadError:
        too_much = unlisted("describing its tensors takes more bytes than an inspection may read")
        return _listing_of_problem(too_much, weights.format, files)
    except SourceError as error:
        return error.failure
    return TensorListing(
        format=weights.format,
        tensors=tuple(tensors.values()),
        values=values,
        size=total_size(files),
        shards=tuple(file.name for file in files) if files != (weights.entry,) else (),
    )


def _open_all(
    facts: RepoFacts,
    weights: WeightFiles,
    files: tuple[RepoFile, ...],
    repository: RepositoryFiles,
    read_pickle: PickleReader,
) -> Iterable[OpenedWeights]:
    if len(files) > _MOST_SHARDS:
        raise unlisted(f"its weights lie in {len(files)} files")
    budget, local_budget = Budget(_allowed_bytes(facts, weights, len(files))), Budget(_LOCAL_BYTES * len(files))
    for file in files:
        if not is_inside(file.name):
            raise damaged(f"{file.name[:80]!r} cannot be the name of a file")
        ranged = repository.open(file, budget, local_budget)
        if weights.format == "safetensors":
            yield SafetensorsFile(ranged, file.name)
        else:
            yield TorchFile(ranged, file.name, read_pickle)


def _allowed_bytes(facts: RepoFacts, weights: WeightFiles, parts: int) -> int:
    """How many bytes may be read over the network, beside those that `facts` took."""
    described = [file for file in facts.files if file.name in DESCRIPTION_NAMES]
    if weights.is_index:
        described.append(weights.entry)
    spent = _ANSWER_BYTES + _ANSWER_BYTES_PER_FILE * len(facts.files) + sum(file.size or 0 for file in described)
    return max(_LEAST_BYTES, _REPOSITORY_BYTES + _FURTHER_SHARD_BYTES * (parts - 1) - spent)


def _listing_of_problem(problem: ListingProblem, format: str | None, files: tuple[RepoFile, ...]) -> TensorListing:
    return TensorListing(
        format=format,
        status=problem.status,
        reason=problem.reason,
        unsafe_globals=problem.unsafe_globals,
        size=total_size(files) if files else None,
    )


def head_biases(tensors: Iterable[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Choose the tensors whose values show whether a head was ever trained: a new head has biases of zero.

    Examples:
        >>> names = ("classifier.weight", "classifier.bias", "encoder.layers.0.bias", "classifier.dense.bias")
        >>> [tensor.name for tensor in head_biases([TensorInfo(name, (4,), "float32") for name in names])]
        ['classifier.bias', 'classifier.dense.bias']
    """
    chosen = [
        tensor
        for tensor in tensors
        if _HEAD_BIAS.fullmatch(tensor.name)
        and tensor.elements * ITEM_BYTES.get(tensor.dtype, _LARGEST_BIAS_BYTES) <= _LARGEST_BIAS_BYTES
    ]
    return tuple(chosen[:_MOST_BIASES])


def bias_values(opened: OpenedWeights) -> dict[str, tuple[float, ...]]:
    """Read the biases of the head, as far as the budget of bytes suffices."""
    values: dict[str, tuple[float, ...]] = {}
    for tensor in head_biases(opened.tensors):
        try:
            content = opened.read(tensor.name)
        except TooMuchToReadError:
            break
        numbers = None if content is None else decode(content, tensor.dtype)
        if numbers is not None:
            values[tensor.name] = numbers
    return values


def decode(content: bytes, dtype: str) -> tuple[float, ...] | None:
    r"""Decode little-endian numbers; None for types that no bias has.

    Examples:
        >>> decode(b"\x00\x00\x80\x3f", "float32"), decode(b"\x80\x3f", "bfloat16"), decode(b"\x01", "bool")
        ((1.0,), (1.0,), None)
    """
    if dtype == "bfloat16":
        # The upper half of a float32.
        numbers = (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    elif dtype in _PLAIN_DTYPES:
        numbers = np.frombuffer(content, _PLAIN_DTYPES[dtype])
    else:
        return None
    return tuple(float(number) for number in numbers)
