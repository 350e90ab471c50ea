"""Engines and the protocol of backends; no heavy imports."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

TORCH = "torch"
OPENVINO = "openvino"
ONNXRUNTIME = "onnxruntime"
BACKENDS = (TORCH, OPENVINO, ONNXRUNTIME)
DTYPES = ("float32", "bfloat16", "float16")

Features = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How a model is computed.

    Attributes:
        backend: `torch`, `openvino` or `onnxruntime`.
        dtype: `float32`, `bfloat16` or `float16`.
        device: `cpu` or `cuda`.
        batch: Windows that go through the model together.

    Examples:
        >>> str(Engine(dtype="bfloat16", device="cuda", batch=16))
        'torch bfloat16 in batches of 16'
    """

    backend: str = TORCH
    dtype: str = "float32"
    device: str = "cpu"
    batch: int = 1

    @property
    def is_reference(self) -> bool:
        """Whether all others are compared with this one."""
        return self.backend == TORCH and self.dtype == "float32" and self.batch == 1

    def __str__(self) -> str:
        together = f" in batches of {self.batch}" if self.batch > 1 else ""
        return f"{self.backend} {self.dtype}{together}"

    def as_plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Streams:
    """How the threads of a worker are shared out.

    Attributes:
        count: Windows computed at once.
        threads: Threads for each of them.

    Examples:
        >>> Streams.side_by_side(4)
        Streams(count=4, threads=1)
        >>> Streams.one_at_a_time(4)
        Streams(count=1, threads=4)
    """

    count: int = 1
    threads: int = 1

    @classmethod
    def side_by_side(cls, threads: int) -> Self:
        """Many windows at once, a thread each: answers do not depend on how many threads there are."""
        return cls(count=threads, threads=1)

    @classmethod
    def one_at_a_time(cls, threads: int) -> Self:
        """One window with all threads, as latency is measured."""
        return cls(count=1, threads=threads)

    def as_plain(self) -> dict[str, int]:
        """Give it as plain data."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class BackendFacts:
    """What is known of a backend that has a model loaded.

    Attributes:
        name: `torch`, `openvino` or `onnxruntime`.
        dtype: What it computes in.
        device: `cpu` or `cuda`.
        streams: How its threads are shared out.
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
