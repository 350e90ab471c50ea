import importlib.util
from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import RequestError
from benchmark.evaluation import engines
from benchmark.evaluation.engines import EngineChoice, resolve_devices
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Raised, Returned
from benchmark.workers.worker import Worker


@pytest.mark.parametrize(
    ("choice", "faster"),
    [
        ({}, []),
        ({"backend": "openvino"}, ["openvino float32"]),
        ({"backend": "onnxruntime"}, ["onnxruntime float32"]),
        ({"dtype": "bfloat16"}, ["torch bfloat16"]),
        # bfloat16 before float32, and only in backends that compute in it.
        ({"backend": "openvino", "fast": True}, ["openvino bfloat16", "openvino float32"]),
        ({"backend": "onnxruntime", "fast": True}, ["onnxruntime float32"]),
        ({"fast": True}, []),
        # A number format that is named counts more than `fast`.
        ({"backend": "openvino", "dtype": "float16", "fast": True}, ["openvino float16"]),
        # Batches only if the user names a size, and torch computes them.
        ({"backend": "auto", "batch": 8}, ["torch float32 in batches of 8"]),
        ({"backend": "auto", "batch": 1}, ["openvino float32"]),
        ({"dtype": "bfloat16", "batch": 8}, ["torch bfloat16 in batches of 8", "torch bfloat16"]),
    ],
)
def test_engines_on_the_cpu_end_with_the_reference(choice: dict[str, Any], faster: list[str]) -> None:
    assert [str(engine) for engine in EngineChoice(**choice).engines("cpu")] == [*faster, "torch float32"]


@pytest.mark.parametrize(
    ("choice", "faster"),
    [
        ({}, ["torch float32 in batches of 16"]),
        (
            {"fast": True},
            ["torch bfloat16 in batches of 16", "torch bfloat16", "torch float32 in batches of 16"],
        ),
        ({"batch": 1}, []),
        ({"fast": True, "batch": 1}, ["torch bfloat16"]),
        ({"backend": "openvino", "batch": 64}, ["torch float32 in batches of 64"]),
    ],
)
def test_on_a_gpu_torch_computes_batches_first_and_one_at_a_time_where_a_model_does_not_allow_them(
    choice: dict[str, Any], faster: list[str]
) -> None:
    choice = {"backend": "auto"} | choice
    assert [str(engine) for engine in EngineChoice(**choice).engines("cuda")] == [*faster, "torch float32"]


@pytest.mark.parametrize("fast", [False, True])
def test_auto_is_openvino_where_it_is_installed_and_torch_elsewhere(
    monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    assert str(EngineChoice(backend="auto").engines("cpu")[0]) == "openvino float32"
    monkeypatch.setattr(engines, "is_installed", lambda backend: backend == "torch")
    assert [str(engine) for engine in EngineChoice(backend="auto", fast=fast).engines("cpu")] == ["torch float32"]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"backend": "tensorrt"}, "Unknown backend 'tensorrt': choose among auto, torch, openvino, onnxruntime."),
        ({"dtype": "int8"}, "Unknown dtype 'int8': choose among float32, bfloat16, float16."),
        (
            {"backend": "onnxruntime", "dtype": "bfloat16"},
            "ONNX Runtime computes in float32 only: leave out --dtype bfloat16.",
        ),
        (
            {"backend": "openvino", "batch": 2},
            "Only torch computes windows together: leave out --batch-size, or take --backend torch.",
        ),
        ({"backend": "torch", "batch": 0}, "--batch-size is 0: it has to be 1 or more."),
    ],
)
def test_what_nobody_can_compute_is_one_sentence(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        EngineChoice(**choice).check()
    assert str(caught.value) == message


@pytest.mark.parametrize(("backend", "command"), [("onnxruntime", "ser-bench[onnx]"), ("openvino", "pip install open")])
def test_a_backend_that_is_not_installed_is_one_sentence_with_the_command(
    monkeypatch: pytest.MonkeyPatch, backend: str, command: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == backend else find(name))
    with pytest.raises(RequestError, match=r"is not installed here: `pip install") as caught:
        EngineChoice(backend=backend).check()
    assert command in str(caught.value)
    EngineChoice(backend="auto").check()


def asking(monkeypatch: pytest.MonkeyPatch, *, answer: Answer, driver: str = "/") -> list[str]:
    """Let a worker give this answer; returns the methods that are called."""
    calls: list[str] = []

    def call(self: Worker, method: str, *, timeout_s: float) -> Answer:
        calls.append(method)
        return answer

    monkeypatch.setattr(Worker, "call", call)
    monkeypatch.setattr(engines, "_DRIVERS", (driver,))
    monkeypatch.setattr("sys.platform", "linux")
    return calls


def test_without_a_driver_no_worker_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = asking(monkeypatch, answer=Returned(True), driver="/no/driver")
    assert resolve_devices((), Settings(cache=tmp_path)) == ("cpu",)
    with pytest.raises(RequestError, match="no CUDA device"):
        resolve_devices(("cuda",), Settings(cache=tmp_path))
    assert calls == []


@pytest.mark.parametrize(
    ("answer", "devices"),
    [(Returned(True), ("cpu", "cuda")), (Returned(False), ("cpu",)), (Raised("E", "", ""), ("cpu",))],
)
def test_with_a_driver_torch_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, devices: tuple[str, ...]
) -> None:
    calls = asking(monkeypatch, answer=answer)
    assert resolve_devices((), Settings(cache=tmp_path)) == devices
    assert calls == ["has_cuda"]


def test_the_cpu_is_there_without_a_worker_and_an_unknown_device_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = asking(monkeypatch, answer=Returned(True))
    assert resolve_devices(("cpu", "cpu"), Settings(cache=tmp_path)) == ("cpu",)
    with pytest.raises(RequestError, match="Unknown device 'tpu'"):
        resolve_devices(("tpu",), Settings(cache=tmp_path))
    assert calls == []
