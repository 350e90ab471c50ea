"""Several windows through torch at once, each answered as if it came alone; pays where one leaves a device idle.

A window is padded to a length that follows from its own, and a batch of that length always has the same number of
rows, filled up with copies: an answer depends on nothing but its window, whatever else is in the batch.
"""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.models.actor import PlainAnswer, WindowQueue
from benchmark.models.backends.protocol import BackendError
from benchmark.models.inference import Checkpoint
from benchmark.models.load_reports import STANDARD_HEAD, NotFiniteError
from benchmark.models.model_types import ATTENTION_MASK
from benchmark.models.speech_model import require_finite
from benchmark.workers.answers import Returned, describe, to_plain

_TIME = 1
# Seconds of audio up to which a batch has all its rows; of longer windows it has fewer, so that memory is bounded.
_ALL_ROWS_UP_TO_S = 10
# Their attention, their positions and their pooling read nothing of the padding. In the others convolutions between or
# behind the layers do: SEW, data2vec-audio and wav2vec2-conformer answer otherwise, by up to 2e-4 of a logit.
_EXACT_WHEN_PADDED = frozenset({"hubert", "unispeech", "unispeech-sat", "wav2vec2", "wav2vec2-bert", "wavlm"})

Features = dict[str, torch.Tensor]


class BatchQueue(WindowQueue):
    """Computes windows in batches of so many rows, in a thread of its own, while the next ones are prepared.

    Raises:
        BackendError: This model answers otherwise in a batch.
    """

    def __init__(self, checkpoint: Checkpoint, rows: int) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._rows = rows
        second = checkpoint.features(np.zeros(checkpoint.report.sampling_rate or 1, np.float32))
        _require_exact(checkpoint, second)
        self._padded = not checkpoint.report.fixed_window
        self._all_rows_up_to = _ALL_ROWS_UP_TO_S * next(iter(second.values())).shape[_TIME]
        self._open: dict[tuple[torch.Size, ...], list[_Row]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")

    def submit(self, window: NDArray[np.float32]) -> Future[PlainAnswer]:
        """Take a window; it is computed once its batch is full, or by `flush`."""
        answer: Future[PlainAnswer] = Future()
        try:
            features = self._checkpoint.features(window)
        except Exception as error:  # the edge of a worker: it is the answer to this window
            answer.set_result(to_plain(describe(error)))
            return answer
        if self._padded:
            features = {name: _pad(tensor) for name, tensor in features.items()}
        shape = tuple(tensor.shape for tensor in features.values())
        batch = self._open.setdefault(shape, [])
        batch.append(_Row(features, answer))
        if len(batch) == self._rows_of(features):
            self._begin(shape)
        return answer

    def flush(self, answer: Future[PlainAnswer]) -> None:
        """Compute the batch that holds this answer's window, though it is not full."""
        for shape, batch in self._open.items():
            if any(row.answer is answer for row in batch):
                self._begin(shape)
                return

    def close(self) -> None:
        """Finish what is being computed, and drop the rest."""
        self._open.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, shape: tuple[torch.Size, ...]) -> None:
        self._pool.submit(self._compute, self._open.pop(shape))

    def _compute(self, batch: "Sequence[_Row]") -> None:
        begin = time.perf_counter()
        rows = self._rows_of(batch[0].features)
        try:
            filled = [row.features for row in batch] + [batch[-1].features] * (rows - len(batch))
            together = {name: torch.cat([features[name] for features in filled]) for name in filled[0]}
            logits = self._checkpoint.forward(together)
        except Exception as error:  # the edge of a worker: it is the answer to every window of the batch
            for row in batch:
                row.answer.set_result(to_plain(describe(error)))
            return
        seconds = (time.perf_counter() - begin) / rows  # a window's share of a full batch
        for row, values in zip(batch, logits, strict=False):  # the copies that fill the batch are dropped
            try:
                answer = to_plain(Returned({"logits": require_finite(values), "seconds": seconds}))
            except NotFiniteError as error:
                answer = to_plain(describe(error))
            row.answer.set_result(answer)

    def _rows_of(self, features: Features) -> int:
        if not self._padded:
            return self._rows
        length = next(iter(features.values())).shape[_TIME]
        return max(1, min(self._rows, self._rows * self._all_rows_up_to // length))


@dataclass(frozen=True, eq=False)
class _Row:
    """A window in a batch, and its future answer."""

    features: Features
    answer: Future[PlainAnswer]


def _require_exact(checkpoint: Checkpoint, features: Features) -> None:
    report = checkpoint.report
    if report.head != STANDARD_HEAD:
        raise BackendError("its rebuilt head pools over what shorter clips of a batch are padded with")
    if report.fixed_window:
        return
    by_group = getattr(checkpoint.model.config, "feat_extract_norm", None) == "group"
    if report.model_type not in _EXACT_WHEN_PADDED or by_group or ATTENTION_MASK not in features:
        raise BackendError("it hears what shorter clips of a batch are padded with")


def padded_length(length: int) -> int:
    """The length to which a window is padded: four an octave, so that few lengths are left and a tenth is padding.

    Examples:
        >>> [padded_length(length) for length in (1, 5, 16_000, 16_384, 16_385, 48_000)]
        [1, 5, 16384, 16384, 20480, 49152]
    """
    step = 1 << max(0, length.bit_length() - 3)
    return -(-length // step) * step


def _pad(tensor: torch.Tensor) -> torch.Tensor:
    length = tensor.shape[_TIME]
    behind = (0, 0) * (tensor.dim() - 1 - _TIME)
    return torch.nn.functional.pad(tensor, (*behind, 0, padded_length(length) - length))
