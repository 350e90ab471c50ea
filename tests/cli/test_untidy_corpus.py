"""A new user with an untidy corpus and a deadline: three commands to a recommendation, without any YAML."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command_line import bench_here, failure
from tests.support.untidy_corpus import BROKEN, CLIPS, COLUMNS, STRAY, UNNAMED, UntidyClip, write_untidy_corpus

WIDTH = 100
# Two checkpoints of the package, a few thousand weights each.
CANDIDATES = ("--candidates", "demo", "-m", "wav2vec2-english", "-m", "hubert-german")
PICK = "hubert-german"
FEW = ("--limit", "8")
QUICK = ("--latency-seconds", "0.2")


@dataclass(frozen=True)
class Visit:
    """What was there, and what three commands said in a terminal."""

    folder: Path
    clips: list[UntidyClip]
    corpus: "subprocess.CompletedProcess[str]"
    run: "subprocess.CompletedProcess[str]"
    recommend: "subprocess.CompletedProcess[str]"


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    folder = tmp_path_factory.mktemp("anrufe")
    clips = write_untidy_corpus(folder)

    def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return bench_here(*arguments, folder=folder, columns=WIDTH, NO_COLOR="1", TERM="dumb")

    return Visit(
        folder,
        clips,
        bench("corpus", "anrufe.csv", *COLUMNS, "--candidates", "demo"),
        bench("run", "--corpus", "anrufe.csv", *COLUMNS, *CANDIDATES, *QUICK, "--name", "anrufe"),
        bench("recommend"),
    )


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_three_commands_lead_to_a_recommendation_without_yaml(visit: Visit) -> None:
    for ended in (visit.corpus, visit.run, visit.recommend):
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr
        assert max(map(len, ended.stdout.splitlines())) <= WIDTH
        assert "**" not in ended.stdout
    assert f"Take {PICK}: UAR " in one_line(visit.recommend.stdout)
    assert "expect about 0." in one_line(visit.recommend.stdout)
    assert f"The pick is {PICK}. Next: `bench recommend --write" in one_line(visit.recommend.stderr)
    assert not list(visit.folder.rglob("*.yaml"))


def test_all_formats_are_read_and_the_broken_file_is_left_out_and_named(visit: Visit) -> None:
    described = json.loads((visit.folder / "reports/corpus-anrufe.json").read_text("utf-8"))
    assert described["available_clips"] == CLIPS
    unread = [clip["clip"] for clip in described["clips"] if clip["clip_hash"] is None]
    assert unread == [visit.clips[BROKEN].path]
    assert set(described["sampling_rates"]) == {"16000", "44100"}
    assert set(described["channels"]) == {"1", "2"}
    assert {Path(clip["clip"]).suffix for clip in described["clips"]} == {".wav", ".mp3", ".m4a"}


def test_what_is_left_out_stands_in_one_list_with_the_culprit_and_the_remedy(visit: Visit) -> None:
    for ended in (visit.corpus, visit.run):
        shown = one_line(ended.stdout)
        assert shown.count("Left out, or treated specially:") == 1
        listed = shown.split("Left out, or treated specially:")[1]
        for said in (
            f"1 of {CLIPS} clips cannot be read, such as {visit.clips[BROKEN].path}",
            f"1 of {CLIPS - 1} clips names no speaker, such as {visit.clips[UNNAMED].path}",
            f"of annoyance, such as {visit.clips[STRAY].path}",
            "--merge annoyance=anger",
            "--only-label",
            "--rare-classes drop",
        ):
            assert said in listed


def test_one_missing_speaker_and_one_stray_label_cost_nobody_the_ranking(visit: Visit) -> None:
    board = json.loads((visit.folder / "reports/leaderboard.json").read_text("utf-8"))
    ranks = {row["candidate"]: (row["rank"], row["interval"]) for row in board["rows"]}
    assert {rank is not None and interval.startswith("speakers") for rank, interval in ranks.values()} == {True}
    shown = one_line(visit.run.stdout)
    assert "over 4 emotions without annoyance (1 clip)" in shown
    dropped = bench_here("report", "--rare-classes", "drop", "-o", "dropped", folder=visit.folder)
    assert dropped.returncode == 0, dropped.stderr
    rows = json.loads((visit.folder / "dropped/leaderboard.json").read_text("utf-8"))["rows"]
    (kept,), (without,) = ([row["uar"] for row in some if row["candidate"] == PICK] for some in (board["rows"], rows))
    assert without > kept + 0.1  # the stray clip takes a fifth of UAR


def test_the_run_ends_with_a_verdict_its_doubts_and_the_next_command(visit: Visit) -> None:
    verdict = one_line(visit.run.stdout).rsplit("On anrufe", 1)[1]
    assert f"{PICK}, UAR " in verdict
    assert "Before you trust this on anrufe: • failed-clips:" in one_line(visit.run.stdout)
    end = one_line(visit.run.stderr)
    assert "Open reports/leaderboard.html. Next: `bench recommend` chooses by your limits" in end
    assert "117 clips of 10 speakers can be scored. Next: `bench run " in one_line(visit.corpus.stderr)


def test_the_run_is_listed_and_chosen_by_its_name(visit: Visit) -> None:
    listed = json.loads(bench_here("runs", "--json", folder=visit.folder).stdout)["runs"]
    assert [(run["name"], run["summary"]["corpora"]) for run in listed] == [("anrufe", ["anrufe"])]
    assert bench_here("recommend", "--run", "anrufe", folder=visit.folder).returncode == 0


def test_columns_of_other_names_are_listed_and_likely_ones_suggested(visit: Visit) -> None:
    error = failure(bench_here("corpus", "anrufe.csv", folder=visit.folder))
    assert "it has Datei, Emotion_Code, Agent, Datum. Say which by `--column file=NAME`" in error
    ended = bench_here("corpus", "anrufe.csv", "--column", "file=Datei", *FEW, "-o", "file-only", folder=visit.folder)
    assert "unused are Emotion_Code, Agent, Datum: did you mean `--column label=Emotion_Code`?" in ended.stdout
    wrong = ("--column", "file=Datei", "--column", "label=Datum", *FEW, "-o", "wrong")
    ended = bench_here("corpus", "anrufe.csv", *wrong, folder=visit.folder)
    assert "No label of anrufe means an emotion (01.03.2026)" in failure(ended, 1)
