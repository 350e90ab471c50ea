import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command_line import Bench
from tests.support.finished_runs import FinishedRun, corpus, verification


@pytest.fixture
def finished(tmp_path: Path) -> FinishedRun:
    """Give a run on long recordings that are gone."""
    acted = corpus("acted", speakers=40)
    clips = tuple(replace(clip, duration_s=20.0 + index % 7) for index, clip in enumerate(acted.clips))
    run = FinishedRun(tmp_path / ".bench", acted.model_copy(update={"clips": clips}))
    run.add(verification("good"), wrong=0.2)
    run.save()
    return run


@pytest.mark.usefixtures("finished")
def test_it_shows_a_verdict_a_table_and_the_labels_that_settle_the_doubt(bench: Bench, tmp_path: Path) -> None:
    ended = bench("drift", "demo:", "--no-find-speech")
    assert ended.returncode == 0, ended.stderr
    assert "demo differs from acted in duration (" in ended.stdout
    assert "clips of each speaker" in ended.stdout
    assert (tmp_path / "reports" / "drift.md").read_text() in ended.stdout
    strict = bench("drift", "demo:", "--no-find-speech", "--strict", "--json")
    assert strict.returncode == 1
    shown = json.loads(strict.stdout)
    assert (shown["drifted"], shown["old"]["units"], shown["candidate"]) == (True, 40, "good")
    assert json.loads((tmp_path / "reports" / "drift.json").read_text()).keys() == shown.keys()


def test_a_run_with_several_corpora_needs_one_to_compare_with(bench: Bench, tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus("acted"), corpus("calls"))
    run.add(verification("good"))
    run.save()
    ended = bench("drift", "demo:", "--no-find-speech")
    assert (ended.returncode, "by --against: acted, calls" in ended.stderr) == (2, True)


@pytest.mark.usefixtures("finished")
def test_recordings_that_do_not_exist_are_one_sentence(bench: Bench) -> None:
    ended = bench("drift", "nowhere")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
