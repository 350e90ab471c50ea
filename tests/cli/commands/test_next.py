import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command_line import Bench
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.without_torch import bench_without_torch


@pytest.fixture
def finished(tmp_path: Path) -> FinishedRun:
    """Give a run of two candidates on a table of recordings without labels."""
    calls = corpus("calls", labelled=False, source=f"table:{tmp_path / 'calls' / 'calls.csv'}")
    rows = [("file", "speaker"), *((f"{clip.clip}.wav", clip.speaker) for clip in calls.clips)]
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "calls.csv").write_text("\n".join(f"{file},{speaker}" for file, speaker in rows) + "\n")
    clips = tuple(replace(clip, clip=f"{clip.clip}.wav") for clip in calls.clips)
    run = FinishedRun(tmp_path / ".bench", calls.model_copy(update={"clips": clips}))
    run.add(verification("good"), wrong=0.2)
    run.add(verification("second"), wrong=0.4, seed=1)
    run.save()
    return run


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("purpose", ["pick", "score"])
def test_it_writes_a_table_to_fill_in_and_a_page_that_plays_the_clips(
    bench: Bench, tmp_path: Path, purpose: str
) -> None:
    ended = bench("next", 16, "--for", purpose, "--write", "labels/todo.csv")
    assert ended.returncode == 0, ended.stderr
    assert "bench run --corpus table:labels/todo.csv" in ended.stdout
    rows = rows_of(tmp_path / "labels" / "todo.csv")
    assert [row["label"] for row in rows] == [""] * 16
    assert {row["chosen_for"] for row in rows} == {purpose}
    assert len({row["speaker"] for row in rows}) == 8
    assert all(row["file"].startswith("../calls/calls/") for row in rows)
    page = (tmp_path / "labels" / "todo.html").read_text()
    assert page.count("<audio controls") == 16
    assert rows[0]["file"] in page
    assert "good" not in page


@pytest.mark.usefixtures("finished")
def test_clips_that_were_filled_in_stand_first_and_are_not_chosen_again(bench: Bench, tmp_path: Path) -> None:
    bench("next", 8, "--write", "one.csv")
    first = rows_of(tmp_path / "one.csv")
    text = (tmp_path / "one.csv").read_text().replace(",,", ",anger,")
    (tmp_path / "one.csv").write_text(text)
    ended = bench("next", 8, "--write", "two.csv", "--filled", "one.csv", "--json")
    assert ended.returncode == 0, ended.stderr
    both = rows_of(tmp_path / "two.csv")
    assert [row["file"] for row in both[:8]] == [row["file"] for row in first]
    assert [row["label"] for row in both] == ["anger"] * 8 + [""] * 8
    assert len({row["file"] for row in both}) == 16
    assert json.loads(ended.stdout)["left"] == 96 - 8
    mixed = bench("next", 8, "--for", "score", "--write", "three.csv", "--filled", "one.csv")
    assert (mixed.returncode, "do not mix" in mixed.stderr) == (2, True)


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("8", "--write", "todo.txt"), "has to end in .csv"),
        (("0", "--write", "todo.csv"), "give"),
        (("8", "--write", "calls/calls.csv"), "--force"),
        (("8", "--write", "todo.csv", "-m", "good"), "by 2 or more candidates"),
        (("8", "--write", "todo.csv", "--filled", "calls/calls.csv"), "was chosen for nothing"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence(bench: Bench, words: tuple[str, ...], reason: str) -> None:
    ended = bench("next", *words)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


def test_recordings_that_are_gone_and_corpora_with_labels_are_refused(
    finished: FinishedRun, bench: Bench, tmp_path: Path
) -> None:
    labelled = FinishedRun(finished.cache, corpus("acted"))
    labelled.add(verification("good"))
    labelled.add(verification("second"), seed=1)
    labelled.save()
    gone = bench("next", 8, "--write", "todo.csv")
    assert (gone.returncode, "run this in the folder of the run" in gone.stderr) == (2, True)
    assert not (tmp_path / "todo.csv").exists()


def test_it_never_loads_torch(finished: FinishedRun, tmp_path: Path) -> None:
    target = tmp_path / "todo.csv"
    ended = bench_without_torch("next", "4", "--write", str(target), folder=tmp_path, cache=finished.cache)
    assert ended.returncode == 0, ended.stderr
