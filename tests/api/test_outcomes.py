"""A run that lacks something is no complete one for any command."""

import json
from pathlib import Path

import pytest

import benchmark
from benchmark.results.runs import list_runs
from benchmark.results.status import Status
from benchmark.settings import Settings
from tests.support.command_line import bench_here
from tests.support.finished_runs import FinishedRun, corpus, verification

KILLED = "Loading it failed: the worker was killed (SIGKILL)."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a run in which one of three candidates has lost its worker twice."""
    run = FinishedRun(tmp_path / ".bench", corpus())
    run.add(verification("good"), wrong=0.1)
    run.add(verification("other"), wrong=0.3, seed=1)
    run.verifications.append(verification("lost", status=Status.SKIPPED, reason=KILLED, incomplete=True))
    run.save()
    return tmp_path


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (("recommend",), "# Recommendation\n\n**The run is incomplete**: lost did not come to its end.\n"),
        (("plan",), "# Plan\n\n**The run is incomplete**: lost did not come to its end.\n"),
        (("report",), "The run is incomplete: lost did not come to its end.\n"),
        (("ensemble", "good", "other"), "The run is incomplete: lost did not come to its end.\n"),
        (("compare", "RUN", "RUN"), "# What changed\n\n**The old run is incomplete: lost did not come to its end.**"),
    ],
)
def test_every_command_says_first_that_a_candidate_is_missing_and_exits_1(
    folder: Path, command: tuple[str, ...], first: str
) -> None:
    run = list_runs(folder / ".bench")[0].stem
    words = [run if word == "RUN" else word for word in command]
    shown, plain = (bench_here(*words, *more, folder=folder) for more in ((), ("--json",)))
    assert (shown.returncode, plain.returncode) == (1, 1), shown.stderr
    assert shown.stdout.startswith(first)
    assert "lost" in plain.stderr
    assert json.loads(plain.stdout)["complete"] is False


def test_the_outcomes_say_it_too(folder: Path) -> None:
    settings = Settings(cache=folder / ".bench")
    report = benchmark.report(output=folder / "reports", settings=settings)
    assert (report.complete, report.exit_code) == (False, 1)
    assert report.problems == (f"lost is incomplete: verification: {KILLED}",)
    assert benchmark.recommend(settings=settings).complete is False
    part = benchmark.report(models=["good", "other"], output=folder / "part", settings=settings)
    assert (part.complete, part.exit_code) == (True, 0)
    assert '"complete": true' in (folder / "part" / "leaderboard.json").read_text()
