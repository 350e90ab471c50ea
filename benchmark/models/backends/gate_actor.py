"""The worker in which a model is converted and held against the reference; it ends when that is done."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.actors import ModelActor, computing
from benchmark.models.backends.answering import AnswerQueue, SideBySide
from benchmark.models.backends.conversion import convert
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.fast_model import open_fast_model
from benchmark.models.backends.openvino_backend import computes_in
from benchmark.models.backends.protocol import TORCH, Engine, Streams
from benchmark.models.checkpoint import load_checkpoint


class GateActor(ModelActor):
    """Converts, and asks both models. Start it with `Worker("benchmark.models.backends.gate_actor:GateActor", …)`.

    `load` loads the reference, as in every `ModelActor`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._candidate: AnswerQueue | None = None

    def computes_in(self, dtype: str) -> bool:
        """Whether OpenVINO really computes in a number format on this processor."""
        return computes_in(dtype)

    def convert(self, backend: str, folder: str) -> dict[str, Any]:
        """Convert the loaded reference, unless that has been done.

        Args:
            backend: `openvino` or `onnxruntime`.
            folder: Where the converted model lies, or will.

        Returns:
            `digest` of the converted model, and the `seconds` that its conversion took.
        """
        reference = self._loaded
        converted = ConvertedModel.open(Path(folder)) or ConvertedModel.write(
            Path(folder), lambda new: convert(reference, backend, new)
        )
        return {"digest": converted.digest, "seconds": converted.seconds}

    def open(
        self,
        engine: dict[str, Any],
        streams: dict[str, int],
        converted: str | None,
        folder: str,
        options: dict[str, Any],
    ) -> None:
        """Load what is to be held against the reference.

        Args:
            engine: `Engine.as_plain()`.
            streams: `Streams.as_plain()`.
            converted: The converted model's folder; None for torch in another number format.
            folder: The checkpoint's folder.
            options: `LoadOptions.as_plain()` of the reference.

        Raises:
            BackendError: This machine cannot compute it so, or the model answers otherwise in a batch.
        """
        wanted, shared = Engine(**engine), Streams(**streams)
        if self._candidate is not None:
            self._candidate.close()
            self._candidate = None
        if wanted.backend == TORCH or converted is None:
            other = load_checkpoint(Path(folder), **{**options, "dtype": wanted.dtype})
            self._candidate = AnswerQueue(computing(other, streams=shared.count, batch=wanted.batch))
            return
        model = ConvertedModel.open(Path(converted))
        if model is None:
            raise OSError("the converted model is not whole")
        opened = open_fast_model(
            model, wanted, streams=shared, folder=Path(folder), preprocessor=options["preprocessor"]
        )
        self._candidate = AnswerQueue(SideBySide(opened.window_logits, streams=shared.count))

    def candidate_exchange(self, windows: list[NDArray[np.float32]], most_waiting: int) -> list[dict[str, Any]]:
        """Ask what is held against the reference; `exchange`, which takes the same, asks the reference itself."""
        if self._candidate is None:
            raise RuntimeError("nothing is open")
        return self._candidate.exchange(windows, most_waiting)
