"""The worker in which a model is converted and held against the reference; it ends when that is done."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.actors import ModelActor
from benchmark.models.asking import Askable
from benchmark.models.backends.answering import AnswerQueue
from benchmark.models.backends.conversion import convert
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.fast_model import open_fast_model
from benchmark.models.backends.openvino_library import computes_in
from benchmark.models.backends.protocol import TORCH, Engine, Streams
from benchmark.models.checkpoint import load_checkpoint


class GateActor(ModelActor):
    """Converts, and asks both models. Start it with `Worker("benchmark.models.backends.gate_actor:GateActor", …)`.

    `load` loads the reference, as in every `ModelActor`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._candidate: Askable | None = None
        self._candidate_queue: AnswerQueue | None = None

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
        engine: dict[str, str],
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
        """
        wanted = Engine(**engine)
        if self._candidate_queue is not None:
            self._candidate_queue.close()
        self._candidate, self._candidate_queue = None, None
        if wanted.backend == TORCH or converted is None:
            self._candidate = load_checkpoint(Path(folder), **{**options, "dtype": wanted.dtype})
            return
        model = ConvertedModel.open(Path(converted))
        if model is None:
            raise OSError("the converted model is not whole")
        self._candidate = open_fast_model(
            model,
            wanted,
            streams=Streams(**streams),
            folder=Path(folder),
            preprocessor=options["preprocessor"],
        )

    def candidate_exchange(
        self, windows: list[NDArray[np.float32]], most_waiting: int, streams: int
    ) -> list[dict[str, Any]]:
        """Ask what is held against the reference; `exchange`, which takes the same, asks the reference itself."""
        if self._candidate is None:
            raise RuntimeError("nothing is open")
        if self._candidate_queue is None:
            self._candidate_queue = AnswerQueue(self._candidate.window_logits, streams=streams)
        return self._candidate_queue.exchange(windows, most_waiting)
