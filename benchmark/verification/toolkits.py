"""Whose repository it is, where it is not transformers': told by the files that each toolkit leaves."""

import fnmatch
from collections.abc import Iterable

# The first that matches names the toolkit, so that the more telling files come first.
_TELL_TALES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("SpeechBrain", ("hyperparams.yaml", "custom_interface.py")),
    ("FunASR", ("configuration.json", "am.mvn")),
    ("NeMo", ("*.nemo",)),
    ("ESPnet", ("meta.yaml", "exp/*")),
    ("PEFT", ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")),
    ("sentence-transformers", ("config_sentence_transformers.json",)),
    ("GGUF", ("*.gguf",)),
    ("Keras", ("*.keras", "saved_model.pb", "*.h5", "*.hdf5")),
    ("TensorFlow Lite", ("*.tflite",)),
    ("ONNX", ("*.onnx",)),
    ("scikit-learn", ("*.joblib", "*.pkl", "*.pickle")),
    ("plain PyTorch", ("*.pt", "*.pth", "*.ckpt")),
)


def toolkit_of(names: Iterable[str]) -> str | None:
    """Name the toolkit that a repository without a usable `config.json` was made for.

    Examples:
        >>> toolkit_of(["hyperparams.yaml", "model.ckpt"]), toolkit_of(["README.md"])
        ('SpeechBrain', None)
    """
    found = list(names)
    for toolkit, patterns in _TELL_TALES:
        if any(fnmatch.fnmatch(name, pattern) for name in found for pattern in patterns):
            return toolkit
    return None
