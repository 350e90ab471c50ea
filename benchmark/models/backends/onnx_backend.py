"""Inference with ONNX Runtime, on the CPU in float32."""

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.protocol import ONNXRUNTIME, BackendError, BackendFacts, Features, Streams

_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


class OnnxBackend:
    """A converted model in ONNX Runtime.

    Raises:
        BackendError: ONNX Runtime cannot be imported, or `dtype` is not float32.
    """

    def __init__(self, path: Path, *, dtype: str, streams: Streams) -> None:
        if dtype != "float32":
            raise BackendError(f"ONNX Runtime computes these models in float32, not in {dtype}")
        self._session = open_session(path, streams)
        self._inputs = {port.name: _TYPES[port.type] for port in self._session.get_inputs()}
        versions = {"onnxruntime": metadata.version("onnxruntime")}
        self.facts = BackendFacts(name=ONNXRUNTIME, dtype=dtype, device="cpu", streams=streams, versions=versions)

    def forward(self, features: Features) -> NDArray[np.float32]:
        """Compute the logits of one window."""
        # An input that does not bear on the answer, such as a mask of ones, may be gone from the converted model.
        inputs = {name: np.asarray(features[name], dtype=kind) for name, kind in self._inputs.items()}
        return np.asarray(self._session.run(None, inputs)[0][0], dtype=np.float32)


def open_session(path: Path, streams: Streams) -> Any:
    """Open an ONNX file on the CPU; libraries of custom operators are never loaded.

    Raises:
        BackendError: ONNX Runtime cannot be imported.
        Exception: Whatever ONNX Runtime raises for a file that it cannot take.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - an extra, imported by workers that compute with it
    except ImportError as error:
        raise BackendError(f"ONNX Runtime cannot be imported: {error}") from error
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = streams.threads
    options.inter_op_num_threads = 1
    # Clips differ in length: a plan of memory for one length serves no other, and what is kept for it grows.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
