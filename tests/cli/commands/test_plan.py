import json
from pathlib import Path

import pytest

from tests.support.command_line import Bench
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.without_torch import bench_without_torch


@pytest.fixture
def finished(tmp_path: Path) -> FinishedRun:
    run = FinishedRun(tmp_path / ".bench", corpus())
    run.add(verification("good"), wrong=0.2)
    run.add(verification("second"), wrong=0.3, seed=1)
    run.add(verification("third"), wrong=0.5, seed=2)
    run.save()
    return run


@pytest.mark.usefixtures("finished")
def test_it_plans_for_the_best_of_all_and_for_two_that_are_named(bench: Bench) -> None:
    ended = bench("plan")
    assert ended.returncode == 0, ended.stderr
    assert "To tell **good** from the other 2 candidates" in ended.stdout
    assert "This run has 8 speakers with 96 clips" in ended.stdout
    two = bench("plan", "-m", "good", "-m", "third", "--difference", 0.05, "--json")
    (plan,) = json.loads(two.stdout)["corpora"]
    assert (plan["candidates"], plan["difference"]) == (["good", "third"], 0.05)
    assert [design["clips_per_speaker"] for design in plan["designs"]] == [6, 12, 24, 48]


def test_it_plans_without_a_run_and_says_what_it_assumes(bench: Bench) -> None:
    ended = bench("plan", "--assume-uar", 0.6, "--assume-candidates", 5)
    assert ended.returncode == 0, ended.stderr
    assert "To find a difference in UAR of 0.10 in 80 % of such studies." in ended.stdout
    assert "5 candidates: the best has a UAR of 0.6, each other one 0.5." in ended.stdout


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("-m", "good"), 1, "acted: A plan needs two candidates that can be compared."),
        (("-m", "nobody"), 2, "nobody"),
        (("--assume-uar", "0.05"), 2, "lower --difference"),
        (("--assume-uar", "0.6", "-m", "good"), 2, "plans without a run"),
        (("--power", "1"), 2, "0.5 to 0.99"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(bench: Bench, words: tuple[str, ...], code: int, reason: str) -> None:
    ended = bench("plan", *words)
    assert ended.returncode == code
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_never_loads_torch(finished: FinishedRun, tmp_path: Path) -> None:
    ended = bench_without_torch("plan", folder=tmp_path, cache=finished.cache)
    assert ended.returncode == 0, ended.stderr
