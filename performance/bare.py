"""The forward passes alone, on features that are ready: what is left when nothing else costs anything."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import log_softmax

from performance.engines import Engine, Probabilities, read_samples


class BareTorch(Engine):
    """The reference's model in torch."""

    def __init__(self, folder: Path) -> None:
        from benchmark.models.checkpoint import load_checkpoint  # noqa: PLC0415

        self._checkpoint = load_checkpoint(folder)
        self._features: dict[Path, dict[str, Any]] = {}

    def prepared(self, clips: Sequence[Path]) -> None:
        """Decode and make features."""
        rate = self._checkpoint.report.sampling_rate or 1
        self._features = {clip: self._checkpoint.features(read_samples(clip, rate)) for clip in clips}

    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Run the model."""
        import torch  # noqa: PLC0415

        with torch.inference_mode():
            logits = [self._checkpoint.model(**self._features[clip]).logits[0] for clip in clips]
        return [torch.softmax(row.double(), dim=-1).numpy() for row in logits]


class BareOpenVino(Engine):
    """What bench has converted, in OpenVINO's own queue, a stream per core.

    Args:
        folder: The checkpoint, beside whose `cache` the converted model is.
        precision: `f32` or `bf16`.
    """

    def __init__(self, folder: Path, *, precision: str) -> None:
        import openvino  # noqa: PLC0415

        from benchmark.models.backends.converted import ConvertedModel  # noqa: PLC0415
        from benchmark.results.environment import available_cores  # noqa: PLC0415

        (path, *_) = sorted((folder.parent / "cache").rglob("model.xml"))
        converted = ConvertedModel.open(path.parent)
        if converted is None:
            raise RuntimeError(f"{path.parent} is not whole")
        self._recipe = converted.recipe
        self._extractor = converted.recipe.load_extractor(folder, None)
        streams = available_cores()
        settings = {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": streams}
        model = openvino.Core().compile_model(str(path), "CPU", settings)
        self._queue = openvino.AsyncInferQueue(model, streams)
        self._queue.set_callback(self._keep)
        self._features: dict[Path, dict[str, Any]] = {}
        self._logits: dict[Path, Any] = {}

    def prepared(self, clips: Sequence[Path]) -> None:
        """Decode and make features."""
        rate = self._recipe.sampling_rate
        self._features = {clip: self._recipe.features(read_samples(clip, rate), self._extractor) for clip in clips}

    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Run the model."""
        for clip in clips:
            self._queue.start_async(self._features[clip], clip, share_inputs=True)
        self._queue.wait_all()
        return [np.exp(log_softmax(self._logits[clip].astype(np.float64))) for clip in clips]

    def _keep(self, request: Any, clip: Path) -> None:
        self._logits[clip] = np.array(request.get_output_tensor(0).data[0])
