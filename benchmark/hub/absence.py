"""What a repository holds instead of weights that transformers reads."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from benchmark.hub.facts import RepoFile
from benchmark.hub.tensor_listing import ListingProblem, damaged, unsafe

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
