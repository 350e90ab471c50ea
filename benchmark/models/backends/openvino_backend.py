"""Inference with OpenVINO, on the CPU."""

import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.mapped_weights import MappedWeights
from benchmark.models.backends.openvino_library import computes_in, openvino
from benchmark.models.backends.protocol import OPENVINO, BackendError, BackendFacts, Features, Streams

_PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
# Each stream keeps what it has compiled for a length, without a cap for every length that it ever meets. So many are
# kept by all streams together: on two cores 64 lengths of a clip, since eight convolutions are compiled for each. Where
# lengths come again (in the next corpus, or perturbed) an answer in bfloat16 takes 13 % less time.
_SHAPES_KEPT = 1024
# Code that is compiled for one length is used again for the next: after a clip of a single frame, OpenVINO 2026.4
# computed all later ones wrongly, by up to 5e-4 of a logit. Without this part each answer is the same, to the bit,
# whatever came before, and as fast. A model of a fixed window meets but one length, and is a tenth faster with it.
_NO_REUSED_CODE = {"SNIPPETS_MODE": "DISABLE"}


class OpenVinoBackend:
    """A converted model in OpenVINO.

    Args:
        path: The model's `.xml`; its weights lie beside it.
        dtype: What it computes in.
        streams: How its threads are shared out.

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
            # The next worker's threads would be tied to the same cores.
            "ENABLE_CPU_PINNING": False,
            "CPU_RUNTIME_CACHE_CAPACITY": max(1, _SHAPES_KEPT // streams.count),
        }
        # OpenVINO does not keep them: they must be there as long as the compiled model is.
        self._weights = MappedWeights(path.with_suffix(".bin"))
        core = library.Core()
        model = core.read_model(path.read_bytes(), library.Tensor(self._weights.values(), shared_memory=True))
        if model.is_dynamic():
            settings |= _NO_REUSED_CODE
        self._compiled = core.compile_model(model, "CPU", settings)
        self._weights.let_go()
        self._own = threading.local()
        self._facts = BackendFacts(
            name=OPENVINO,
            dtype=dtype,
            device="cpu",
            streams=streams,
            versions={"openvino": metadata.version("openvino")},
        )

    @property
    def facts(self) -> BackendFacts:
        """What is known of it."""
        return self._facts

    def forward(self, features: Features) -> NDArray[np.float32]:
        """Compute the logits of one window."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        request = self._own.request
        request.infer(dict(features), share_inputs=True)
        self._weights.let_go()  # each new length may have made OpenVINO read them again
        return np.array(request.get_output_tensor(0).data[0], dtype=np.float32)
