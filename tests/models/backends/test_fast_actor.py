"""Converted models in workers of their own: the same answers, without torch."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.protocol import Engine, Streams
from benchmark.models.inference import Checkpoint
from benchmark.models.reports import LoadReport
from benchmark.workers.answers import Raised, Returned
from benchmark.workers.worker import Worker

ACTOR = "benchmark.models.backends.fast_actor:FastActor"
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import numpy as np
from benchmark.models.backends.fast_actor import FastActor
actor = FastActor()
actor.load(sys.argv[1], sys.argv[2], {"backend": "openvino"}, {"count": 2}, "nowhere", None)
answer, = actor.exchange([np.ones(16000, np.float32)], 0)
assert len(answer["logits"]) == 5
assert "transformers" not in sys.modules
assert sys.modules["openvino_telemetry"] is None
"""


def test_a_model_that_reads_samples_runs_where_there_is_no_torch(
    converted: Callable[[str, str], ConvertedModel], tmp_path: Path
) -> None:
    model = converted("wav2vec2", "openvino")
    environment = {"HOME": str(tmp_path), "PATH": ""}
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(model.folder), model.digest], check=True, env=environment)
    assert list(tmp_path.iterdir()) == []  # no client id, no consent file


def test_a_worker_answers_windows_in_their_order_and_times_calls(
    converted: Callable[[str, str], ConvertedModel],
    references: dict[str, tuple[Path, Checkpoint]],
    sounds: dict[int, NDArray[np.float32]],
    tmp_path: Path,
) -> None:
    folder, reference = references["hubert"]
    engine, streams = Engine(backend="openvino").as_plain(), Streams(count=2).as_plain()
    windows = [*sounds.values(), np.zeros(100, np.float32)]
    with Worker(ACTOR, log=tmp_path / "log") as worker:

        def call(method: str, *arguments: object) -> Any:
            answer = worker.call(method, *arguments, timeout_s=120)
            assert isinstance(answer, Returned), answer
            return answer.value

        model = converted("hubert", "openvino")
        loaded = call("load", str(model.folder), model.digest, engine, streams, str(folder), None)
        *answers, too_short = call("exchange", windows, 0)
        milliseconds = call("time_calls", windows[:2], 1, 3)
        memory = call("peak_memory_mb")
    assert LoadReport.from_plain(loaded).sampling_rate == 16_000
    for answer, samples in zip(answers, windows[:-1], strict=True):
        np.testing.assert_allclose(answer["logits"], reference.logits(samples), rtol=0, atol=3e-6)
    assert too_short["raised"][0] == "TooShortError"
    assert len(milliseconds) == 3
    assert memory > 20


@pytest.mark.parametrize("harm", ["gone", "another"])
def test_a_converted_model_that_is_not_the_one_that_was_compared_is_refused(
    converted: Callable[[str, str], ConvertedModel], tmp_path: Path, harm: str
) -> None:
    model = converted("hubert", "openvino")
    folder = tmp_path if harm == "gone" else model.folder
    with Worker(ACTOR, log=tmp_path / "log") as worker:
        answer = worker.call(
            "load", str(folder), "0" * 16, {"backend": "openvino"}, {"count": 1}, str(tmp_path), None, timeout_s=60
        )
    assert isinstance(answer, Raised)
    assert "not the one that was held against the reference" in answer.message
