"""docs/notebook.ipynb runs as it stands, and shows what it speaks of."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

_ROOT = Path(__file__).parents[2]
_NOTEBOOK = _ROOT / "docs" / "notebook.ipynb"
_PATIENT_S = 300

Outputs = list[Mapping[str, Any]]


@pytest.fixture(scope="module")
def executed(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outputs]:
    """Execute it in a folder of its own, with what a run of the demo has left in the cache, and give its outputs."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copytree(demo_run / ".bench", folder / ".bench")
    notebook = nbformat.read(_NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    own = ("BENCH_CACHE", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    with pytest.MonkeyPatch.context() as environment:
        for name in own:
            environment.setenv(name, str(folder / (".bench" if name == "BENCH_CACHE" else ".jupyter")))
        environment.setenv("PYTHONPATH", str(_ROOT))
        place = {"metadata": {"path": str(folder)}}
        NotebookClient(notebook, timeout=_PATIENT_S, kernel_name="python3", resources=place).execute()
    return {cell["id"]: cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"}


def result(outputs: Outputs, kind: str) -> str:
    (shown,) = [output for output in outputs if output["output_type"] == "execute_result"]
    return str(shown["data"][kind])


def test_it_is_kept_without_outputs() -> None:
    cells = nbformat.read(_NOTEBOOK, as_version=4)["cells"]  # type: ignore[no-untyped-call]
    assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_no_cell_is_flooded_by_progress(executed: Mapping[str, Outputs]) -> None:
    kinds = {name: [output["output_type"] for output in outputs] for name, outputs in executed.items()}
    assert kinds.pop("import") == []
    assert [kinds.pop(name) for name in ("verify", "run")] == [["display_data", "execute_result"]] * 2
    assert set(map(tuple, kinds.values())) == {("execute_result",)}
    progress = executed["run"][0]["data"]["text/plain"]
    assert progress.startswith("the demo: tiny checkpoints")
    assert progress.endswith(" s")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("verify", ("<strong>7 usable of 11 candidates</strong>", "wav2vec2-dimensional", "no-head")),
        ("run", ("hubert-german", "may be best", "reports/leaderboard.html")),
        ("frame", ("latency_p50_ms", "dataframe")),
        ("choose", ("Recommendation", "Pareto front")),
    ],
)
def test_results_are_tables(executed: Mapping[str, Outputs], cell: str, words: tuple[str, ...]) -> None:
    html = result(executed[cell], "text/html")
    assert [word for word in words if word not in html] == []
    assert "<table" in html


@pytest.mark.parametrize("cell", ["pareto", "intervals"])
def test_plots_are_pictures(executed: Mapping[str, Outputs], cell: str) -> None:
    assert len(result(executed[cell], "image/png")) > 10_000


def test_a_candidate_is_chosen(executed: Mapping[str, Outputs]) -> None:
    assert result(executed["pick"], "text/plain") in {"'hubert-german'", "'wav2vec2-english'", "'wavlm-korean'"}
