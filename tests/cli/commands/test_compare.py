import json
import os
from functools import partial
from pathlib import Path

import pytest

import benchmark
from benchmark.settings import Settings
from tests.support.command_line import Bench, failure
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.without_torch import bench_without_torch


@pytest.fixture
def compare(bench: Bench, tmp_path: Path) -> Bench:
    return partial(bench, "compare", BENCH_CACHE=str(tmp_path / "old"))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Reports of two runs: `worse` is worse and slower than `good`."""
    for name, wrong, ms in (("old", 0.1, 100.0), ("new", 0.5, 150.0)):
        run = FinishedRun(tmp_path / name, corpus("acted"))
        run.add(verification("model"), wrong=wrong, ms=ms)
        run.save()
        benchmark.report(output=tmp_path / f"reports-{name}", settings=Settings(cache=run.cache))
    return tmp_path


def test_what_changed_is_markdown_and_a_file_for_a_pull_request(reports: Path) -> None:
    ended = bench_without_torch(
        *("compare", "reports-old", "reports-new", "-o", "change.md"), folder=reports, cache=reports / "old"
    )
    assert ended.returncode == 0, ended.stderr
    assert "96 common clips" in ended.stdout
    assert "100 → 150" in ended.stdout
    assert (reports / "change.md").read_text("utf-8") == ended.stdout


def test_gates_decide_the_exit_code_and_one_about_a_missing_number_fails(reports: Path, compare: Bench) -> None:
    failed = compare(
        "reports-old", "reports-new", "--fail-on", "uar<-0.02", "--fail-on", "latency_p50_ms>+20%", "--json"
    )
    assert failed.returncode == 1
    content = json.loads(failed.stdout)
    assert [gate["passed"] for gate in content["gates"]] == [False, False]
    assert "The gate uar<-0.02 failed: model on acted" in failed.stderr
    passed = compare("reports-new", "reports-old", "--fail-on", "uar<-0.02", "--fail-on", "latency_p50_ms>+20%")
    assert passed.returncode == 0, passed.stderr
    missing = compare("reports-old", "reports-old", "--fail-on", "latency_p99_ms>+20%")
    assert "cannot be judged" in failure(missing, 1)


def test_noise_decides_on_no_gate_unless_the_user_is_strict(tmp_path: Path, compare: Bench) -> None:
    for name, factor in (("old", 1.0), ("new", 1.15)):
        run = FinishedRun(tmp_path / name, corpus("acted"))
        run.add(verification("model"), ms=100.0)
        (timed,) = run.latencies
        turns = {"calls_ms": [factor * ms for ms in (80, 90, 100, 110, 120) for _ in range(10)], "block_calls": 10}
        run.latencies = [timed.model_copy(update={**turns, "reference": "small", "reference_ms": (5.0,) * 5})]
        run.save()
        benchmark.report(output=tmp_path / f"reports-{name}", settings=Settings(cache=run.cache))
    arguments = ("reports-old", "reports-new", "--fail-on", "latency_p50_ms>+10%")
    ended = compare(*arguments)
    assert ended.returncode == 0, ended.stderr
    assert "**cannot be judged**" in ended.stdout
    assert "The gate latency_p50_ms>+10% cannot be judged: model" in failure(compare(*arguments, "--strict"), 1)


def test_the_same_run_twice_is_nothing_changed_however_it_is_named(reports: Path, compare: Bench) -> None:
    (record,) = (reports / "old" / "runs").glob("*.json")
    for other in ("reports-old", "reports-old/leaderboard.json", record, record.stem):
        ended = compare("reports-old", other, "--fail-on", "uar<-0.02", "--fail-on", "latency_p50_ms>+20%")
        assert ended.returncode == 0, ended.stderr
        assert "Nothing changed." in ended.stdout


def test_without_stored_predictions_the_comparison_is_unpaired(reports: Path, compare: Bench) -> None:
    (reports / "reports-old" / "predictions.parquet").unlink()
    ended = compare("reports-old", "reports-new")
    assert ended.returncode == 0, ended.stderr
    assert "unpaired" in ended.stdout
    assert "common clips |" not in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reports-old", "nowhere"), "there is no run 'nowhere'"),
        (("reports-old", "empty"), "holds no leaderboard.json"),
        (("reports-old", "broken"), "no leaderboard that this version"),
        (("reports-old", "newer"), "newer version of bench"),
        (("reports-old", "torn"), "write it again with `bench report`"),
        (("reports-old", "reports-new", "--fail-on", "uarr<-0.02"), "did you mean 'uar'"),
        (("reports-old", "reports-new", "--fail-on", "uar<0.02"), "needs its sign"),
        (("reports-old", "reports-new", "-o", "reports-new"), "choose another file"),
    ],
)
def test_a_wrong_request_is_one_sentence(
    reports: Path, compare: Bench, arguments: tuple[str, ...], message: str
) -> None:
    for name, content in (("broken", "{"), ("newer", '{"schema_version": 99}')):
        (reports / name).mkdir()
        (reports / name / "leaderboard.json").write_text(content, encoding="utf-8")
    (reports / "empty").mkdir()
    (reports / "torn").mkdir()
    (reports / "torn" / "leaderboard.json").write_bytes((reports / "reports-old" / "leaderboard.json").read_bytes())
    (reports / "torn" / "predictions.parquet").write_bytes(b"PAR1")
    assert message in failure(compare(*arguments))


def test_the_library_compares_as_the_command_does(reports: Path) -> None:
    outcome = benchmark.compare(
        reports / "reports-old", reports / "reports-new", fail_on=["uar<-0.02"], output=reports / "change.json"
    )
    assert outcome.exit_code == 1
    assert json.loads((reports / "change.json").read_text("utf-8"))["new"] == os.fspath(reports / "reports-new")
