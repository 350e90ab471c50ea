"""A converted model that is loaded and can be asked; torch is not needed for it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.added import Open, added_backend, added_names
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.features import FeatureMaker
from benchmark.models.backends.onnx_backend import OnnxBackend
from benchmark.models.backends.openvino_backend import OpenVinoBackend
from benchmark.models.backends.protocol import ONNXRUNTIME, OPENVINO, Backend, BackendError, Engine, Streams
from benchmark.models.reports import LoadReport
from benchmark.models.speech_model import SpeechModel, require_samples


@dataclass(frozen=True, eq=False)
class FastModel(SpeechModel):
    """A converted model in its backend.

    Attributes:
        backend: What computes.
        features: Makes what goes in.
        shortest: Samples that the model needs at least.
        report: What loading the checkpoint found out, as far as it is true of the converted model.
    """

    backend: Backend
    features: FeatureMaker
    shortest: int
    report: LoadReport

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask about one window."""
        self.require_enough(samples.size)
        return self.backend.forward(self.features(samples))

    def require_enough(self, samples: int) -> None:
        """Refuse what is too short for the model."""
        require_samples(samples, self.shortest)


def open_fast_model(
    converted: ConvertedModel, engine: Engine, *, streams: Streams, folder: Path, preprocessor: Mapping[str, Any] | None
) -> FastModel:
    """Compile a converted model.

    Args:
        converted: The model.
        engine: What computes it, and in which format.
        streams: How the threads of this process are shared out.
        folder: The checkpoint's folder, for those whose own feature extractor is asked.
        preprocessor: The registry's override of that.

    Raises:
        BackendError: This machine cannot compute it so.
    """
    begin = time.perf_counter()
    backend = _opener(engine.backend)(converted.path, dtype=engine.dtype, streams=streams)
    features = FeatureMaker.of_checkpoint(converted.recipe, folder, preprocessor)
    report = replace(
        converted.report, dtype=engine.dtype, device="cpu", attention=None, seconds=time.perf_counter() - begin
    )
    return FastModel(backend, features, converted.recipe.shortest, report)


def _opener(backend: str) -> Open:
    own: dict[str, Open] = {OPENVINO: OpenVinoBackend, ONNXRUNTIME: OnnxBackend}
    if backend in own:
        return own[backend]
    if backend in added_names():
        return added_backend(backend).open
    raise BackendError(f"{backend} computes no converted models")
