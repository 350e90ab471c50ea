"""Plugins; tests/docs runs the working examples of the guides."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmark.corpora.conventions import convention, convention_names
from benchmark.corpora.spec_syntax import parse_spec
from benchmark.errors import RequestError
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.metrics import user_metrics
from benchmark.models import heads
from benchmark.models.backends.plugin_backends import added_backend, added_names
from benchmark.plugins import Group, load_plugin, plugin_file, plugin_names
from benchmark.progress import Silent
from benchmark.registry.loading import find_registry, load_registry
from benchmark.settings import Settings
from tests.support.plugins import install

_PYPROJECT = """
[project]
name = "my-plugin"
version = "1.0"

[project.entry-points."{group}"]
{name} = "{value}"
"""
_BACKEND = (
    "from benchmark.models.backends.plugin_backends import AddedBackend\nBACKEND = AddedBackend(write=None, open=None"
)
_BOMB = "raise SystemExit('ran')"
_HEAD = "from benchmark.models.heads import LAYOUTS\nhead = LAYOUTS[-1]"

Adds = Callable[..., None]


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Adds]:
    """Give a function that installs a package with one entry point until the end of the test."""

    def add(group: Group, name: str, value: str, source: str = "", package: str = "my-plugin") -> None:
        module = value.partition(":")[0]
        pyproject = _PYPROJECT.format(group=group, name=name, value=value).replace("my-plugin", package)
        folder = install(tmp_path / package, pyproject=pyproject, files={f"{module}.py": source} if source else {})
        monkeypatch.syspath_prepend(str(folder))

    heads._layouts.cache_clear()
    modules = set(sys.modules)
    yield add
    heads._layouts.cache_clear()
    for name in set(sys.modules) - modules:
        if name.startswith("added_"):
            del sys.modules[name]


def test_names_and_files_are_known_without_running_any_code(added: Adds) -> None:
    added(Group.CORPORA, "casual", "added_bomb:read", _BOMB)
    assert plugin_names(Group.CORPORA) == ("casual",)
    assert "casual" in convention_names()
    assert parse_spec("casual:recordings").kind == "casual"
    added(Group.METRICS, "spread", "added_bomb", _BOMB)
    assert plugin_file(Group.METRICS, "spread").name == "added_bomb.py"


def test_a_package_that_cannot_be_imported_is_named_with_the_fix(added: Adds) -> None:
    added(Group.CORPORA, "casual", "added_broken:read", "import nothing_of_this_name")
    with pytest.raises(RequestError, match=r"my-plugin adds 'casual' .*nothing_of_this_name.*pip uninstall my-plugin"):
        convention("casual")
    added(Group.METRICS, "spread", "added_nowhere")
    with pytest.raises(RequestError, match=r"my-plugin adds 'spread' .*no module added_nowhere"):
        plugin_file(Group.METRICS, "spread")


def test_an_unknown_name_and_one_that_two_packages_add_are_refused(added: Adds) -> None:
    with pytest.raises(RequestError, match="No installed package adds 'casual'"):
        load_plugin(Group.CORPORA, "casual")
    added(Group.CORPORA, "casual", "added_one:read", "read = str")
    added(Group.CORPORA, "casual", "added_two:read", "read = str", package="other-plugin")
    with pytest.raises(RequestError, match=r"More than one installed package adds 'casual'.*uninstall one"):
        load_plugin(Group.CORPORA, "casual")


def test_a_convention_of_bench_is_not_replaced(added: Adds) -> None:
    added(Group.CORPORA, "ravdess", "added_bomb:read", _BOMB)
    assert convention("ravdess").__module__ == "benchmark.corpora.conventions.ravdess"
    assert convention_names().count("ravdess") == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [("read = 5", "must name a function"), ("def read(folder): return [folder]", "returned list for a folder")],
)
def test_a_corpus_that_keeps_no_contract_is_refused(added: Adds, tmp_path: Path, source: str, message: str) -> None:
    added(Group.CORPORA, "casual", "added_wrong:read", source)
    with pytest.raises(RequestError, match=message):
        convention("casual")(tmp_path)


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("pooled", "head = 'dense'", "must name a HeadLayout"),
        ("pooled", _HEAD, "'dense-out' is added as 'pooled'"),
        ("dense-out", _HEAD, "its own"),
    ],
)
def test_a_head_that_keeps_no_contract_is_refused(added: Adds, name: str, source: str, message: str) -> None:
    added(Group.HEADS, name, "added_wrong:head", source)
    with pytest.raises(RequestError, match=message):
        heads.layouts()


def test_a_registry_may_name_a_head_that_a_package_adds(added: Adds, tmp_path: Path) -> None:
    added(Group.HEADS, "pooled", "added_bomb:head", _BOMB)
    path = tmp_path / "candidates.yaml"
    path.write_text("version: 1\ncandidates:\n  - id: org/model\n    head: {kind: pooled}\n", encoding="utf-8")
    (candidate,) = load_registry(path).candidates
    assert candidate.head is not None
    assert candidate.head.kind == "pooled"


def test_a_registry_that_a_package_adds_is_found_by_its_name_and_must_be_a_path(added: Adds, tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    path.write_text("version: 1\ncandidates:\n  - id: org/model\n", encoding="utf-8")
    added(Group.CANDIDATES, "theirs", "added_list:path", f"path = {str(path)!r}\nnone = None")
    registry = find_registry("theirs")
    assert [candidate.id for candidate in registry.candidates] == ["org/model"]
    assert registry.announced == "the registry theirs of an installed package"
    added(Group.CANDIDATES, "nowhere", "added_list:none", package="other-plugin")
    with pytest.raises(RequestError, match="'nowhere' must name the path of a file"):
        find_registry("nowhere")


def test_a_backend_is_chosen_by_its_name_and_computes_in_its_own_number_formats(added: Adds) -> None:
    added(Group.BACKENDS, "quick", "added_quick:BACKEND", f"{_BACKEND}, dtypes=('float32', 'float16'))")
    assert added_names() == ("quick",)
    for dtype in ("float32", "float16"):
        choice = EngineChoice(backend="quick", dtype=dtype)
        choice.check()
        assert [str(engine) for engine in choice.engines("cpu")] == [f"quick {dtype}", "torch float32"]
    with pytest.raises(RequestError, match="quick computes in float32 and float16, not in bfloat16"):
        EngineChoice(backend="quick", dtype="bfloat16").check()


def test_an_unknown_backend_is_refused_with_all_that_are_known(added: Adds) -> None:
    added(Group.BACKENDS, "bomb", "added_bomb:BACKEND", _BOMB)
    with pytest.raises(RequestError, match=r"Unknown backend 'tpu': choose among auto, .*onnxruntime, bomb"):
        EngineChoice(backend="tpu").check()


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("other", "BACKEND = 5", "'other' must name an AddedBackend"),
        ("a.b", f"{_BACKEND})", "needs a name of small letters"),
    ],
)
def test_a_backend_that_keeps_no_contract_is_refused(added: Adds, name: str, source: str, message: str) -> None:
    added(Group.BACKENDS, name, "added_wrong:BACKEND", source)
    with pytest.raises(RequestError, match=message):
        added_backend(name)


def test_a_metric_of_no_package_is_refused_with_both_ways_named(tmp_path: Path) -> None:
    with (
        pytest.raises(RequestError, match="no such file or folder, and no installed package"),
        user_metrics(["spread"], Settings(cache=tmp_path), Silent()),
    ):
        pass
