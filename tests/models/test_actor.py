"""A model in a worker: the same answers as here, in their order, and no torch where none is needed."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmark.models.actor import ModelActor, StreamQueue, time_calls
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.protocol import BackendError
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.load_reports import LoadOptions, LoadReport
from benchmark.workers.answers import Raised, Returned
from benchmark.workers.worker import Worker
from tests.support.foreign_heads import Foreign, write_foreign

RATE = 16_000
SEGMENT = np.zeros(16_000, dtype=np.float32)
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import numpy as np
from benchmark.models.actor import ModelActor
actor = ModelActor()
converted = {"folder": sys.argv[1], "digest": sys.argv[2]}
actor.load("nowhere", {"preprocessor": None}, {"backend": "openvino"}, {"count": 2}, converted)
answer, = actor.exchange([np.ones(16000, np.float32)], 0)
assert len(answer["returned"]["logits"]) == 5
assert "transformers" not in sys.modules
assert sys.modules["openvino_telemetry"] is None
"""


@pytest.fixture(scope="module")
def hubert(converted: Callable[[str, str], ConvertedModel]) -> ConvertedModel:
    return converted("hubert", "openvino")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker("benchmark.models.actor:ModelActor", log=tmp_path_factory.mktemp("logs") / "model.log") as worker:
        yield worker


def returned(worker: Worker, method: str, *arguments: object) -> Any:
    answer = worker.call(method, *arguments, timeout_s=120)
    assert isinstance(answer, Returned), answer
    return answer.value


def load(worker: Worker, folder: Path, options: LoadOptions | None = None) -> LoadReport:
    return LoadReport.from_plain(returned(worker, "load", str(folder), asdict(options or LoadOptions())))


def test_nothing_can_be_computed_before_a_load() -> None:
    for compute in (lambda: ModelActor().predict(SEGMENT), lambda: ModelActor().exchange([SEGMENT], 0)):
        with pytest.raises(RuntimeError, match="nothing is loaded"):
            compute()


@pytest.mark.parametrize("model_type", ["wav2vec2", "wav2vec2-bert", "whisper"])
def test_a_worker_gives_the_answers_and_the_report_that_this_process_gives(
    worker: Worker, tiny: dict[str, Path], noise: NDArray[np.float32], model_type: str
) -> None:
    here = load_checkpoint(tiny[model_type])
    report = load(worker, tiny[model_type])
    assert replace(report, seconds=0) == replace(here.report, seconds=0)
    answer = returned(worker, "predict", noise[:RATE])
    np.testing.assert_allclose(answer["logits"], here.logits(noise[:RATE]), rtol=0, atol=1e-6)
    assert answer["logits"].dtype == np.float32
    assert answer["seconds"] > 0


def test_a_clip_or_folder_that_cannot_be_used_is_an_answer_and_the_worker_goes_on(
    worker: Worker, tiny: dict[str, Path], tmp_path: Path
) -> None:
    no_checkpoint = worker.call("load", str(tmp_path), asdict(LoadOptions()), timeout_s=60)
    assert isinstance(no_checkpoint, Raised)
    assert no_checkpoint.message
    load(worker, tiny["hubert"])
    too_short = worker.call("predict", SEGMENT[:100], timeout_s=60)
    assert isinstance(too_short, Raised)
    assert too_short.reason == "TooShortError: the clip has 100 samples, and this model needs at least 400"
    assert returned(worker, "predict", SEGMENT)["logits"].shape == (5,)


def test_options_reach_the_load_and_calls_are_timed_one_by_one(
    worker: Worker, tiny: dict[str, Path], noise: NDArray[np.float32]
) -> None:
    report = load(worker, tiny["wav2vec2"], LoadOptions(preprocessor={"sampling_rate": 8000}, dtype="bfloat16"))
    assert (report.sampling_rate, report.dtype) == (8000, "bfloat16")
    milliseconds = returned(worker, "time_calls", [noise[:RATE], noise[RATE : 3 * RATE]], 2, 7)
    assert len(milliseconds) == 7
    assert all(0 < value < 60_000 for value in milliseconds)
    assert returned(worker, "logits", noise[:RATE]).shape == (5,)
    assert 100 < returned(worker, "peak_memory_mb") < 10_000


def test_a_rebuilt_head_answers_probes_under_every_activation(
    worker: Worker, tmp_path: Path, noise: NDArray[np.float32]
) -> None:
    write_foreign(tmp_path / "model", Foreign(pooling="max"))
    report = load(worker, tmp_path / "model", LoadOptions(head={"kind": "dense-out"}))
    assert (report.head, report.head_parameters) == ("dense-out", {"pooling": "max", "activation": "tanh"})
    probes = [noise[:RATE], noise[RATE : 3 * RATE]]
    answers = returned(worker, "answers_by_activation", probes)
    assert list(answers) == ["tanh", "relu", "none"]
    for probe, answer in zip(probes, answers["tanh"], strict=True):
        np.testing.assert_allclose(answer, returned(worker, "logits", probe), rtol=0, atol=1e-6)
    assert np.abs(answers["tanh"][0] - answers["none"][0]).max() > 1e-3


