import json
from dataclasses import replace
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


UNNAMED = "1 of 97 clips names no speaker, such as acted/0/anger/0: it counts in scores, and is left out of intervals"
STRAY = "1 clip is all of annoyance, such as stray: scored, and left out of intervals, pairs and ranks; --merge"


@pytest.fixture
def untidy(tmp_path: Path) -> None:
    """A run on a corpus with one clip of unknown speaker and one of an emotion that no other has."""
    clean = corpus()
    stray = replace(clean.clips[0], clip="stray", clip_hash="stray", label="annoyance")
    clips = (replace(clean.clips[0], speaker=None), *clean.clips[1:], stray)
    run = FinishedRun(tmp_path / ".bench", clean.model_copy(update={"clips": clips, "available_clips": len(clips)}))
    run.add(verification("good"), wrong=0.1, ms=100.0)
    run.add(verification("bad"), wrong=0.7, ms=10.0, seed=1)
    run.save()


@pytest.mark.usefixtures("untidy")
def test_what_a_run_leaves_out_stands_in_one_list_of_each_report_and_the_headline_names_the_emotions(
    bench: Bench, tmp_path: Path
) -> None:
    ended = bench("report")
    assert ended.returncode == 0, ended.stderr
    headline = "over 4 emotions without *annoyance* (1 clip), the best is **good**"
    markdown = (tmp_path / "reports/leaderboard.md").read_text(encoding="utf-8")
    page = (tmp_path / "reports/leaderboard.html").read_text(encoding="utf-8")
    board = json.loads((tmp_path / "reports/leaderboard.json").read_text(encoding="utf-8"))
    for text in (ended.stdout, markdown):
        assert text.count(UNNAMED) == text.count(STRAY) == 1
        assert headline in text
    assert page.count(UNNAMED) == page.count(STRAY) == 1
    assert [line["kind"] for line in board["corpora"][0]["left_out"]] == ["no-speaker", "rare-class"]
    best = board["rows"][0]
    assert (best["candidate"], best["rank"], best["interval"]) == ("good", 1, "speakers")
    assert best["uar"] < best["uar_low"] < best["compared_uar"] < best["uar_high"], "a miss of five, and none of four"


@pytest.mark.usefixtures("untidy")
def test_rare_classes_are_dropped_wherever_a_stored_run_is_scored(bench: Bench) -> None:
    drop = ("--rare-classes", "drop")
    assert "removed by --rare-classes drop" in bench("report", *drop).stdout
    rows = json.loads(bench("ensemble", "good", "bad", *drop, "--json").stdout)["rows"]
    assert {row["clips"] for row in rows} == {96}
    picked = json.loads(bench("recommend", *drop, "--json").stdout)
    kept = json.loads(bench("recommend", "--json").stdout)
    assert picked["pick"] == kept["pick"] == "good"
    assert picked["choices"][0]["uar_low"] == kept["choices"][0]["uar_low"], "intervals leave them out either way"
    refused = bench("compare", "reports", "reports", *drop)
    assert refused.returncode == 2
    assert "write it again with `bench report --rare-classes`" in refused.stderr
