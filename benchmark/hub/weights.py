"""Which files of a repository a load reads: one weight format, and what describes model and input."""

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from benchmark.hub.documents import Document
from benchmark.hub.facts import CONFIG_NAME, PREPROCESSOR_NAME, PROCESSOR_NAME, RepoFile
from benchmark.hub.tensor_listing import ListingProblem, damaged, unsafe

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


_SHOWN = 3


def absent_weights(files: Iterable[RepoFile]) -> ListingProblem:
    """Tell what it means that a repository has no weights that transformers reads.

    Args:
        files: Its files.

    Returns:
        `unsafe-weights` where all there is are pickles of some other program, else `load-failed`.

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
    safe = [name for name in names if name.endswith(".safetensors")]
    if safe:
        return damaged(f"its weights lie where transformers does not look: {_shown(safe)} instead of model.safetensors")
    for framework, endings in _OTHER_FRAMEWORKS:
        found = [name for name in names if name.endswith(endings)]
        if found:
            return damaged(f"it has weights for {framework} only ({_shown(found)}), and none that transformers reads")
    pickled = [name for name in names if name.endswith(_PICKLED)]
    if pickled:
        return unsafe(
            f"its only weights are {_shown(pickled)}, which transformers does not read and whose format can run code"
        )
    return damaged("it has no weights at all")


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:80] for name in names[:_SHOWN]) + more


_LONGEST_NAME = 255


def shard_names(index: Document, name: str) -> tuple[str, ...]:
    """Read the names of the shards from an index.

    Args:
        index: The index.
        name: What messages call it.

    Returns:
        The names, sorted, as transformers reads them: where two shards hold the same tensor, the later one counts.

    Raises:
        ListingProblem: It is no index, or names files outside of the repository.

    Examples:
        >>> shard_names(Document({"weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}}), "index.json")
        ('1.bin', '2.bin')
    """
    places = (index.content or {}).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(place, str) for place in places.values()):
        raise damaged(f"{name} is no index of shards: {index.problem or 'it has no table of names as weight_map'}")
    names = sorted(set(places.values()))
    for shard in names:
        if not is_inside(shard):
            raise damaged(f"{name} names {shard[:80]!r}, which is no file of the repository")
    return tuple(names)


def check_presence(wanted: Collection[str], present: Collection[str], name: str) -> None:
    """Hold that all shards are there.

    Raises:
        ListingProblem: Some are missing.
    """
    missing = [shard for shard in wanted if shard not in present]
    if missing:
        shown = ", ".join(shard[:80] for shard in missing[:_SHOWN])
        raise damaged(f"{len(missing)} of the {len(wanted)} shards that {name} names are missing: {shown}")


def is_inside(name: str) -> bool:
    r"""Whether a name stays within the folder that it is relative to, on every system.

    Examples:
        >>> is_inside("a/b.bin"), is_inside("../b.bin"), is_inside("/b.bin"), is_inside("c:\\b.bin"), is_inside("")
        (True, False, False, False, False)
    """
    if not name or len(name) > _LONGEST_NAME or any(sign in name for sign in "\\:\0"):
        return False
    parts = name.split("/")
    return not PurePosixPath(name).is_absolute() and all(part not in {"", ".", ".."} for part in parts)
