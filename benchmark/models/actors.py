"""A model in a worker: loaded once, then asked, timed and weighed. Everything in and out is plain data."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.models.backends.answering import AnswerQueue
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.heads import ACTIVATIONS
from benchmark.models.inference import Checkpoint
from benchmark.models.repair import answers_by_activation
from benchmark.models.timing import BYTES_PER_MB, peak_process_mb, time_calls


class ModelActor:
    """Holds one loaded checkpoint. Start it with `Worker("benchmark.models.actors:ModelActor", …)`."""

    def __init__(self) -> None:
        self._checkpoint: Checkpoint | None = None
        self._queue: AnswerQueue | None = None

    def load(self, folder: str, options: dict[str, Any]) -> dict[str, Any]:
        """Load a checkpoint, in place of the one before.

        Args:
            folder: Where it lies.
            options: `LoadOptions.as_plain()`.

        Returns:
            `LoadReport.as_plain()`.
        """
        self._checkpoint = None
        if self._queue is not None:
            self._queue.close()
            self._queue = None
        self._checkpoint = load_checkpoint(Path(folder), **options)
        return self._checkpoint.report.as_plain()

    def predict(self, samples: NDArray[np.float32]) -> dict[str, Any]:
        """Ask about a clip of any length; it raises where this model can't process the clip.

        Args:
            samples: Mono samples at the model's rate.

        Returns:
            `logits` (float32, one per label), `windows` and `seconds`.
        """
        begin = time.perf_counter()
        answer = self._loaded.clip_logits(samples)
        return {"logits": answer.logits, "windows": answer.windows, "seconds": time.perf_counter() - begin}

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask about one window and give whatever the model says, NaN too; for probes."""
        return self._loaded.logits(samples)

    def answers_by_activation(self, samples: list[NDArray[np.float32]]) -> dict[str, list[NDArray[np.float32]]]:
        """Ask a model with a rebuilt head under every activation that its head may have had.

        Args:
            samples: Probes: mono samples at the model's rate, each of one window at most.

        Returns:
            For `tanh`, `relu` and `none` the logits of each probe.
        """
        answers = [answers_by_activation(self._loaded, probe) for probe in samples]
        return {activation: [answer[activation] for answer in answers] for activation in ACTIVATIONS}

    def time_calls(self, segments: list[NDArray[np.float32]], warmup: int, calls: int) -> list[float]:
        """Time single calls, from samples on the host to probabilities on the host.

        Args:
            segments: Mono samples at the model's rate; taken in turn, again from the first after the last.
            warmup: Calls that are not timed.
            calls: Calls that are.

        Returns:
            Milliseconds of each timed call.
        """
        return time_calls(
            self._loaded.probabilities, segments, warmup=warmup, calls=calls, synchronize=self._synchronize
        )

    def exchange(self, windows: list[NDArray[np.float32]], most_waiting: int, streams: int) -> list[dict[str, Any]]:
        """Take windows to answer side by side, and give back answers in their order (see `AnswerQueue.exchange`).

        Args:
            windows: What is asked now: mono samples at the model's rate, each of one window at most.
            most_waiting: How many may be on their way when this returns.
            streams: How many are computed at once, from the first call on.

        Returns:
            The oldest answers.
        """
        if self._queue is None:
            self._queue = AnswerQueue(self._loaded.window_logits, streams=streams)
        return self._queue.exchange(windows, most_waiting)

    def peak_memory_mb(self) -> float:
        """The most memory used so far: of this process, or on a GPU of torch's allocator there, in MB (10⁶ bytes)."""
        if self._on_gpu():
            return torch.cuda.max_memory_allocated() / BYTES_PER_MB
        return peak_process_mb()

    @property
    def _loaded(self) -> Checkpoint:
        if self._checkpoint is None:
            raise RuntimeError("nothing is loaded")
        return self._checkpoint

    def _on_gpu(self) -> bool:
        return self._checkpoint is not None and self._checkpoint.report.device == "cuda"

    def _synchronize(self) -> None:
        if self._on_gpu():
            torch.cuda.synchronize()
