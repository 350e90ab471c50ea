"""What a stranger reads at the end of a command: what speaks against the result, and the next command."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.api.corpus import DescribeOutcome
from benchmark.api.verify import VerifyOutcome
from benchmark.results.environment import Environment
from benchmark.results.status import Status
from benchmark.results.verification import VerificationReport
from benchmark.scoring.corpus_description import describe
from tests.support.command_line import bench_here
from tests.support.finished_runs import WHEN, FinishedRun, corpus, verification

RUN = "bench run --candidates 'my registry.yaml' --no-repair-heads --corpus FOLDER"


def last_note(folder: Path, *command: str) -> str:
    ended = bench_here(*command, folder=folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("speakers", "wrongs", "labelled", "next_step"),
    [
        (24, (0.1, 0.5), True, "Next: `bench recommend --run mine` chooses by your limits."),
        (4, (0.1, 0.5), True, "`bench plan --run mine` says how many more speakers would decide."),
        (24, (0.1,), True, "with a second -m to compare it with another; stored answers are not computed again."),
        (12, (0.75, 0.76), True, "or train one: `bench train --corpus folder:acted`."),
        (4, (0.1, 0.5), False, "Next: `bench next --run mine` chooses the clips to label first."),
    ],
    ids=["decided", "few speakers", "one candidate", "all at chance", "no labels"],
)  # fmt: skip
def test_a_run_ends_with_what_to_do_next(
    tmp_path: Path, speakers: int, wrongs: tuple[float, ...], labelled: bool, next_step: str
) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus(speakers=speakers, labelled=labelled))
    for number, wrong in enumerate(wrongs):
        run.add(verification(f"candidate-{number}"), wrong=wrong, seed=number)
    run.save(name="mine")
    note = last_note(tmp_path, "report", "--run", "mine")
    assert note.startswith("Open reports/leaderboard.html. Next: ")
    assert note.endswith(next_step)


def test_where_nobody_knows_who_speaks_the_next_step_is_to_say_so(tmp_path: Path) -> None:
    known = corpus()
    clips = tuple(replace(clip, speaker=None) for clip in known.clips)
    run = FinishedRun(tmp_path / ".bench", known.model_copy(update={"clips": clips}))
    for number in range(2):
        run.add(verification(f"candidate-{number}"), seed=number)
    run.save()
    assert "Next: say who speaks, by --column speaker=NAME or --speaker-pattern" in last_note(tmp_path, "report")


def test_what_speaks_against_the_best_stands_below_it_and_what_is_said_already_does_not(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus(speakers=4))
    run.add(verification("good"), wrong=0.1)
    run.add(verification("constant"), always="neutral", seed=1)
    run.save()
    shown = bench_here("report", folder=tmp_path).stdout
    _, doubts = shown.split("Before you trust this on **acted**:")
    assert "- **few-speakers**: " in doubts
    assert "majority-like" not in doubts  # it is another's


def test_a_recommendation_ends_with_the_pick_and_how_to_use_it(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus())
    run.add(verification("good"), wrong=0.1)
    run.save()
    kept = "`bench recommend --write chosen.yaml` keeps it, at its revision, for `bench predict`."
    assert last_note(tmp_path, "recommend") == f"The pick is good. Next: {kept}"
    used = "`bench predict --candidates chosen.yaml good RECORDING` shows what it answers."
    assert last_note(tmp_path, "recommend", "--write", "chosen.yaml").endswith(used)


def test_a_comparison_ends_with_what_changed_and_how_to_keep_it(tmp_path: Path) -> None:
    for name, wrong in (("old", 0.1), ("new", 0.6)):
        run = FinishedRun(tmp_path / ".bench", corpus())
        run.add(verification("model", revision=name), wrong=wrong)
        run.save(name=name)
    note = last_note(tmp_path, "compare", "old", "new")
    assert note.startswith("Of 1 row that both runs have, UAR rose beyond chance in 0 and fell in 1. Next: -o FILE")


@pytest.mark.parametrize(
    ("statuses", "next_step"),
    [
        (
            (Status.USABLE, Status.USABLE, Status.NO_HEAD),
            f"Next: `{RUN}` measures the 2 usable ones on your recordings.",
        ),
        ((Status.NO_HEAD,), "None of them can be used: name others with -m, such as one that `bench candidates` lists"),
    ],
)
def test_a_verification_ends_with_the_run_of_the_same_candidates(
    tmp_path: Path, statuses: tuple[Status, ...], next_step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidates = tuple(verification(f"c{number}", status=status) for number, status in enumerate(statuses))
    report = VerificationReport(created=WHEN, registry="r.yaml", environment=Environment.here(), candidates=candidates)
    monkeypatch.setattr("benchmark.workers.process.start_server", lambda _folder: None)
    monkeypatch.setattr("benchmark.api.verify.verify_with", lambda _options: VerifyOutcome(report=report))
    assert last_note(tmp_path, "verify", "--candidates", "my registry.yaml", "--no-repair-heads").startswith(next_step)


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"speakers": 9}, "4 emotions in 108 clips of 9 speakers can be scored."),
        ({"speakers": 1}, "4 emotions in 12 clips can be scored, but 1 known speaker is too few to choose a candidate"),
        ({"labelled": False}, "Without labels no candidate can be scored, only how varied its answers are."),
    ],
)
def test_the_description_of_a_corpus_ends_with_what_it_is_good_for_and_the_run_on_it(
    tmp_path: Path, fields: dict[str, Any], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = corpus(**fields)
    described = describe(record, [None] * len(record.clips), created=WHEN)
    outcome = DescribeOutcome(description=described)
    monkeypatch.setattr("benchmark.api.corpus.describe_corpus_with", lambda _options: outcome)
    (tmp_path / "calls.csv").touch()
    note = last_note(tmp_path, "corpus", "calls.csv", "--column", "label=Emotion Code")
    assert note.startswith(verdict)
    assert note.endswith("Next: `bench run --column 'label=Emotion Code' --corpus calls.csv`.")
