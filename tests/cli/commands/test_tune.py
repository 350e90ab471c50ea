import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.results.cache_entries import CacheKind
from benchmark.results.cache_listing import list_cache
from tests.support.command_line import Bench
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.tunings import distorted_run
from tests.support.without_torch import bench_without_torch


def stored(folder: Path) -> list[str | None]:
    return [entry.candidate for entry in list_cache(folder / ".bench").entries if entry.kind is CacheKind.TUNINGS]


def test_it_brings_confidence_and_accuracy_together_and_stores_what_does_so(bench: Bench, tmp_path: Path) -> None:
    distorted_run(tmp_path / ".bench", factor=3.0, anger=4.0)
    ended = bench("tune", "model", "--corpus", "acted")
    assert ended.returncode == 0, ended.stderr
    tuning = json.loads((tmp_path / "reports" / "tuning.json").read_text())
    before, _, after = tuning["scores"]
    assert before["ece"] > 0.1
    assert after["ece"] < 0.06
    assert after["uar"] > before["uar"]
    assert (tuning["method"], tuning["verdict"]) == ("temperature and prior", "better")
    assert tuning["accepted"]["low"] <= 0.1
    assert tuning["accepted"]["coverage"] > 0.4
    assert [point["clips"] for point in tuning["curve"]][-1] == tuning["clips"] == 256
    assert tuning["curve"][0]["error"] < tuning["curve"][-1]["error"]
    assert all(point["low"] <= point["error"] <= point["high"] for point in tuning["curve"])
    assert stored(tmp_path) == ["org/model"]
    text = (tmp_path / "reports" / "tuning.md").read_text()
    assert ended.stdout == text
    assert text.rstrip().endswith("Next: `bench predict --tuned model FILE…` applies it.")
    assert json.loads(bench("tune", "model", "--json").stdout)["applied"]["temperature"] == pytest.approx(3, rel=0.25)


def test_thresholds_alone_are_stored_where_the_answers_are_calibrated_already(bench: Bench, tmp_path: Path) -> None:
    distorted_run(tmp_path / ".bench")
    ended = bench("tune", "model", "--json")
    assert ended.returncode == 0, ended.stderr
    tuning = json.loads(ended.stdout)
    assert (tuning["verdict"], tuning["applied"]["temperature"]) == ("calibrated", 1.0)
    assert all(emotion["threshold"] > 0.4 for emotion in tuning["applied"]["emotions"])
    assert stored(tmp_path) == ["org/model"]


def test_a_promise_that_cannot_be_kept_names_one_that_can(bench: Bench, tmp_path: Path) -> None:
    distorted_run(tmp_path / ".bench", factor=3.0, separation=0.8)
    refused = bench("tune", "model")
    command = refused.stdout.rstrip().rpartition("Next: `bench ")[2].partition("`")[0]
    assert command.startswith("tune model --max-error 0.")
    assert bench(*command.split()).returncode == 0


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"factor": 3.0, "separation": 0.8}, "no thresholds keep at most 0.10 wrong answers"),
        ({"speakers": 3, "repeats": 20}, "too few speakers or clips to say whether it helps"),
        ({"factor": 1.2, "speakers": 4, "repeats": 16}, "it does not help with speakers that it has not seen"),
    ],
)
def test_what_does_not_hold_exits_1_and_stores_nothing(
    bench: Bench, tmp_path: Path, run: dict[str, Any], reason: str
) -> None:
    distorted_run(tmp_path / ".bench", **run)
    ended = bench("tune", "model")
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert "Nothing is stored." in ended.stdout
    assert stored(tmp_path) == []


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"speakers": 2, "repeats": 30}, "2 known speakers, and a tuning that is to hold for others needs 3"),
        ({"speakers": 8, "repeats": 3}, "96 labelled clips with an answer and a known speaker"),
        ({"labelled": False}, "give labels and speakers"),
    ],
)
def test_too_few_speakers_or_labels_are_a_reason(
    bench: Bench, tmp_path: Path, run: dict[str, Any], reason: str
) -> None:
    distorted_run(tmp_path / ".bench", **run)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "tuning.md").write_text("of a former tuning")
    ended = bench("tune", "model")
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert list((tmp_path / "reports").iterdir()) == []


def test_a_candidate_that_was_trained_on_the_corpus_is_not_tuned_on_it(bench: Bench, tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus(repeats=8))
    run.add(verification("model", trained_on=("acted",)))
    run.save()
    ended = bench("tune", "model")
    assert ended.returncode == 1
    assert "was trained on clips of acted" in ended.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("other",), "`bench run -m other --corpus SPEC` makes its answers"),
        (("model", "--corpus", "table:calls.csv"), "`bench run -m model --corpus table:calls.csv` makes its answers"),
        (("model", "--max-error", "0"), "0.01 to 0.5"),
    ],
)
def test_without_stored_answers_it_names_the_command_that_makes_them(
    bench: Bench, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    distorted_run(tmp_path / ".bench")
    ended = bench("tune", *words)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_corpus_can_be_named_by_its_source_and_torch_is_never_loaded(tmp_path: Path) -> None:
    run = distorted_run(tmp_path / ".bench", factor=3.0)
    ended = bench_without_torch("tune", "org/model", "--corpus", "folder:acted", folder=tmp_path, cache=run.cache)
    assert ended.returncode == 0, ended.stderr
