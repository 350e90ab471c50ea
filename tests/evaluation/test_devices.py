from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.evaluation import devices
from benchmark.evaluation.devices import resolve_devices
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Raised, Returned


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
    monkeypatch.setattr(devices, "Worker", asked)
    monkeypatch.setattr(devices, "_DRIVERS", drivers)
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
