"""The tensors that a load would read, from the headers of the weight files: some kilobytes instead of gigabytes."""

import re
from collections.abc import Iterator

import numpy as np

from benchmark.hub.ranged import Budget, RepositoryFiles, SourceError, TooMuchToReadError
from benchmark.hub.repository_facts import HubFailure, RepoFacts, RepoFile, not_in_cache
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


def list_tensors(
    facts: RepoFacts, repository: RepositoryFiles, read_pickle: PickleReader
) -> TensorListing | HubFailure:
    """List the tensors that a load of a repository would read; a failure where its files cannot be had.

    Args:
        facts: The repository.
        repository: Access to its files.
        read_pickle: Calls `torch_pickles.read_pickle` in a worker.
    """
    weights = weight_files(facts.files, facts.config)
    if weights is None:
        if facts.partial:
            return not_in_cache(f"the weights of {facts.id}")
        return TensorListing(problem=absent_weights(facts.files))
    files: tuple[RepoFile, ...] = (weights.entry,)
    tensors: dict[str, TensorInfo] = {}
    values: dict[str, tuple[float, ...]] = {}
    try:
        files = weight_parts(weights, repository)
        for opened in _open_all(facts, weights, files, repository, read_pickle):
            tensors |= {tensor.name: tensor for tensor in opened.tensors}
            values |= _head_biases(opened)
    except ListingProblem as problem:
        return TensorListing(problem=problem, size=total_size(files))
    except TooMuchToReadError:
        too_much = unlisted("describing its tensors takes more bytes than an inspection may read")
        return TensorListing(problem=too_much, size=total_size(files))
    except SourceError as error:
        return error.failure
    return TensorListing(tensors=tensors, values=values, size=total_size(files))


def _open_all(
    facts: RepoFacts,
    weights: WeightFiles,
    files: tuple[RepoFile, ...],
    repository: RepositoryFiles,
    read_pickle: PickleReader,
) -> Iterator[SafetensorsFile | TorchFile]:
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


def _head_biases(opened: SafetensorsFile | TorchFile) -> dict[str, tuple[float, ...]]:
    """Read the biases of projector and classifier, as far as the budget of bytes suffices.

    They show whether a head was ever trained: those of a new head are zero.
    """
    values: dict[str, tuple[float, ...]] = {}
    biases = [tensor for tensor in opened.tensors if _HEAD_BIAS.fullmatch(tensor.name)]
    small = [
        tensor
        for tensor in biases
        if tensor.elements * ITEM_BYTES.get(tensor.dtype, _LARGEST_BIAS_BYTES) <= _LARGEST_BIAS_BYTES
    ]
    for tensor in small[:_MOST_BIASES]:
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
    return tuple(numbers.astype(float).tolist())
