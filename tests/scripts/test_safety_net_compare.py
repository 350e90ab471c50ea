import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.safety_net_compare import compare_records

STDERR = "Listening: 3 of 9 clips\nReports: a.md, written in 3.4 seconds at 2026-11-30 03:02 UTC\n"
LEADERBOARD = {"rows": [{"candidate": "a", "uar": 0.5, "flags": ["noisy", "synthetic"], "latency_p50_ms": 4.5}]}


def record(folder: Path, *, code: int = 0, stderr: str = STDERR, csv: str = "rank,uar\n1,0.5\n", **row: object) -> Path:
    case = folder / "demo" / "first"
    (case / "files").mkdir(parents=True)
    (folder / "demo" / "paths.json").write_text(json.dumps({"<WORK>": str(folder)}))
    (case / "result.json").write_text(json.dumps({"command": ["run"], "exit": code}))
    (case / "stdout.txt").write_text(f"a.md is in {folder}/reports\n")
    (case / "stderr.txt").write_text(stderr)
    (case / "files" / "leaderboard.csv").write_text(csv)
    content = {"rows": [{**LEADERBOARD["rows"][0], **row}]}
    (case / "files" / "leaderboard.json").write_text(json.dumps(content))
    pq.write_table(pa.table({"predicted": [str(row.get("predicted", "anger"))]}), case / "files" / "p.parquet")
    return folder


def test_records_that_differ_in_times_paths_load_and_rounding_are_equal(tmp_path: Path) -> None:
    before = record(tmp_path / "before")
    stderr = "Reports: a.md, written in 12 seconds at 2026-12-01 13:59 UTC\n"
    after = record(tmp_path / "after", stderr=stderr, uar=0.5 + 1e-8, flags=["synthetic"], latency_p50_ms=9.0)
    assert compare_records(before, after, ["demo"]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": 1}, "exit code 0 -> 1"),
        ({"stderr": STDERR + "Warning: more\n"}, "Warning: more"),
        ({"csv": "uar,rank\n0.5,1\n"}, "columns"),
        ({"csv": "rank,uar\n1,0.51\n"}, "0.51"),
        ({"uar": 0.5 + 1e-4}, "rows[0].uar"),
        ({"flags": ["noisy"]}, "synthetic"),
        ({"predicted": "fear"}, "predicted"),
        ({"more": 1}, "more: only after"),
    ],
)
def test_everything_else_is_a_difference(tmp_path: Path, change: dict[str, object], words: str) -> None:
    before = record(tmp_path / "before")
    after = record(tmp_path / "after", **change)  # type: ignore[arg-type]  # keywords by name
    assert any(words in difference for difference in compare_records(before, after, ["demo"]))


def test_a_section_that_only_one_record_has_is_a_difference(tmp_path: Path) -> None:
    before, after = record(tmp_path / "before"), tmp_path / "after"
    after.mkdir()
    assert compare_records(before, after, ["demo", "runs"]) == [f"demo: only in {before}"]
