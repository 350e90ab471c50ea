"""Inference in a worker: an actor that holds one model, whatever computes it; everything in and out is plain data.

torch is imported for checkpoints only: a converted model that reads samples runs without it.
"""

import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmark.models.backends.converted import ConvertedModel, FastModel
from benchmark.models.backends.protocol import BackendError, Engine, Streams
from benchmark.models.foreign import load_foreign
from benchmark.models.load_reports import LoadOptions
from benchmark.models.speech_model import SpeechModel, require_finite
from benchmark.workers.answers import Returned, describe, to_plain

if TYPE_CHECKING:
    from benchmark.models.inference import Checkpoint

Samples = NDArray[np.float32]
PlainAnswer = dict[str, Any]
"""What became of one window, as `workers.answers.to_plain` gives it; a returned value has `logits` and `seconds`."""

_BYTES_PER_MB = 1_000_000


class WindowQueue(ABC):
    """Computes windows in the background, and returns their answers in the order of the windows."""

    def __init__(self) -> None:
        self._pending: deque[Future[PlainAnswer]] = deque()

    @abstractmethod
    def submit(self, window: Samples) -> Future[PlainAnswer]:
        """Take a window."""

    @abstractmethod
    def close(self) -> None:
        """Finish what is being computed, and drop the rest."""

    def flush(self, answer: Future[PlainAnswer]) -> None:
        """Compute the window of this answer now, if it waits for others to share a batch with; most never wait."""
        return

    def exchange(self, windows: Sequence[Samples], most_pending: int) -> list[PlainAnswer]:
        """Take windows, and return the oldest answers.

        Args:
            windows: Mono samples at the model's rate.
            most_pending: Wait until no more than this many windows are pending; what else is done is returned, too.
        """
        self._pending.extend(map(self.submit, windows))
        answers = []
        while self._pending and (len(self._pending) > most_pending or self._pending[0].done()):
            oldest = self._pending.popleft()
            if not oldest.done():
                self.flush(oldest)
            answers.append(oldest.result())
        return answers


