import csv
import subprocess
import sys
from pathlib import Path

from tests.cli.commands.test_recommend import WITHOUT_TORCH
from tests.support.finished_runs import FinishedRun, corpus, verification


def test_an_ensemble_stands_in_the_reports_and_no_model_is_loaded(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus())
    for seed, name in enumerate(("a", "b", "c")):
        run.add(verification(name), wrong=0.4, seed=seed)
    run.save()
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "ensemble", "a", "org/b", "c"],
        cwd=tmp_path,
        env={"BENCH_CACHE": str(run.cache), "PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader((tmp_path / "reports" / "leaderboard.csv").open(encoding="utf-8")))
    (row,) = (row for row in rows if row["candidate"] == "a + b + c")
    assert row["flags"].split()[0] == "ensemble"
    assert float(row["latency_p50_ms"]) == 150.0
    assert float(row["uar"]) > max(float(other["uar"]) for other in rows if other is not row)
