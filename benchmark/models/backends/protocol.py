"""Engines and the protocol of backends; no heavy imports."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

TORCH = "torch"
OPENVINO = "openvino"
ONNXRUNTIME = "onnxruntime"
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    TORCH: (),
    OPENVINO: ("openvino",),
    ONNXRUNTIME: ("onnxruntime", "onnx"),
}
"""What a backend of bench's own computes with, beside torch and transformers."""
BACKENDS = tuple(LIBRARIES)
INSTALL: Mapping[str, tuple[str, str]] = {
    OPENVINO: ("OpenVINO", "pip install openvino"),
    ONNXRUNTIME: ("ONNX Runtime", "pip install 'ser-bench[onnx]'"),
}
"""What a backend is called, and the command that installs it."""
DTYPES = ("float32", "bfloat16", "float16")


def is_installed(backend: str) -> bool:
    """Whether the libraries of one of `BACKENDS` are there; none of them is imported."""
    return all(importlib.util.find_spec(name) is not None for name in LIBRARIES[backend])


Features = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How a model is computed.

    Attributes:
        backend: One of `BACKENDS`, or one that an installed package adds.
        dtype: One of `DTYPES`.
        device: `cpu` or `cuda`.
        batch: Windows that go through the model together.
        only: Whether nothing else computes the candidate, such as an ONNX file.

    Examples:
        >>> str(Engine(dtype="bfloat16", device="cuda", batch=16))
        'torch bfloat16 in batches of 16'
    """

    backend: str = TORCH
    dtype: str = "float32"
    device: str = "cpu"
    batch: int = 1
    only: bool = False

    @property
    def is_reference(self) -> bool:
        """Whether all others are compared with this one."""
        return self.only or (self.backend == TORCH and self.dtype == "float32" and self.batch == 1)

    def __str__(self) -> str:
        together = f" in batches of {self.batch}" if self.batch > 1 else ""
        return f"{self.backend} {self.dtype}{together}"


@dataclass(frozen=True, kw_only=True)
class Streams:
    """How the threads of a worker are shared out.

    Attributes:
        count: Windows computed at once.
        threads: Threads for each of them.
    """

    count: int = 1
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class BackendFacts:
    """What is known of a backend that has a model loaded.

    Attributes:
        versions: Of the libraries that compute.
        attention: The attention implementation; None where the backend has its own.
    """

    name: str
    dtype: str
    device: str
    streams: Streams
    versions: dict[str, str] = field(default_factory=dict)
    attention: str | None = None


class Backend(Protocol):
    """A loaded model."""

    @property
    def facts(self) -> BackendFacts:
        """What is known of it."""
        ...

    def forward(self, features: Features) -> NDArray[np.float32]:
        """Compute the logits of one window, shape (labels,); called from as many threads as there are streams.

        Args:
            features: The model's inputs by name, each with a first axis of one.
        """
        ...


class BackendError(Exception):
    """A backend cannot take this model, or this machine cannot run it; the message is a sentence for a person."""