def test_a_model_that_reads_samples_runs_where_there_is_no_torch(hubert: ConvertedModel, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, str(hubert.folder), hubert.digest]
    subprocess.run(command, check=True, env={"HOME": str(tmp_path), "PATH": ""})
    assert list(tmp_path.iterdir()) == []  # no client id, no consent file


def test_a_converted_model_answers_windows_in_their_order(
    worker: Worker, hubert: ConvertedModel, tiny: dict[str, Path], noise: NDArray[np.float32]
) -> None:
    reference = load_checkpoint(tiny["hubert"])
    windows = [noise[:size] for size in (720, 1040, 16_001, 37_777, 100)]
    model = {"folder": str(hubert.folder), "digest": hubert.digest}
    options, engine = asdict(LoadOptions()), {"backend": "openvino"}
    loaded = returned(worker, "load", str(tiny["hubert"]), options, engine, {"count": 2}, model)
    *answers, too_short = returned(worker, "exchange", windows, 0)
    assert LoadReport.from_plain(loaded).sampling_rate == RATE
    for answer, window in zip(answers, windows[:-1], strict=True):
        np.testing.assert_allclose(answer["returned"]["logits"], reference.logits(window), rtol=0, atol=3e-6)
    assert too_short["raised"][0] == "TooShortError"
    assert len(returned(worker, "time_calls", windows[:2], 1, 3)) == 3
    assert returned(worker, "peak_memory_mb") > 20


def test_a_converted_model_that_is_not_the_one_that_was_compared_is_refused(
    hubert: ConvertedModel, tmp_path: Path
) -> None:
    for folder in (tmp_path, hubert.folder):
        model: dict[str, str | None] = {"folder": str(folder), "digest": "0" * 16}
        with pytest.raises(BackendError, match="not the one that was held against the reference"):
            ModelActor().load("", asdict(LoadOptions()), {"backend": "openvino"}, converted=model)


def exchanged(
    predict: Callable[[float], float], streams: int, windows: tuple[float, ...], most_pending: int = 0
) -> tuple[StreamQueue, list[dict[str, Any]]]:
    """The answers of a queue whose windows and logits are single numbers."""
    queue = StreamQueue(lambda window: {"logits": predict(float(window[0]))}, streams=streams)
    return queue, queue.exchange([np.array([window], np.float32) for window in windows], most_pending)


def test_answers_come_in_the_order_of_the_windows_whichever_is_done_first() -> None:
    second_is_done = threading.Event()

    def predict(window: float) -> float:
        if window == 1:
            assert second_is_done.wait(10)
        else:
            second_is_done.set()
        return window * 10

    queue, answers = exchanged(predict, 2, (1, 2, 3))
    assert [answer["returned"]["logits"] for answer in answers] == [10, 20, 30]
    queue.close()


def test_it_waits_only_until_few_enough_are_pending() -> None:
    go_on = threading.Event()

    def predict(window: float) -> float:
        assert window < 2 or go_on.wait(10)
        return window

    queue, answers = exchanged(predict, 1, (1, 2, 3), most_pending=2)
    assert len(answers) == 1
    go_on.set()
    assert len(queue.exchange([], 0)) == 2
    queue.close()


def test_what_a_model_raises_costs_that_window_only() -> None:
    def predict(window: float) -> float:
        if window == 1:
            raise ValueError("too quiet")
        if window == 2:
            raise MemoryError("Unable to allocate 2.00 GiB for an array")
        return window

    queue, (raised, memory, fine) = exchanged(predict, 2, (1, 2, 3))
    assert raised == {"raised": ["ValueError", "too quiet", "ValueError: too quiet"]}
    assert memory["out_of_memory"][0] == 2 * 2**30
    assert fine == {"returned": {"logits": 3}}
    queue.close()


class AsynchronousDevice:
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


def test_a_call_that_goes_on_after_it_has_returned_is_timed_to_its_end_and_not_with_the_next() -> None:
    device = AsynchronousDevice(0.05)
    waited = time_calls(device.call, [SEGMENT], warmup=1, calls=3, synchronize=device.synchronize)
    assert min(waited) >= 45
    assert max(time_calls(device.call, [SEGMENT], warmup=0, calls=3)) < 45
    device.call(SEGMENT)
    assert max(time_calls(lambda samples: None, [SEGMENT], warmup=0, calls=1, synchronize=device.synchronize)) < 45


def test_a_model_on_a_gpu_is_waited_for_and_its_memory_is_that_of_torchs_allocator(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[bool] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append(True))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 123_000_000)
    actor = ModelActor()
    actor.load(str(tiny["wav2vec2"]), {})
    actor.time_calls([SEGMENT], 1, 2)
    assert waits == []
    assert actor.peak_memory_mb() != 123.0
    monkeypatch.setattr(ModelActor, "_on_gpu", lambda self: True)
    actor.time_calls([SEGMENT], 1, 2)
    assert len(waits) == 4  # before and after each timed call
    assert actor.peak_memory_mb() == 123.0
