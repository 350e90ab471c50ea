"""What every worker with a model does when it is asked, whatever computes; nothing heavy here."""

import time
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmark.models.backends.answering import AnswerQueue, Computing
from benchmark.models.speech_model import SpeechModel
from benchmark.models.timing import peak_process_mb, time_calls

Model = TypeVar("Model", bound=SpeechModel)


class AskedActor(Generic[Model]):
    """Holds one model at a time. How it comes there is for its subclasses; everything in and out is plain data."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._queue: AnswerQueue | None = None

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

    def exchange(self, windows: list[NDArray[np.float32]], most_waiting: int) -> list[dict[str, Any]]:
        """Take windows to answer, and give back answers in their order (see `AnswerQueue.exchange`).

        Args:
            windows: What is asked now: mono samples at the model's rate, each of one window at most.
            most_waiting: How many may be on their way when this returns.

        Returns:
            The oldest answers.
        """
        if self._queue is None:
            raise RuntimeError("nothing is loaded")
        return self._queue.exchange(windows, most_waiting)

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

    def peak_memory_mb(self) -> float:
        """The most memory of this process so far, in MB (10⁶ bytes)."""
        return peak_process_mb()

    def _synchronize(self) -> None:
        """Wait for a device that computes behind the program's back."""

    def _drop(self) -> None:
        """Let go of the model, so that the next one finds its memory."""
        if self._queue is not None:
            self._queue.close()
        self._model, self._queue = None, None

    def _hold(self, model: Model, computing: Computing) -> None:
        """Take a model, and what computes its windows in the background."""
        self._model, self._queue = model, AnswerQueue(computing)

    @property
    def _loaded(self) -> Model:
        if self._model is None:
            raise RuntimeError("nothing is loaded")
        return self._model
