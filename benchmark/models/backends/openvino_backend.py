"""Inference with OpenVINO, on the CPU; the only module that imports it, and never with its telemetry."""

import mmap
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.protocol import OPENVINO, BackendError, BackendFacts, Features, Streams

_TELEMETRY = "openvino_telemetry"
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
# Each stream keeps the code compiled for a length; without a cap, for every length that it ever meets. The cap is for
# all streams together: on two cores 64 lengths of a clip, since eight convolutions are compiled for each. Where lengths
# come again (in the next corpus, or perturbed), an answer in bfloat16 takes 13 % less time.
_SHAPES_KEPT = 1024
# Code compiled for one length is reused for the next: after a clip of a single frame, OpenVINO 2026.4 computed all
# later ones wrongly, by up to 5e-4 of a logit. Without snippets each answer is the same to the bit, whatever came
# before, and as fast. A model of a fixed window meets only one length, and is a tenth faster with them.
_NO_SNIPPETS = {"SNIPPETS_MODE": "DISABLE"}


def openvino() -> Any:
    """Import OpenVINO without the package that reports its use, and ready for several threads.

    OpenVINO's `import` already sends an event and writes into the user's home; without that package it takes an empty
    stand-in of its own. Its binding fills a table of number formats on first use: two threads that did so at once
    deadlocked (2026.4.1), one with the table and the other with the interpreter lock. So the table is filled here.

    Raises:
        BackendError: It is not installed.
    """
    if _TELEMETRY not in sys.modules:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment] # how Python is told that there is no such module
    try:
        import openvino as library  # noqa: PLC0415 - only workers that compute with it import it
    except ImportError as error:
        raise BackendError(f"OpenVINO cannot be imported: {error}") from error
    library.Type(np.float32).to_dtype()
    return library


def computes_in(dtype: str) -> bool:
    """Whether this processor really computes in a number format, rather than in float32 under its name."""
    if dtype == "float32":
        return True
    names = {"bfloat16": "BF16", "float16": "FP16"}
    return names[dtype] in openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class MappedWeights:
    """A file of weights, mapped, in memory only while it is read.

    OpenVINO reads the weights once, to bring most of them into an order of its own, and would keep both: 378 MB for a
    model of base size.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            # OpenVINO takes only writable memory. It does not write, and the file would stay as it is.
            self._mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def values(self) -> NDArray[np.uint8]:
        """The bytes of the file, valid as long as this object lives."""
        return np.frombuffer(self._mapping, np.uint8)

    def release(self) -> None:
        """Give back the memory; what is read again comes from the file. 0.05 ms where little was read since."""
        if hasattr(mmap, "MADV_DONTNEED"):  # Windows keeps what was read until memory is short
            self._mapping.madvise(mmap.MADV_DONTNEED)


class OpenVinoBackend:
    """A converted model in OpenVINO; its weights are beside its `.xml`.

    Raises:
        BackendError: OpenVINO cannot be imported, or this processor does not compute in that format.
        OSError: A file of the model cannot be read.
        RuntimeError: OpenVINO cannot read or compile the model.
    """

    def __init__(self, path: Path, *, dtype: str, streams: Streams) -> None:
        library = openvino()
        if not computes_in(dtype):
            raise BackendError(f"this processor does not compute in {dtype}")
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],
            "NUM_STREAMS": streams.count,
            "INFERENCE_NUM_THREADS": streams.count * streams.threads,
            "ENABLE_CPU_PINNING": False,  # the next worker's threads would be tied to the same cores
            "CPU_RUNTIME_CACHE_CAPACITY": max(1, _SHAPES_KEPT // streams.count),
        }
        # OpenVINO does not keep a reference: the weights must live as long as the compiled model.
        self._weights = MappedWeights(path.with_suffix(".bin"))
        core = library.Core()
        model = core.read_model(path.read_bytes(), library.Tensor(self._weights.values(), shared_memory=True))
        if model.is_dynamic():
            settings |= _NO_SNIPPETS
        self._compiled = core.compile_model(model, "CPU", settings)
        self._weights.release()
        self._own = threading.local()
        versions = {"openvino": metadata.version("openvino")}
        self.facts = BackendFacts(name=OPENVINO, dtype=dtype, device="cpu", streams=streams, versions=versions)

    def forward(self, features: Features) -> NDArray[np.float32]:
        """Compute the logits of one window."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        request = self._own.request
        request.infer(dict(features), share_inputs=True)
        self._weights.release()  # a new length may have made OpenVINO read them again
        return np.array(request.get_output_tensor(0).data[0], dtype=np.float32)
