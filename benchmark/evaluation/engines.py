"""Which engines and devices a user's choice allows, in the order in which they are tried."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.models.backends.plugin_backends import added_backend, added_names
from benchmark.models.backends.protocol import (
    BACKENDS,
    DTYPES,
    INSTALL,
    ONNXRUNTIME,
    OPENVINO,
    TORCH,
    Engine,
    is_installed,
)
from benchmark.settings import Settings
from benchmark.workers.answers import Returned
from benchmark.workers.worker import Worker

AUTO = "auto"
DEVICES = ("cpu", "cuda")
_FAST_DTYPE = "bfloat16"
_BATCH_ON_GPU = 16
_ACTOR = "benchmark.models.actor:ModelActor"
_TIMEOUT_S = 60.0
# One of these is there wherever a driver is that torch's CUDA builds can use: NVIDIA's own, Windows's for Linux, AMD's.
_DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """The engine that a user chooses.

    Attributes:
        backend: `auto`, `torch`, `openvino`, `onnxruntime`, or one that an installed package adds.
        dtype: `float32`, `bfloat16` or `float16`; None leaves it open.
        fast: Whether bfloat16 may be taken where the processor computes in it.
        batch: Windows that torch computes together; None for one on the CPU, and on a GPU for as many as pay there.
    """

    backend: str = TORCH
    dtype: str | None = None
    fast: bool = False
    batch: int | None = None

    def __str__(self) -> str:
        batch = None if self.batch is None else f"batch-size {self.batch}"
        return " ".join(filter(None, (self.backend, self.dtype, "fast" if self.fast else None, batch)))

    @property
    def is_left_to_bench(self) -> bool:
        """Whether the user has named no engine: then none is prepared that costs more than it saves."""
        return self.backend == AUTO and not self.fast and self.batch is None

    def check(self) -> None:
        """Refuse what cannot be had here, before anything is computed.

        Raises:
            RequestError: A name is unknown, a backend is not installed, or does not compute in that number format.
        """
        known = (AUTO, *BACKENDS, *added_names())
        if self.backend not in known:
            raise RequestError(f"Unknown backend {self.backend!r}: choose among {', '.join(known)}.")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise RequestError(f"Unknown dtype {self.dtype!r}: choose among {', '.join(DTYPES)}.")
        if self.backend == ONNXRUNTIME and self.dtype not in (None, "float32"):
            raise RequestError(f"ONNX Runtime computes in float32 only: leave out --dtype {self.dtype}.")
        if self.backend not in (AUTO, *BACKENDS):
            dtypes = added_backend(self.backend).dtypes
            if self.dtype is not None and self.dtype not in dtypes:
                raise RequestError(f"{self.backend} computes in {' and '.join(dtypes)}, not in {self.dtype}.")
        if self.batch is not None and self.batch < 1:
            raise RequestError(f"--batch-size is {self.batch}: it has to be 1 or more.")
        if self.batch is not None and self.batch > 1 and self.backend not in (AUTO, TORCH):
            raise RequestError("Only torch computes windows together: leave out --batch-size, or take --backend torch.")
        if self.backend in INSTALL and not is_installed(self.backend):
            name, command = INSTALL[self.backend]
            raise RequestError(f"{name} is not installed here: `{command}`, or leave out --backend {self.backend}.")

    def engines(self, device: str) -> tuple[Engine, ...]:
        """The engines to try on a device, fastest first; the last one is always the reference.

        Examples:
            >>> [str(engine) for engine in EngineChoice(backend="openvino", fast=True).engines("cpu")]
            ['openvino bfloat16', 'openvino float32', 'torch float32']
            >>> [str(engine) for engine in EngineChoice(backend="auto").engines("cuda")]
            ['torch float32 in batches of 16', 'torch float32']
        """
        backend = self._backend(device)
        engines = [
            Engine(backend=backend, dtype=dtype, device=device, batch=batch)
            for dtype in self._dtypes(backend, device)
            for batch in self._batches(device)
        ]
        return tuple(dict.fromkeys([*engines, Engine(device=device)]))

    def _batches(self, device: str) -> tuple[int, ...]:
        """How many windows together, best first; some models can only be run one window at a time."""
        most = self.batch or (1 if device == "cpu" else _BATCH_ON_GPU)
        return (most, 1) if most > 1 else (1,)

    def _dtypes(self, backend: str, device: str) -> tuple[str, ...]:
        if self.dtype is not None:
            return (self.dtype,)
        if backend not in BACKENDS:
            return added_backend(backend).dtypes[:1]
        reduced = self.fast and (backend == OPENVINO or device != "cpu")
        return (_FAST_DTYPE, "float32") if reduced else ("float32",)

    def _backend(self, device: str) -> str:
        if device != "cpu":
            return TORCH  # the others compute on the CPU here
        if self.backend != AUTO:
            return self.backend
        return OPENVINO if self._batches(device) == (1,) and is_installed(OPENVINO) else TORCH


def resolve_devices(names: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Check the devices that a user names; by default the CPU and, where torch sees one, the GPU.

    Raises:
        RequestError: A device is unknown, or is not there.
    """
    if unknown := [device for device in names if device not in DEVICES]:
        raise RequestError(f"Unknown device {unknown[0]!r}: choose among {', '.join(DEVICES)}.")
    if names and "cuda" not in names:
        return tuple(dict.fromkeys(names))
    has_cuda = False
    if may_have_cuda():
        with Worker(_ACTOR, log=settings.logs / "devices.log") as worker:  # so that torch is not imported here
            answer = worker.call("has_cuda", timeout_s=_TIMEOUT_S)
        has_cuda = isinstance(answer, Returned) and bool(answer.value)
    if names and not has_cuda:
        raise RequestError(
            "torch sees no CUDA device here: leave out `--device cuda`, or install a build of torch for your GPU."
        )
    return tuple(dict.fromkeys(names)) if names else (DEVICES if has_cuda else DEVICES[:1])


def may_have_cuda() -> bool:
    """Whether there may be a CUDA device: not on macOS, nor on Linux without a driver. torch takes seconds to ask."""
    if sys.platform == "darwin":
        return False
    return sys.platform != "linux" or any(Path(driver).exists() for driver in _DRIVERS)
