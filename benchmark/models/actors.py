"""A model in a worker: loaded once, then asked, timed and weighed. Everything in and out is plain data."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.models.asked_actor import AskedActor
from benchmark.models.backends.answering import Computing, SideBySide
from benchmark.models.batches import Batches
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.heads import ACTIVATIONS
from benchmark.models.inference import Checkpoint
from benchmark.models.repair import answers_by_activation
from benchmark.models.timing import BYTES_PER_MB


class ModelActor(AskedActor[Checkpoint]):
    """Holds one loaded checkpoint. Start it with `Worker("benchmark.models.actors:ModelActor", …)`."""

    def load(self, folder: str, options: dict[str, Any], streams: int = 1, batch: int = 1) -> dict[str, Any]:
        """Load a checkpoint, in place of the one before.

        Args:
            folder: Where it lies.
            options: `LoadOptions.as_plain()`.
            streams: How many windows `exchange` computes side by side.
            batch: How many of them go through the model together instead, if it is more than one.

        Returns:
            `LoadReport.as_plain()`.

        Raises:
            BackendError: This model answers otherwise in a batch.
        """
        self._drop()
        checkpoint = load_checkpoint(Path(folder), **options)
        self._hold(checkpoint, computing(checkpoint, streams=streams, batch=batch))
        return checkpoint.report.as_plain()

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

    def peak_memory_mb(self) -> float:
        """The most memory used so far: of this process, or on a GPU of torch's allocator there, in MB (10⁶ bytes)."""
        return torch.cuda.max_memory_allocated() / BYTES_PER_MB if self._on_gpu() else super().peak_memory_mb()

    def _on_gpu(self) -> bool:
        return self._model is not None and self._model.report.device == "cuda"

    def _synchronize(self) -> None:
        if self._on_gpu():
            torch.cuda.synchronize()


def computing(checkpoint: Checkpoint, *, streams: int, batch: int) -> Computing:
    """Give what computes a checkpoint's windows in the background: side by side, or together.

    Raises:
        BackendError: This model answers otherwise in a batch.
    """
    return Batches(checkpoint, batch) if batch > 1 else SideBySide(checkpoint.window_logits, streams=streams)
