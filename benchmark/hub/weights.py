"""Which files of a repository a load reads: one weight format, and what describes model and input."""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.hub.facts import CONFIG_NAME, PREPROCESSOR_NAME, PROCESSOR_NAME, RepoFile

DESCRIPTION_NAMES = (CONFIG_NAME, PREPROCESSOR_NAME, PROCESSOR_NAME)

# In the order in which transformers looks for them (modeling_utils._get_resolved_checkpoint_files).
_FORMATS = (
    ("safetensors", "model.safetensors", ()),
    ("safetensors", "model.safetensors.index.json", ("model-*.safetensors",)),
    ("bin", "pytorch_model.bin", ()),
    ("bin", "pytorch_model.bin.index.json", ("pytorch_model-*.bin",)),
)


@dataclass(frozen=True)
class WeightFiles:
    """The weight files of a repository that a load reads.

    Attributes:
        format: `safetensors` or `bin`.
        entry: The one file, or the index of the shards.
        shards: The files that the index stands for; empty where `entry` holds the weights itself.
    """

    format: str
    entry: RepoFile
    shards: tuple[RepoFile, ...] = ()

    @property
    def files(self) -> tuple[RepoFile, ...]:
        """All of them, the entry first."""
        return (self.entry, *self.shards)

    @property
    def size(self) -> int | None:
        """Bytes of the weights; None where nobody says."""
        return total_size(self.shards or (self.entry,))


def weight_files(files: Iterable[RepoFile], config: Mapping[str, Any] | None = None) -> WeightFiles | None:
    """Choose the weight files that transformers reads.

    Args:
        files: The files of the repository.
        config: Its `config.json`, which may name the weight file itself.

    Returns:
        The preferred format that is there; None where there is none that transformers reads.

    Examples:
        >>> weight_files([RepoFile("pytorch_model.bin", 10), RepoFile("model.safetensors", 9)]).format
        'safetensors'
        >>> weight_files([RepoFile("model.pt", 10)]) is None
        True
    """
    by_name = {file.name: file for file in files}
    explicit = config.get("transformers_weights") if config else None
    if isinstance(explicit, str) and explicit in by_name:
        kind = "bin" if explicit.endswith((".bin", ".bin.index.json")) else "safetensors"
        return WeightFiles(kind, by_name[explicit])
    for kind, entry, shard_patterns in _FORMATS:
        if entry in by_name:
            shards = tuple(
                file
                for name, file in sorted(by_name.items())
                if any(fnmatch.fnmatchcase(name, pattern) for pattern in shard_patterns)
            )
            return WeightFiles(kind, by_name[entry], shards)
    return None


def needed_files(files: Iterable[RepoFile], config: Mapping[str, Any] | None = None) -> tuple[RepoFile, ...]:
    """List the files that a load reads, the small ones first.

    Examples:
        >>> names = ("README.md", "config.json", "pytorch_model.bin", "tf_model.h5", "training_args.bin")
        >>> [file.name for file in needed_files([RepoFile(name, 1) for name in names])]
        ['config.json', 'pytorch_model.bin']
    """
    present = tuple(files)
    descriptions = tuple(file for file in present if file.name in DESCRIPTION_NAMES)
    weights = weight_files(present, config)
    return descriptions + (weights.files if weights else ())


def total_size(files: Iterable[RepoFile]) -> int | None:
    """Add up the sizes; None as soon as one is unknown."""
    total = 0
    for file in files:
        if file.size is None:
            return None
        total += file.size
    return total
