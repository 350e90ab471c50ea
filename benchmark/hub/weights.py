"""Which files of a repository a load reads: one weight format with its shards, and what describes model and input."""

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from benchmark.hub.json_documents import LARGEST_DOCUMENT_BYTES, too_large
from benchmark.hub.ranged import RepositoryFiles
from benchmark.hub.repository_facts import (
    CONFIG_NAME,
    PREPROCESSOR_NAME,
    PROCESSOR_NAME,
    SPEECHBRAIN_TEXTS,
    SPEECHBRAIN_WEIGHTS,
    RepoFile,
    is_of_speechbrain,
)
from benchmark.hub.tensor_listing import ListingProblem, damaged, unsafe

DESCRIPTION_NAMES = (CONFIG_NAME, PREPROCESSOR_NAME, PROCESSOR_NAME)

TOKENIZER_NAMES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "merges.txt"),
)
_INDEX = ".index.json"
# In the order in which transformers looks for them (modeling_utils._get_resolved_checkpoint_files).
_FORMATS = (
    ("safetensors", "model.safetensors", None),
    ("safetensors", "model.safetensors.index.json", "model-*.safetensors"),
    ("bin", "pytorch_model.bin", None),
    ("bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin"),
)
_PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".bin", ".npy", ".dill")
_OF_TRAINING = re.compile(r"(.*/)?(training_args|optimizer|scheduler|scaler|rng_state.*|random_states.*)\.[a-z]+")
_OTHER_FRAMEWORKS = (
    ("TensorFlow", (".h5", ".keras", ".tflite", "saved_model.pb")),
    ("Flax", (".msgpack",)),
    ("ONNX", (".onnx",)),
    ("GGUF", (".gguf",)),
    ("NeMo", (".nemo",)),
    ("Core ML", (".mlmodel", ".mlpackage")),
)
_ADAPTERS = frozenset({"adapter_model.safetensors", "adapter_model.bin"})
# What lies beside an ONNX file and holds none of its weights, which may have any other name.
_NO_ONNX_WEIGHTS = (
    *(".json", ".md", ".txt", ".yaml", ".yml", ".py", ".csv", ".log", ".pdf", ".png", ".jpg", ".wav", ".flac", ".mp3"),
    *(".safetensors", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf", ".pkl", ".joblib", ".zip"),
)
_NO_ONNX_NAMES = ("pytorch_model", "adapter_model", "training_args", "LICENSE", "README")
_SHOWN = 3
_LONGEST_NAME = 255


@dataclass(frozen=True)
class WeightFiles:
    """The weight files of a repository that a load reads.

    Attributes:
        format: `safetensors` or `bin`.
        entry: The one file, or the index of the shards.
        shards: The files that look like shards of the index; without an index, all files if there are several.
    """

    format: str
    entry: RepoFile
    shards: tuple[RepoFile, ...] = ()

    @property
    def is_index(self) -> bool:
        """Whether the weights lie in shards."""
        return self.entry.name.endswith(_INDEX)

    @property
    def size(self) -> int | None:
        """Bytes of the weights; None where unknown."""
        return total_size(self.shards or (self.entry,))


def weight_files(files: Iterable[RepoFile], config: Mapping[str, Any] | None = None) -> WeightFiles | None:
    """Choose the weight files that transformers reads; None where there are none.

    Args:
        files: The files of the repository.
        config: Its `config.json`, which may name the weight file itself.

    Examples:
        >>> weight_files([RepoFile("pytorch_model.bin", 10), RepoFile("model.safetensors", 9)]).format
        'safetensors'
        >>> weight_files([RepoFile("model.pt", 10)]) is None
        True
    """
    by_name = {file.name: file for file in files}
    explicit = config.get("transformers_weights") if config else None
    if isinstance(explicit, str) and explicit in by_name:
        kind = "bin" if explicit.endswith((".bin", ".bin" + _INDEX)) else "safetensors"
        return WeightFiles(kind, by_name[explicit])
    for kind, entry, pattern in _FORMATS:
        if entry in by_name:
            shards = [name for name in sorted(by_name) if pattern and fnmatch.fnmatchcase(name, pattern)]
            return WeightFiles(kind, by_name[entry], tuple(by_name[name] for name in shards))
    if is_of_speechbrain(by_name):
        parts = tuple(by_name[name] for name in SPEECHBRAIN_WEIGHTS)
        return WeightFiles("bin", parts[0], parts)
    return None


def weight_parts(weights: WeightFiles, repository: RepositoryFiles) -> tuple[RepoFile, ...]:
    """The files that hold the weights: the one file, or the shards that the index names.

    Shards are sorted as transformers reads them: where two hold the same tensor, the later one counts.

    Raises:
        ListingProblem: The index cannot be used, or names files that are not there.
        SourceError: The index cannot be had.
    """
    if not weights.is_index:
        return weights.shards or (weights.entry,)
    name, size = weights.entry.name, weights.entry.size or 0
    index = too_large(size) if size > LARGEST_DOCUMENT_BYTES else repository.document(weights.entry)
    weight_map = (index.content or {}).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map or not all(isinstance(s, str) for s in weight_map.values()):
        raise damaged(f"{name} is no index of shards: {index.problem or 'it has no table of names as weight_map'}")
    shards = sorted(set(weight_map.values()))
    if outside := [shard for shard in shards if not is_inside(shard)]:
        raise damaged(f"{name} names {outside[0][:80]!r}, which is no file of the repository")
    present = repository.present(shards)
    if missing := [shard for shard in shards if shard not in present]:
        shown = ", ".join(shard[:80] for shard in missing[:_SHOWN])
        raise damaged(f"{len(missing)} of the {len(shards)} shards that {name} names are missing: {shown}")
    return tuple(present[shard] for shard in shards)


def files_to_load(
    files: Iterable[RepoFile],
    config: Mapping[str, Any] | None,
    repository: RepositoryFiles,
    *,
    onnx: str | None = None,
    tokenizer: bool = False,
) -> tuple[RepoFile, ...]:
    """List the files that a load reads, the small ones first; raises SourceError where the index cannot be had.

    Of shards, those that the index names; where the index cannot be used, all that look like shards. Of an ONNX file
    that the registry names, that file and what may hold its weights. With `tokenizer`, the files of one as well.
    """
    files = tuple(files)
    names = {*DESCRIPTION_NAMES, *(TOKENIZER_NAMES if tokenizer else ())}
    if is_of_speechbrain({file.name for file in files}):
        names.update(SPEECHBRAIN_TEXTS)
    descriptions = tuple(file for file in files if file.name in names)
    if onnx is not None:
        return (*descriptions, *onnx_files(files, onnx))
    weights = weight_files(files, config)
    if weights is None:
        return descriptions
    try:
        parts = weight_parts(weights, repository)
    except ListingProblem:
        parts = weights.shards
    return (*(file for file in (*descriptions, weights.entry) if file not in parts), *parts)


def onnx_files(files: Iterable[RepoFile], onnx: str) -> tuple[RepoFile, ...]:
    """List an ONNX file and those beside it that may hold its weights; which they are, only the file itself says.

    Examples:
        >>> names = ("a.onnx", "a.onnx_data", "a_int8.onnx", "a_int8.onnx.data", "README.md", "pytorch_model.bin")
        >>> [file.name for file in onnx_files([RepoFile(name, 1) for name in names], "a.onnx")]
        ['a.onnx', 'a.onnx_data']
    """
    files = tuple(files)
    folder = PurePosixPath(onnx).parent
    beside = [file for file in files if PurePosixPath(file.name).parent == folder]
    others = tuple(file.name for file in beside if file.name.endswith(".onnx") and file.name != onnx)
    chosen = [file for file in beside if file.name == onnx]
    for file in beside:
        name = PurePosixPath(file.name).name
        if file.name == onnx or file.name.startswith(others) or name.endswith(_NO_ONNX_WEIGHTS):
            continue
        if not name.startswith((*_NO_ONNX_NAMES, ".")):
            chosen.append(file)
    return tuple(chosen)


def has_tokenizer(names: Collection[str]) -> bool:
    """Whether there is a tokenizer among the files of a repository.

    Examples:
        >>> has_tokenizer({"vocab.json", "merges.txt"}), has_tokenizer({"vocab.json", "tokenizer_config.json"})
        (True, False)
    """
    return "tokenizer.json" in names or {"vocab.json", "merges.txt"} <= set(names)


def total_size(files: Iterable[RepoFile]) -> int | None:
    """Add up the sizes; None as soon as one is unknown."""
    sizes = [file.size for file in files]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def is_inside(name: str) -> bool:
    r"""Whether a name stays within the folder that it is relative to, on every system.

    Examples:
        >>> is_inside("a/b.bin"), is_inside("../b.bin"), is_inside("/b.bin"), is_inside("c:\\b.bin"), is_inside("")
        (True, False, False, False, False)
    """
    if not name or len(name) > _LONGEST_NAME or any(sign in name for sign in "\\:\0"):
        return False
    return not PurePosixPath(name).is_absolute() and not {"", ".", ".."} & set(name.split("/"))


def absent_weights(files: Iterable[RepoFile]) -> ListingProblem:
    """Say what a repository holds instead of weights: `unsafe-weights` if only pickles of others, else `load-failed`.

    Examples:
        >>> absent_weights([RepoFile("model.pt", 10)]).status
        <Status.UNSAFE_WEIGHTS: 'unsafe-weights'>
        >>> absent_weights([RepoFile("tf_model.h5", 10)]).reason
        'it has weights for TensorFlow only (tf_model.h5), and none that transformers reads'
    """
    names = [file.name for file in files if not _OF_TRAINING.fullmatch(file.name)]
    if adapters := [name for name in names if PurePosixPath(name).name in _ADAPTERS]:
        return damaged(
            f"it holds an adapter only ({_shown(adapters)}), and not the model that it changes; it can be used once "
            "somebody has merged the two and saved them as one"
        )
    if misplaced := [name for name in names if name.endswith(".safetensors")]:
        shown = _shown(misplaced)
        return damaged(f"its weights lie where transformers does not look: {shown} instead of model.safetensors")
    for framework, endings in _OTHER_FRAMEWORKS:
        if other := [name for name in names if name.endswith(endings)]:
            return damaged(f"it has weights for {framework} only ({_shown(other)}), and none that transformers reads")
    if pickled := [name for name in names if name.endswith(_PICKLED)]:
        return unsafe(
            f"its only weights are {_shown(pickled)}, which transformers does not read and whose format can run code"
        )
    return damaged("it has no weights at all")


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:80] for name in names[:_SHOWN]) + more
