import json
from pathlib import Path

from benchmark.results.runs import RunSummary, add_summary, list_runs, save_run
from tests.support.command_line import Bench, failure
from tests.support.finished_runs import FinishedRun, corpus, verification


def stored(cache: Path, name: str) -> str:
    run = FinishedRun(cache, corpus())
    run.add(verification("one"))
    summary = RunSummary.model_validate(
        {
            "corpora": ["acted"],
            "clips": 96,
            "candidates": 1,
            "best": [{"corpus": "acted", "candidate": "one", "uar": 0.81}],
            "complete": True,
            "exit_code": 0,
            "output": "reports",
        }
    )
    path = save_run(cache, run.record(name=name))
    add_summary(path, summary)
    return path.stem


def test_runs_are_listed_shown_and_removed(bench: Bench, tmp_path: Path) -> None:
    cache = tmp_path / ".bench"
    file = stored(cache, "pilot")
    settings = {"BENCH_CACHE": str(cache)}
    listed = bench("runs", **settings).stdout
    assert file in listed
    assert "pilot" in listed
    assert "one 0.81 on acted" in listed
    (plain,) = json.loads(bench("runs", "--json", **settings).stdout)["runs"]
    assert (plain["run"], plain["name"], plain["summary"]["candidates"]) == (file, "pilot", 1)
    assert "96" in bench("runs", "show", "pilot", **settings).stdout
    assert json.loads(bench("runs", "show", "pilot", "--json", **settings).stdout)["name"] == "pilot"
    assert "there is no run 'other'" in failure(bench("runs", "remove", "other", **settings))
    assert file in bench("runs", "remove", "pilot", **settings).stderr
    assert list_runs(cache) == ()
    assert "There is no run in" in bench("runs", **settings).stderr
