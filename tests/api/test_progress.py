"""What the Python functions show of their progress, wherever they run."""

import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from benchmark.api.progress import ConsoleProgress, NotebookProgress, open_progress
from benchmark.errors import RequestError
from benchmark.progress import Silent


class Cell:
    """Stands for the output of a notebook's cell."""

    def __init__(self) -> None:
        self.outputs = 0
        self.shown: dict[str, str] = {}
        self.updates = 0

    def display(self, content: dict[str, str], **_: Any) -> "Cell":
        self.outputs += 1
        self.shown = content
        return self

    def update(self, content: dict[str, str], **_: Any) -> None:
        self.updates += 1
        self.shown = content


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """Run the test as if in a notebook."""
    cell, modules = Cell(), {name: ModuleType(name) for name in ("IPython", "IPython.display")}
    vars(modules["IPython"])["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(modules["IPython.display"])["display"] = cell.display
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return cell


def test_a_notebook_has_one_output_that_is_replaced_and_not_for_every_clip(cell: Cell) -> None:
    progress = open_progress("auto")
    progress.note("The packaged list.")
    progress.warn("1 clip <b>fails</b>\x1b[31m.")
    progress.warn("1 clip <b>fails</b>\x1b[31m.")
    with progress.stage("Listening", total=5000, unit="clips") as stage:
        for _ in range(5000):
            stage.advance()
        opened, stage_open = cell.updates, dict(cell.shown)
    assert (cell.outputs, opened < 100) == (1, True)
    assert "Listening: " in stage_open["text/plain"]
    assert " of 5000 clips" in stage_open["text/html"]
    assert 'max="5000"' in stage_open["text/html"]
    assert cell.shown["text/plain"] == "The packaged list.\nWarning: 1 clip <b>fails</b>.\n0 s"
    assert "&lt;b&gt;fails" in cell.shown["text/html"]


def test_what_has_come_on_is_shown_while_a_stage_is_running(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.api.progress._DRAW_EVERY_S", 0)
    with NotebookProgress().stage("Listening", total=4, unit="clips") as stage:
        stage.advance(2)
        assert cell.shown["text/plain"].startswith("Listening: 2 of 4 clips\n")
        stage.describe("Reading")
        assert cell.shown["text/plain"].startswith("Reading: 2 of 4 clips\n")


def test_short_work_of_a_script_says_nothing_but_messages_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    progress = open_progress("auto")
    with progress.stage("Reading", total=2, unit="clips"):
        progress.warn("1 clip fails.")
        progress.note("Labels are in German.")
    assert capsys.readouterr().err == "Warning: 1 clip fails.\nLabels are in German.\n"


def test_long_work_of_a_script_has_a_line_from_time_to_time(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ConsoleProgress(pause_s=0.05)
    time.sleep(0.06)
    for _ in range(20):
        with progress.stage("Reading", total=2, unit="clips"):
            pass
    assert capsys.readouterr().err == "Reading (2 clips)\n"


@pytest.mark.parametrize("chosen", [None, "silent"])
def test_nothing_is_shown_on_request(chosen: Any, cell: Cell) -> None:
    with open_progress(chosen).stage("Reading", total=2) as stage:
        stage.advance()
    assert cell.outputs == 0


def test_an_own_object_is_taken_and_another_word_refused() -> None:
    own = Silent()
    assert open_progress(own) is own
    with pytest.raises(RequestError, match="progress='loud' is unknown: give 'auto', 'silent', or an object"):
        open_progress("loud")  # type: ignore[arg-type]


def test_a_program_without_standard_error_shows_what_it_brings_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    own = NotebookProgress()
    assert open_progress(own) is own
    assert isinstance(open_progress("auto"), Silent)
