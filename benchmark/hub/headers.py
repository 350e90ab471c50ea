"""The tensors that a load would read, from the headers of the weight files: some kilobytes instead of gigabytes."""

import re
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from benchmark.hub.facts import HubFailure, RepoFacts, RepoFile, not_in_cache
from benchmark.hub.ranged import Budget, RepositoryFiles, SourceError, TooMuchToReadError
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
    if weights is None and facts.partial:
        return not_in_cache(f"the weights of {facts.id}")
    files: tuple[RepoFile, ...] = ()
    tensors: dict[str, TensorInfo] = {}
    values: dict[str, tuple[float, ...]] = {}
    problem: ListingProblem | None = None
    try:
        if weights is None:
            raise absent_weights(facts.files)
        files = (weights.entry,)
        files = weight_parts(weights, repository)
        for opened in _open_all(facts, weights, files, repository, read_pickle):
            tensors |= {tensor.name: tensor for tensor in opened.tensors}
            values |= head_biases(opened)
    except ListingProblem as error:
        problem = error
    except TooMuchToReadError:
        problem = unlisted("describing its tensors takes more bytes than an inspection may read")
    except SourceError as error:
        return error.failure
    return TensorListing(
        format=weights.format if weights else None,
        tensors=None if problem else tuple(tensors.values()),
        values={} if problem else values,
        status=problem.status if problem else None,
        reason=problem.reason if problem else None,
        unsafe_globals=problem.unsafe_globals if problem else (),
        size=total_size(files) if files else None,
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


def head_biases(opened: OpenedWeights) -> dict[str, tuple[float, ...]]:
    """Read the biases of projector and classifier, as far as the budget of bytes suffices.

    They show whether a head was ever trained: those of a new head are zero.
    """
    values: dict[str, tuple[float, ...]] = {}
    biases = [tensor for tensor in opened.tensors if _HEAD_BIAS.fullmatch(tensor.name) and _is_small(tensor)]
    for tensor in biases[:_MOST_BIASES]:
        try:
            content = opened.read(tensor.name)
        except TooMuchToReadError:
            break
        numbers = None if content is None else decode(content, tensor.dtype)
        if numbers is not None:
            values[tensor.name] = numbers
    return values


def _is_small(tensor: TensorInfo) -> bool:
    return tensor.elements * ITEM_BYTES.get(tensor.dtype, _LARGEST_BIAS_BYTES) <= _LARGEST_BIAS_BYTES


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
