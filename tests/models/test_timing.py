"""What a GPU needs of the clock, held without one."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmark.models.actors import ModelActor
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.timing import time_calls
from tests.support.tiny_models import write_tiny

SEGMENT = np.zeros(16_000, dtype=np.float32)


class BehindOurBack:
    """Computes after the call has returned, as a GPU does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._computing = threading.Thread()

    def call(self, samples: NDArray[np.float32]) -> None:
        self._computing = threading.Thread(target=time.sleep, args=(self._seconds,))
        self._computing.start()

    def synchronize(self) -> None:
        if self._computing.ident is not None:
            self._computing.join()


def test_a_call_that_goes_on_behind_our_back_is_timed_to_its_end() -> None:
    device = BehindOurBack(0.05)
    waited = time_calls(device.call, [SEGMENT], warmup=1, calls=3, synchronize=device.synchronize)
    assert min(waited) >= 45
    assert max(time_calls(device.call, [SEGMENT], warmup=0, calls=3)) < 45


def test_what_the_call_before_left_undone_is_not_timed_with_the_next() -> None:
    device = BehindOurBack(0.1)
    device.call(SEGMENT)
    assert max(time_calls(lambda samples: None, [SEGMENT], warmup=0, calls=1, synchronize=device.synchronize)) < 50


@pytest.fixture
def allowed_tf32() -> Iterator[None]:
    """Allow the 10-bit mantissa of TF32 for a test."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.usefixtures("allowed_tf32")
def test_the_reference_multiplies_in_whole_float32_whatever_was_set_before(tmp_path: Path) -> None:
    write_tiny("wav2vec2", tmp_path / "tiny")
    load_checkpoint(tmp_path / "tiny")
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


def test_a_model_on_a_gpu_is_waited_for_and_weighed_by_its_allocator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[bool] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append(True))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 123_000_000)
    write_tiny("wav2vec2", tmp_path / "tiny")
    actor = ModelActor()
    actor.load(str(tmp_path / "tiny"), {})
    actor.time_calls([SEGMENT], 1, 2)
    assert waits == []
    assert actor.peak_memory_mb() != 123.0
    monkeypatch.setattr(ModelActor, "_on_gpu", lambda self: True)
    actor.time_calls([SEGMENT], 1, 2)
    assert len(waits) == 4  # before and after each timed call
    assert actor.peak_memory_mb() == 123.0
