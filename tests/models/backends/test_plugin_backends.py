"""Backends that installed packages add; the guide to them, which tests/docs runs, holds a working one."""

from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.evaluation.engines import EngineChoice
from benchmark.models.backends.plugin_backends import added_backend, added_names
from tests.support.plugins import install

_PYPROJECT = """
[project]
name = "my-backend"
version = "1.0"

[project.entry-points."bench.backends"]
{name} = "{module}:BACKEND"
"""
_NO_CODE = (
    "from benchmark.models.backends.plugin_backends import AddedBackend\nBACKEND = AddedBackend(write=None, open=None"
)


def _add(folder: Path, monkeypatch: pytest.MonkeyPatch, *, name: str, module: str, source: str) -> None:
    install(folder, pyproject=_PYPROJECT.format(name=name, module=module), files={f"{module}.py": source})
    monkeypatch.syspath_prepend(str(folder))


def test_it_can_be_asked_for_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"{_NO_CODE}, dtypes=('float32', 'float16'))"
    _add(tmp_path, monkeypatch, name="quick", module="added_quick", source=source)
    assert added_names() == ("quick",)
    choice = EngineChoice(backend="quick")
    choice.check()
    assert [str(engine) for engine in choice.engines("cpu")] == ["quick float32", "torch float32"]
    half = EngineChoice(backend="quick", dtype="float16")
    half.check()
    assert [str(engine) for engine in half.engines("cpu")] == ["quick float16", "torch float32"]


def test_a_number_format_that_it_does_not_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(tmp_path, monkeypatch, name="narrow", module="added_narrow", source=f"{_NO_CODE})")
    with pytest.raises(RequestError, match="narrow computes in float32, not in bfloat16"):
        EngineChoice(backend="narrow", dtype="bfloat16").check()


def test_an_unknown_backend_is_refused_with_all_that_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(tmp_path, monkeypatch, name="bomb", module="added_bomb", source="raise SystemExit('ran')")
    with pytest.raises(RequestError, match=r"Unknown backend 'tpu': choose among auto, .*onnxruntime, bomb"):
        EngineChoice(backend="tpu").check()


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("other", "BACKEND = 5", "'other' must name an AddedBackend"),
        ("a.b", f"{_NO_CODE})", "needs a name of small letters"),
    ],
)
def test_what_keeps_no_contract_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str, message: str
) -> None:
    _add(tmp_path, monkeypatch, name=name, module=f"added_{len(name)}", source=source)
    with pytest.raises(RequestError, match=message):
        added_backend(name)
