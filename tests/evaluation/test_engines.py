import importlib.util
from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.evaluation import engines
from benchmark.evaluation.engines import EngineChoice, resolve_devices
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Raised, Returned


def ways(device: str = "cpu", **choice: object) -> list[str]:
    return [str(engine) for engine in EngineChoice(**choice).engines(device)]  # type: ignore[arg-type]


def test_the_reference_is_always_the_last_resort_and_stands_there_once() -> None:
    assert ways() == ["torch float32"]
    assert ways(backend="openvino") == ["openvino float32", "torch float32"]
    assert ways(backend="onnxruntime") == ["onnxruntime float32", "torch float32"]
    assert ways(backend="torch", dtype="bfloat16") == ["torch bfloat16", "torch float32"]


def test_fast_tries_bfloat16_before_float32_and_only_where_somebody_computes_in_it() -> None:
    assert ways(backend="openvino", fast=True) == ["openvino bfloat16", "openvino float32", "torch float32"]
    assert ways(backend="onnxruntime", fast=True) == ["onnxruntime float32", "torch float32"]
    assert ways(backend="torch", fast=True) == ["torch float32"]
    assert ways(device="cuda", backend="auto", fast=True, batch=1) == ["torch bfloat16", "torch float32"]


def test_on_a_gpu_torch_computes_batches_first_and_one_at_a_time_where_a_model_does_not_allow_them() -> None:
    assert ways(device="cuda", backend="auto") == ["torch float32 in batches of 16", "torch float32"]
    assert ways(device="cuda", backend="auto", fast=True) == [
        "torch bfloat16 in batches of 16", "torch bfloat16", "torch float32 in batches of 16", "torch float32",
    ]  # fmt: skip
    assert ways(device="cuda", backend="auto", batch=1) == ["torch float32"]
    assert ways(device="cuda", backend="openvino", batch=64)[0] == "torch float32 in batches of 64"


def test_on_the_cpu_batches_are_for_those_who_ask_for_them_and_torch_computes_them() -> None:
    assert ways(backend="auto", batch=8) == ["torch float32 in batches of 8", "torch float32"]
    assert ways(backend="auto", batch=1) == ["openvino float32", "torch float32"]
    assert ways(backend="torch", batch=8, dtype="bfloat16") == [
        "torch bfloat16 in batches of 8", "torch bfloat16", "torch float32",
    ]  # fmt: skip


def test_a_number_format_that_is_named_counts_more_than_fast() -> None:
    assert ways(backend="openvino", dtype="float16", fast=True) == ["openvino float16", "torch float32"]


def test_auto_is_openvino_where_it_is_installed_and_torch_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ways(backend="auto") == ["openvino float32", "torch float32"]
    monkeypatch.setattr(engines, "is_installed", lambda backend: backend == "torch")
    assert ways(backend="auto") == ["torch float32"]
    assert ways(backend="auto", fast=True) == ["torch float32"]


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
def test_what_nobody_can_compute_is_one_sentence(choice: dict[str, object], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        EngineChoice(**choice).check()  # type: ignore[arg-type]
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


class Asked:
    """Stands for the worker that is asked, and counts."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.times = 0

    def __call__(self, *_: object, **__: object) -> "Asked":
        return self

    def __enter__(self) -> "Asked":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def call(self, method: str, *, timeout_s: float) -> Answer:
        self.times += 1
        return self.answer


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path)


def asking(monkeypatch: pytest.MonkeyPatch, *, answer: Answer, drivers: tuple[str, ...]) -> Asked:
    asked = Asked(answer)
    monkeypatch.setattr(engines, "Worker", asked)
    monkeypatch.setattr(engines, "_DRIVERS", drivers)
    monkeypatch.setattr("sys.platform", "linux")
    return asked


def test_without_a_driver_nobody_is_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asking(monkeypatch, answer=Returned(True), drivers=("/no/driver",))
    assert resolve_devices((), settings) == ("cpu",)
    with pytest.raises(RequestError, match="no CUDA device"):
        resolve_devices(("cuda",), settings)
    assert asked.times == 0


@pytest.mark.parametrize(
    ("answer", "found"),
    [(Returned(True), ("cpu", "cuda")), (Returned(False), ("cpu",)), (Raised("E", "", ""), ("cpu",))],
)
def test_with_a_driver_torch_decides(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: Answer, found: tuple[str, ...]
) -> None:
    asked = asking(monkeypatch, answer=answer, drivers=("/",))
    assert resolve_devices((), settings) == found
    assert asked.times == 1


def test_the_cpu_is_there_without_asking(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asking(monkeypatch, answer=Returned(True), drivers=("/",))
    assert resolve_devices(("cpu", "cpu"), settings) == ("cpu",)
    assert asked.times == 0


def test_an_unknown_device_is_said(settings: Settings) -> None:
    with pytest.raises(RequestError, match="Unknown device 'tpu'"):
        resolve_devices(("tpu",), settings)
