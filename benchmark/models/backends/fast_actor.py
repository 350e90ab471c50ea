"""A converted model in a worker: no torch is imported for models that read samples."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.answering import AnswerQueue
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.fast_model import FastModel, open_fast_model
from benchmark.models.backends.protocol import BackendError, Engine, Streams
from benchmark.models.timing import peak_process_mb, time_calls


class FastActor:
    """Holds one converted model. Start it with `Worker("benchmark.models.backends.fast_actor:FastActor", …)`."""

    def __init__(self) -> None:
        self._model: FastModel | None = None
        self._queue: AnswerQueue | None = None

    def load(
        self,
        converted: str,
        digest: str,
        engine: dict[str, str],
        streams: dict[str, int],
        folder: str,
        preprocessor: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Compile a converted model.

        Args:
            converted: The converted model's folder.
            digest: Of the converted model that was held against the reference.
            engine: `Engine.as_plain()`.
            streams: `Streams.as_plain()`.
            folder: The checkpoint's folder.
            preprocessor: The registry's override of the feature extractor.

        Returns:
            `LoadReport.as_plain()`.

        Raises:
            BackendError: The converted model is not the one that it was, or this machine cannot compute it so.
        """
        model = ConvertedModel.open(Path(converted))
        if model is None or model.digest != digest:
            raise BackendError("the converted model is not the one that was held against the reference")
        if self._queue is not None:
            self._queue.close()
            self._queue = None
        self._model = open_fast_model(
            model, Engine(**engine), streams=Streams(**streams), folder=Path(folder), preprocessor=preprocessor
        )
        return self._model.report.as_plain()

    def predict(self, samples: NDArray[np.float32]) -> dict[str, Any]:
        """Ask about a clip of any length; as `ModelActor.predict`."""
        begin = time.perf_counter()
        answer = self._loaded.clip_logits(samples)
        return {"logits": answer.logits, "windows": answer.windows, "seconds": time.perf_counter() - begin}

    def exchange(self, windows: list[NDArray[np.float32]], most_waiting: int, streams: int) -> list[dict[str, Any]]:
        """Take windows to answer side by side, and give back answers in their order; as `ModelActor.exchange`."""
        if self._queue is None:
            self._queue = AnswerQueue(self._loaded.window_logits, streams=streams)
        return self._queue.exchange(windows, most_waiting)

    def time_calls(self, segments: list[NDArray[np.float32]], warmup: int, calls: int) -> list[float]:
        """Time single calls, from samples on the host to probabilities on the host; as `ModelActor.time_calls`."""
        return time_calls(self._loaded.probabilities, segments, warmup=warmup, calls=calls)

    def peak_memory_mb(self) -> float:
        """The most memory of this process so far, in MB (10⁶ bytes)."""
        return peak_process_mb()

    @property
    def _loaded(self) -> FastModel:
        if self._model is None:
            raise RuntimeError("nothing is loaded")
        return self._model
