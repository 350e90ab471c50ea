from pathlib import Path

import pytest

from tests.support.command_line import Bench
from tests.support.finished_runs import FinishedRun, corpus, verification


@pytest.mark.parametrize("command", [("recommend",), ("report",), ("ensemble", "good", "fast")])
def test_which_finished_run_a_result_rests_on_is_said_unless_it_has_to_be_quiet(
    command: tuple[str, ...], bench: Bench, tmp_path: Path
) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus())
    run.add(verification("good"), wrong=0.1, ms=100.0)
    run.add(verification("fast"), wrong=0.3, ms=10.0, seed=1)
    run.save()
    ended = bench(*command)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.startswith("From the run of 2026-03-01 09:05 UTC on candidates.yaml\n")
    assert "From the run" not in ended.stdout
    assert bench(*command, "--quiet").stderr == ""
