import csv
from pathlib import Path

from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.without_torch import bench_without_torch


def test_an_ensemble_is_a_row_of_the_reports_and_no_model_is_loaded(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus())
    for seed, name in enumerate(("a", "b", "c")):
        run.add(verification(name), wrong=0.4, seed=seed)
    run.save()
    ended = bench_without_torch("ensemble", "a", "org/b", "c", folder=tmp_path, cache=run.cache)
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader((tmp_path / "reports" / "leaderboard.csv").open(encoding="utf-8")))
    (row,) = (row for row in rows if row["candidate"] == "a + b + c")
    assert row["flags"].split()[0] == "ensemble"
    assert float(row["latency_p50_ms"]) == 150.0
    assert float(row["uar"]) > max(float(other["uar"]) for other in rows if other is not row)