class StreamQueue(WindowQueue):
    """Computes windows in threads, one per stream, from which `predict` is called."""

    def __init__(self, predict: Callable[[Samples], dict[str, Any]], *, streams: int) -> None:
        super().__init__()
        self._predict = predict
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix="stream")

    def submit(self, window: Samples) -> Future[PlainAnswer]:
        """Take a window; the next free thread computes it."""
        return self._pool.submit(self._compute, window)

    def close(self) -> None:
        """Finish what is being computed, and drop the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _compute(self, window: Samples) -> PlainAnswer:
        try:
            return to_plain(Returned(self._predict(window)))
        except Exception as error:  # the edge of a worker: what a model raises is the answer to this window
            return to_plain(describe(error))


class ModelActor:
    """Holds one model at a time. Start it with `Worker("benchmark.models.actor:ModelActor", …)`."""

    def __init__(self) -> None:
        self._model: SpeechModel | None = None
        self._queue: WindowQueue | None = None

    def load(
        self,
        folder: str,
        options: dict[str, Any],
        engine: dict[str, Any] | None = None,
        streams: dict[str, int] | None = None,
        converted: dict[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """Load a model in place of the one before, and give the fields of its `LoadReport`.

        Args:
            folder: The checkpoint's folder.
            options: Fields of `LoadOptions`.
            engine: Fields of `Engine`; None for reference inference.
            streams: Fields of `Streams`; None for one window at a time.
            converted: `folder` and `digest` of the converted model, for backends other than torch; without a digest,
                any that is whole.

        Raises:
            BackendError: The model answers otherwise in a batch, the converted model is another one, or this machine
                does not compute in the number format.
        """
        if self._queue is not None:
            self._queue.close()
        if self._model is not None:
            self._model.close()
        self._model, self._queue = None, None  # the next model finds the memory of the one before
        chosen, shared = Engine(**(engine or {})), Streams(**(streams or {}))
        if options.get("command") is not None:
            self._model = load_foreign(options["command"], Path(folder))
        elif options.get("onnx") is not None:
            from benchmark.models.onnx_files import load_onnx  # noqa: PLC0415 - of an extra

            self._model = load_onnx(Path(folder), LoadOptions(**options), shared)
        elif options.get("prompts") is not None:
            from benchmark.models.zero_shot import load_zero_shot  # noqa: PLC0415 - imports torch

            self._model = load_zero_shot(Path(folder), LoadOptions(**options))
        elif converted is not None:
            self._model = _open_converted(folder, options["preprocessor"], chosen, shared, converted)
        else:
            from benchmark.models.checkpoint import load_checkpoint  # noqa: PLC0415 - imports torch

            self._model = load_checkpoint(Path(folder), LoadOptions(**options))
        if chosen.batch > 1 and converted is None:
            from benchmark.models.batches import BatchQueue  # noqa: PLC0415 - imports torch

            self._queue = BatchQueue(self._checkpoint, chosen.batch)
        else:
            self._queue = StreamQueue(self.predict, streams=shared.count)
        return asdict(self._model.report)

    def exchange(self, windows: list[Samples], most_pending: int) -> list[PlainAnswer]:
        """Take windows, and return the oldest answers in their order (see `WindowQueue.exchange`)."""
        if self._queue is None:
            raise RuntimeError("nothing is loaded")
        return self._queue.exchange(windows, most_pending)

    def predict(self, samples: Samples) -> dict[str, Any]:
        """Compute one window: `logits` (float32, one per label) and `seconds`; refuse NaN and infinity."""
        begin = time.perf_counter()
        logits = require_finite(self._loaded.logits(samples))
        return {"logits": logits, "seconds": time.perf_counter() - begin}

    def logits(self, samples: Samples) -> NDArray[np.float32]:
        """Compute one window and return whatever the model gives, NaN too; for probes."""
        return self._loaded.logits(samples)

    def answers_by_activation(self, samples: list[Samples]) -> dict[str, list[NDArray[np.float32]]]:
        """Compute probes with a rebuilt head under every activation that it may have had: activation → logits."""
        from benchmark.models.heads import ACTIVATIONS  # noqa: PLC0415 - imports torch
        from benchmark.models.repair import answers_by_activation  # noqa: PLC0415 - imports torch

        answers = [answers_by_activation(self._checkpoint, probe) for probe in samples]
        return {activation: [answer[activation] for answer in answers] for activation in ACTIVATIONS}

    def convert(self, backend: str, folder: str) -> dict[str, Any]:
        """Convert the loaded checkpoint, unless that has been done: `digest`, and the `seconds` that it took."""
        from benchmark.models.backends.conversion import convert  # noqa: PLC0415 - imports torch

        converted = convert(self._checkpoint, backend, Path(folder))
        return {"digest": converted.digest, "seconds": converted.seconds}

    def time_calls(self, segments: list[Samples], warmup: int, calls: int) -> list[float]:
        """Time single calls, from samples on the host to probabilities on the host (see `time_calls`)."""
        call = self._loaded.probabilities
        return time_calls(call, segments, warmup=warmup, calls=calls, synchronize=self._synchronize)

    def peak_memory_mb(self) -> float:
        """The most memory used so far: of this process, or on a GPU of torch's allocator there, in MB (10⁶ bytes)."""
        if self._model is not None and (elsewhere := self._model.peak_memory_elsewhere_mb()) is not None:
            return elsewhere
        if self._on_gpu():
            return float(sys.modules["torch"].cuda.max_memory_allocated() / _BYTES_PER_MB)
        return peak_memory_mb()

    def computes_in(self, dtype: str) -> bool:
        """Whether OpenVINO really computes in a number format on this processor."""
        from benchmark.models.backends.openvino_backend import computes_in  # noqa: PLC0415 - for OpenVINO only

        return computes_in(dtype)

    def has_cuda(self) -> bool:
        """Whether torch sees a CUDA device."""
        import torch  # noqa: PLC0415 - takes seconds

        return torch.cuda.is_available()

    @property
    def _loaded(self) -> SpeechModel:
        if self._model is None:
            raise RuntimeError("nothing is loaded")
        return self._model

    @property
    def _checkpoint(self) -> "Checkpoint":
        return cast("Checkpoint", self._loaded)

    def _on_gpu(self) -> bool:
        return self._model is not None and self._model.report.device == "cuda"

    def _synchronize(self) -> None:
        if self._on_gpu():
            sys.modules["torch"].cuda.synchronize()


def _open_converted(
    folder: str,
    preprocessor: dict[str, Any] | None,
    engine: Engine,
    streams: Streams,
    converted: dict[str, str | None],
) -> FastModel:
    model = ConvertedModel.open(Path(converted["folder"] or ""))
    digest = converted["digest"]
    if digest is not None and (model is None or model.digest != digest):
        raise BackendError("the converted model is not the one that was held against the reference")
    if model is None:
        raise OSError("the converted model is not whole")
    return model.load(engine, streams=streams, folder=Path(folder), preprocessor=preprocessor)


def peak_memory_mb() -> float:
    """The most memory that this process has used so far, in MB (10⁶ bytes)."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset) / _BYTES_PER_MB
    import resource  # noqa: PLC0415 - there is none on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / _BYTES_PER_MB


def time_calls(
    call: Callable[[Samples], Any],
    segments: Sequence[Samples],
    *,
    warmup: int,
    calls: int,
    synchronize: Callable[[], None] = lambda: None,
) -> list[float]:
    """Time single calls, one at a time, in milliseconds.

    Args:
        call: The function.
        segments: Its arguments; taken in turn, again from the first after the last.
        warmup: Calls before them that are not timed.
        calls: Calls that are timed.
        synchronize: Waits for a device that computes asynchronously.
    """
    for index in range(warmup):
        call(segments[index % len(segments)])
    milliseconds = []
    for index in range(calls):
        segment = segments[index % len(segments)]
        synchronize()
        begin = time.perf_counter()
        call(segment)
        synchronize()
        milliseconds.append((time.perf_counter() - begin) * 1000)
    return milliseconds
