"""Models in workers: the same answers as here, and everything as plain data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.workers.answers import Raised, Returned
from benchmark.workers.worker import Worker
from tests.support.foreign_heads import Foreign, write_foreign
from tests.support.tiny_models import MODEL_TYPES

RATE = 16_000


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    log = tmp_path_factory.mktemp("logs") / "model.log"
    with Worker("benchmark.models.actors:ModelActor", log=log) as made:
        yield made


def returned(worker: Worker, method: str, *arguments: object) -> Any:
    answer = worker.call(method, *arguments, timeout_s=120)
    assert isinstance(answer, Returned), answer
    return answer.value


def load(worker: Worker, folder: Path, options: LoadOptions | None = None) -> LoadReport:
    return LoadReport.from_plain(returned(worker, "load", str(folder), (options or LoadOptions()).as_plain()))


def test_nothing_can_be_asked_before_a_load(tmp_path: Path) -> None:
    with Worker("benchmark.models.actors:ModelActor", log=tmp_path / "log") as worker:
        answer = worker.call("predict", np.ones(RATE, np.float32), timeout_s=120)
    assert isinstance(answer, Raised)
    assert answer.message == "nothing is loaded"


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_worker_gives_the_answers_and_the_report_that_this_process_gives(
    worker: Worker, tiny: dict[str, Path], noise: NDArray[np.float32], model_type: str
) -> None:
    here = load_checkpoint(tiny[model_type])
    report = load(worker, tiny[model_type])
    assert {**report.as_plain(), "seconds": 0} == {**here.report.as_plain(), "seconds": 0}
    answer = returned(worker, "predict", noise[: 2 * RATE])
    expected = here.clip_logits(noise[: 2 * RATE])
    np.testing.assert_allclose(answer["logits"], expected.logits, rtol=0, atol=1e-6)
    assert answer["logits"].dtype == np.float32
    assert answer["windows"] == expected.windows
    assert answer["seconds"] > 0


def test_a_clip_that_the_model_cannot_process_costs_that_clip_only(
    worker: Worker, tiny: dict[str, Path], noise: NDArray[np.float32]
) -> None:
    load(worker, tiny["hubert"])
    answer = worker.call("predict", noise[:100], timeout_s=60)
    assert isinstance(answer, Raised)
    assert answer.reason == "TooShortError: the clip has 100 samples, and this model needs at least 400"
    assert returned(worker, "predict", noise[:RATE])["windows"] == 1


def test_options_reach_the_load(worker: Worker, tiny: dict[str, Path]) -> None:
    report = load(worker, tiny["wav2vec2"], LoadOptions(preprocessor={"sampling_rate": 8000}, dtype="bfloat16"))
    assert (report.sampling_rate, report.dtype) == (8000, "bfloat16")


def test_calls_are_timed_one_by_one(worker: Worker, tiny: dict[str, Path], noise: NDArray[np.float32]) -> None:
    load(worker, tiny["wav2vec2"])
    segments = [noise[:RATE], noise[RATE : 3 * RATE]]
    milliseconds = returned(worker, "time_calls", segments, 2, 7)
    assert len(milliseconds) == 7
    assert all(0 < value < 60_000 for value in milliseconds)
    assert returned(worker, "logits", segments[0]).shape == (5,)


def test_the_peak_of_memory_is_that_of_the_worker(worker: Worker, tiny: dict[str, Path]) -> None:
    load(worker, tiny["wav2vec2"])
    assert 100 < returned(worker, "peak_memory_mb") < 10_000


def test_a_folder_that_is_no_checkpoint_is_an_answer(worker: Worker, tmp_path: Path) -> None:
    answer = worker.call("load", str(tmp_path), LoadOptions().as_plain(), timeout_s=60)
    assert isinstance(answer, Raised)
    assert answer.message


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
