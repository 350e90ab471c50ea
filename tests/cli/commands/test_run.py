import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import soundfile
from sklearn.metrics import accuracy_score, recall_score

from benchmark.audio.perturbation import CUES
from benchmark.demo.files import registry_path
from benchmark.registry.loading import load_registry
from benchmark.results.runs import list_runs
from tests.support.command_line import Bench, bench_here, failure, run_bench
from tests.support.lost_workers import ALWAYS, end_workers

ROOT = Path(__file__).parents[3]


def leaderboard(folder: Path) -> dict[str, dict[str, Any]]:
    """Give the rows of the CSV for the labelled corpus, and those without a corpus, by candidate."""
    table = pd.read_csv(folder / "reports" / "leaderboard.csv", dtype={"revision": str})
    table = table[table["corpus"].isna() | (table["corpus"] == "demo")]
    return {row["candidate"]: {str(name): value for name, value in row.items()} for row in table.to_dict("records")}


def test_the_demo_ranks_the_good_ones_and_shows_the_collapsed_one(demo: Path) -> None:
    rows = leaderboard(demo)
    ranked = {name: row for name, row in rows.items() if not math.isnan(row["rank"])}
    assert ranked.keys() >= {
        *("wav2vec2-english", "hubert-german", "wavlm-korean", "ast-english-five", "hubert-always-neutral")
    }
    assert ranked["hubert-always-neutral"]["rank"] == max(row["rank"] for row in ranked.values())
    assert ranked["hubert-always-neutral"]["collapsed"] in (True, "true")
    for good in ("wav2vec2-english", "hubert-german"):
        assert ranked[good]["uar_low"] > 2 / 7
        assert ranked[good]["latency_p50_ms"] > 0


def test_every_candidate_of_the_registry_is_in_every_report_with_a_status(demo: Path) -> None:
    reports = demo / "reports"
    names = {candidate.name for candidate in load_registry(registry_path()).candidates}
    assert leaderboard(demo).keys() == names
    content = json.loads((reports / "leaderboard.json").read_text())
    evaluated = {row["candidate"] for row in content["rows"] if row["corpus"] is not None}
    rejected = {row["candidate"]: row["status"] for row in content["not_evaluated"]}
    assert evaluated | rejected.keys() == names
    assert all(rejected.values())
    assert {row["candidate"] for row in json.loads((reports / "verification.json").read_text())["candidates"]} == names
    assert set(pd.read_csv(reports / "verification.csv")["candidate"]) == names
    printed = (demo / "stdout.txt").read_text()
    leaderboard_page, verification_page = (reports / f"{name}.md" for name in ("leaderboard", "verification"))
    for text in (printed, leaderboard_page.read_text(), verification_page.read_text()):
        assert all(name in text for name in names)
    assert "synthetic" in leaderboard_page.read_text()


def test_the_scores_are_those_of_scikit_learn_on_the_exported_predictions(demo: Path) -> None:
    predictions = pq.read_table(demo / "reports" / "predictions.parquet").to_pandas()
    predictions = predictions[predictions["corpus"] == "demo"]
    rows = leaderboard(demo)
    for candidate, own in predictions.groupby("candidate"):
        truth, predicted, row = own["emotion"], own["predicted"], rows[str(candidate)]
        assert len(own) == 112
        uar = recall_score(truth, predicted, labels=sorted(set(truth)), average="macro", zero_division=0)
        assert row["uar"] == pytest.approx(uar, abs=1e-9)
        assert row["accuracy"] == pytest.approx(accuracy_score(truth, predicted), abs=1e-9)


def test_a_second_run_gives_the_same_scores_and_a_limit_is_announced(demo: Path) -> None:
    before = json.loads((demo / "reports" / "leaderboard.json").read_text())
    ended = bench_here(
        *("run", "--candidates", "demo", "-m", "hubert-german", "--corpus", "demo", "--limit", 14),
        *("--latency-seconds", 0, "--json", "-o", "limited"),
        folder=demo,
    )
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    assert content["limit"] == 14
    assert "14" in (demo / "limited" / "leaderboard.md").read_text().split("##")[0]
    (row,) = content["rows"]
    assert row["clips"] == 14
    assert row["latency_p50_ms"] is None
    assert json.loads((demo / "reports" / "leaderboard.json").read_text()) == before


def test_batches_give_the_answers_of_single_clips_and_are_told(demo: Path) -> None:
    before = json.loads((demo / "reports" / "leaderboard.json").read_text())
    ended = bench_here(
        *("run", "--candidates", "demo", "-m", "ast-english-five", "-m", "wav2vec2-english", "--corpus", "demo"),
        *("--batch-size", 8, "--latency-seconds", 0, "--json", "-o", "batches"),
        folder=demo,
    )
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    assert {record["candidate"]: record["batch"] for record in content["inference"]} == {
        "ast-english-five": 8, "wav2vec2-english": 1,
    }  # fmt: skip
    assert "torch float32, 8 at a time" in (demo / "batches" / "leaderboard.md").read_text()
    assert "wav2vec2-english: torch float32 in batches of 8 was not taken: it hears" in ended.stderr
    scores = [
        {(row["candidate"], row["uar"], row["accuracy"], row["top_emotion"]) for row in rows if row["corpus"] == "demo"}
        for rows in (content["rows"], before["rows"])
    ]
    assert scores[0] <= scores[1]


def test_a_folder_without_labels_gets_everything_but_accuracy(demo: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    for index in range(4):
        soundfile.write(tmp_path / f"call-{index}.wav", random.normal(0, 0.1, 8000), 8000)
    (tmp_path / "broken.wav").write_bytes(b"not audio")
    ended = bench_here(
        *("run", "--candidates", "demo", "-m", "wav2vec2-english", "--corpus", f"folder:{tmp_path}"),
        *("--latency-seconds", 1, "--price-per-hour", 0.5, "--json", "-o", "unlabelled"),
        folder=demo,
    )
    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(ended.stdout)["rows"]
    assert (row["clips"], row["failed_clips"]) == (4, 1)
    assert (row["rank"], row["accuracy"], row["uar"]) == (None, None, None)
    assert row["effective_emotions"] >= 1
    assert row["latency_p50_ms"] > 0
    assert row["cost_per_hour"] == pytest.approx(0.5 / row["rtfx"])
    assert "broken.wav" in (demo / "unlabelled" / "leaderboard.md").read_text()


def test_the_demo_without_labels_is_answered_and_not_scored(demo: Path) -> None:
    predictions = pq.read_table(demo / "reports" / "predictions.parquet").to_pandas()
    table = pd.read_csv(demo / "reports" / "leaderboard.csv")
    for corpus, clips in (("demo-unlabelled", 12), ("demo-long", 1)):
        rows = table[table["corpus"] == corpus]
        assert set(rows["candidate"]) >= {"wav2vec2-english", "hubert-german"}
        assert set(rows["clips"]) == {clips}
        assert rows[["rank", "uar", "accuracy"]].isna().all(axis=None)
        assert rows["flags"].str.contains("no-labels").all()
        answered = predictions[predictions["corpus"] == corpus]
        assert len(answered) == clips * len(rows)
        assert answered["predicted"].notna().all()


def test_the_long_demo_goes_through_in_windows(demo: Path) -> None:
    predictions = pq.read_table(demo / "reports" / "predictions.parquet").to_pandas()
    (clip_hash,) = set(predictions.loc[predictions["corpus"] == "demo-long", "clip_hash"])
    stored = pd.concat(pd.read_parquet(part) for part in (demo / ".bench").rglob("predictions/*/*.parquet"))
    windows = stored.loc[stored["clip_hash"] == clip_hash, "windows"]
    assert len(windows) >= 6
    assert windows.min() >= 3


def test_perturbed_clips_change_nothing_but_what_is_told_of_them_and_cost_nothing_the_second_time(
    demo: Path,
) -> None:
    arguments = ("run", "--candidates", "demo", "-m", "hubert-german", "--corpus", "demo", "--latency-seconds", 0)
    plain = bench_here(*arguments, "--json", "-o", "plain", folder=demo)
    forms = {"BENCH_PERTURB": "telephone,gain:-12dB", "BENCH_ABLATE": "true"}
    both = ("--perturb", "telephone", "--perturb", "gain:-12dB", "--ablate")
    ended = bench_here(*arguments, *both, "-o", "first", folder=demo)
    assert ended.returncode == 0, ended.stderr
    again = bench_here(*arguments, "--json", "-o", "again", folder=demo, **forms)
    content = json.loads(again.stdout)
    assert content["rows"] == json.loads(plain.stdout)["rows"]
    found = {row["perturbation"]: row for row in content["robustness"]}
    assert found["gain:-12dB"]["unchanged"] == 1.0
    assert found["telephone"]["unchanged"] < 0.5
    assert found["telephone"]["uar_loss_low"] > 0.2
    assert set(CUES) < set(found)
    for report in ("leaderboard.md", "leaderboard.html"):
        assert "What they listen to" in (demo / "first" / report).read_text()
    for name in ("robustness.csv", "predictions.parquet"):
        assert (demo / "first" / name).read_bytes() == (demo / "again" / name).read_bytes()
    assert pq.read_table(demo / "again" / "predictions.parquet").num_rows == 112
    assert "How robust" in (demo / "first" / "leaderboard.md").read_text()
    assert not (demo / "plain" / "robustness.csv").exists()


def test_without_usable_candidates_fewer_emotions_are_not_suggested(bench: Bench) -> None:
    models = ("-m", "wav2vec2-ctc", "-m", "wavlm-encoder", "-m", "gone")
    ended = bench("run", "--candidates", "demo", *models, "--corpus", "demo:unlabelled", "--latency-seconds", 0)
    line = failure(ended, 1)
    assert "none is usable (1 wrong-task, 1 no-head, 1 not-found)" in line
    assert "--min-emotions" not in line


def test_a_run_is_listed_with_its_name_its_best_and_its_exit_code(demo: Path) -> None:
    arguments = ("--candidates", "demo", "-m", "hubert-german", "--corpus", "demo:", "--limit", 28)
    quick = ("--latency-seconds", 0, "--no-find-speech", "-o", "named")
    assert bench_here("run", *arguments, *quick, "--name", "first try", folder=demo).returncode == 2
    assert bench_here("run", *arguments, *quick, "--name", "first-try", folder=demo).returncode == 0
    runs = json.loads(bench_here("runs", "--json", folder=demo).stdout)["runs"]
    (run,) = [run for run in runs if run["name"] == "first-try"]
    assert (run["summary"]["corpora"], run["summary"]["clips"], run["summary"]["exit_code"]) == (["demo"], 28, 0)
    (best,) = run["summary"]["best"]
    report = bench_here("report", "--run", "first-try", "--json", "-o", "again", folder=demo)
    (row,) = json.loads(report.stdout)["rows"]
    assert (best["candidate"], best["uar"]) == (row["candidate"], row["uar"])


def test_without_eligible_candidates_the_exit_code_is_1_and_reports_are_written(demo: Path) -> None:
    ended = bench_here("run", "--candidates", "demo", "--min-emotions", 99, "-o", "nobody", folder=demo)
    assert "--min-emotions" in failure(ended, 1)
    assert "hubert-german" in (demo / "nobody" / "failed" / "leaderboard.csv").read_text()
    assert not (demo / "nobody" / "leaderboard.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--corpus", "folder:empty"], "no recording"),
        (["--corpus", "folder:nowhere"], "no folder"),
        (["--corpus", "table:nowhere.csv"], "does not exist"),
        (["--corpus", "floder:empty"], "Unknown kind"),
        (["--corpus", "nonsense"], "--corpus"),
        (["-o", "file/reports"], "--output"),
        (["--merge", "calm"], "calm=neutral"),
        (["--merge", "anger=fear", "--merge", "fear=anger"], "circle"),
        (["-m", "wav2vec2-englsh"], "wav2vec2-english"),
        (["--backend", "openvino", "--batch-size", "8"], "--batch-size"),
        (["--perturb", "noise:20"], "lacks its unit"),
        (["--perturb", "speed:1000"], "out of range"),
        (["--perturb", "clip,clip:0.3"], "twice"),
        (["--focus", "angerr"], "unknown emotion"),
        (["--allow-code", "--metric", "accuracy"], "no such file"),
        (["--by", "age"], "No corpus says anything of 'age'"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_2(bench: Bench, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    assert words in failure(bench("run", "--candidates", "demo", *arguments))


def test_a_cache_that_cannot_be_written_is_reported_before_any_work(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = bench("run", "--candidates", "demo", BENCH_CACHE=str(tmp_path / "file"))
    assert "choose another folder with BENCH_CACHE" in failure(ended)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_run_leaves_nothing_outside_the_cache_and_the_next_one_removes_what_lies_there(
    demo: Path, tmp_path: Path
) -> None:
    outside, cache = tmp_path / "outside", tmp_path / ".bench"
    outside.mkdir()
    two = ("-m", "wav2vec2-english", "-m", "hubert-german", "--corpus", "demo", "--latency-seconds", "0")
    command = ("run", "--candidates", "demo", *two, "--backend", "torch")
    process = subprocess.Popen(
        [sys.executable, "-c", "from benchmark.cli.main import main; main()", *command],
        cwd=tmp_path,
        env={**os.environ, "BENCH_CACHE": str(cache), "PYTHONPATH": str(ROOT), "TMPDIR": str(outside)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(cache.rglob("predictions/**/*.parquet")):
        assert process.poll() is None
        time.sleep(0.05)
    assert list(cache.glob("temporary/bench-*"))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(outside.iterdir()) == []
    again = run_bench(*command, folder=tmp_path, TMPDIR=str(outside))
    assert again.returncode == 0, again.stderr
    assert list(outside.iterdir()) == []
    assert list(cache.glob("temporary/*")) == []
    shown = ["uar", "accuracy", "top_emotion", "clips", "failed_clips"]
    expected = leaderboard(demo)
    for name, row in leaderboard(tmp_path).items():
        assert [row[column] for column in shown] == [expected[name][column] for column in shown]


def test_no_corpus_at_all_is_exit_2_with_an_example(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "candidates.yaml").write_text("version: 1\ncandidates:\n  - id: some/model\n")
    assert "--corpus folder:" in failure(bench("run"))


def test_every_option_has_an_environment_variable(bench: Bench) -> None:
    ended = bench("run", BENCH_CANDIDATES="demo", BENCH_CORPUS="folder:nowhere", BENCH_QUIET="1")
    assert "nowhere" in failure(ended)


def test_a_corpus_of_which_nothing_can_be_read_is_exit_2_with_the_reports_written(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("file,label\ngone.wav,anger\nlost.wav,sadness\n")
    ended = bench("run", "--candidates", "demo", "-m", "wav2vec2-english", "--corpus", "table:clips.csv")
    assert "Not one of the 2 clips of clips can be read, such as gone.wav" in failure(ended)
    assert (tmp_path / "reports" / "failed" / "leaderboard.md").is_file()


TWO = (
    "run",
    "--candidates",
    "demo",
    "-m",
    "hubert-german",
    "-m",
    "wav2vec2-english",
    "--corpus",
    "demo",
    "--limit",
    14,
)
QUICK = ("--latency-seconds", 0.05, "--segment-seconds", 0.3)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which two candidates of the demo have been run; it is copied, never changed."""
    folder = tmp_path_factory.mktemp("two")
    ended = bench_here(*TWO, *QUICK, folder=folder)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def disturbed(two: Path, tmp_path: Path) -> Path:
    """Give a copy of that folder without what was verified, heard and answered."""
    folder = shutil.copytree(two, tmp_path / "disturbed", ignore=shutil.ignore_patterns("temporary"))
    shutil.rmtree(folder / ".bench" / "speech")
    for path in (folder / ".bench").rglob("*"):
        if path.name.startswith(("verification-", "part")):
            path.unlink()
    return folder


KILLS = [
    ("LoadActor", "load", "Loading it failed"),
    ("ModelActor", "load", "could not be loaded again"),
    ("ModelActor", "predict", "ended in the middle of the run"),
    ("ModelActor", "time_calls", "ended while it was timed"),
]


@pytest.mark.parametrize(("actor", "method", "phase"), KILLS)
def test_a_worker_that_is_killed_once_changes_no_score(
    two: Path, disturbed: Path, monkeypatch: pytest.MonkeyPatch, actor: str, method: str, phase: str
) -> None:
    calls = end_workers(monkeypatch, method, actor=actor, of="hubert-german")
    ended = bench_here(*TWO, *QUICK, "--jobs", 2, "--json", folder=disturbed)
    assert ended.returncode == 0, (phase, ended.stderr)
    assert calls.count(method) > 1
    assert json.loads(ended.stdout)["complete"] is True
    before, after = (pd.read_csv(folder / "reports" / "leaderboard.csv") for folder in (two, disturbed))
    scores = [
        column for column in map(str, before) if not column.startswith(("latency", "rtfx", "load_s", "peak", "flag"))
    ]
    pd.testing.assert_frame_equal(before[scores], after[scores])
    assert after["latency_p50_ms"].notna().all()


@pytest.mark.parametrize(("actor", "method", "phase"), KILLS)
def test_a_worker_that_is_killed_twice_is_exit_1_and_named_in_every_output(
    disturbed: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    actor: str,
    method: str,
    phase: str,
) -> None:
    end_workers(monkeypatch, method, actor=actor, of="hubert-german", calls=ALWAYS)
    ended = bench_here(*TWO, *QUICK, "--json", folder=disturbed)
    assert ended.returncode == 1, ended.stderr
    content = json.loads(ended.stdout)
    assert content["complete"] is False
    reports = ["leaderboard.md", "leaderboard.json", "leaderboard.html"]
    if actor == "LoadActor":
        reports += ["verification.md", "verification.csv", "verification.json"]
        assert json.loads((disturbed / "reports" / "verification.json").read_text())["complete"] is False
    outputs = {name: (disturbed / "reports" / name).read_text() for name in reports}
    for name, text in {**outputs, "stderr": ended.stderr.replace("\n", " ")}.items():
        assert "hubert-german" in text, name
        assert phase in text, name
        assert "SIGKILL" in text, name
    assert "**Incomplete**: hubert-german did not come to its end" in outputs["leaderboard.md"]
    name = list_runs(disturbed / ".bench")[0].stem
    bench_here("report", folder=disturbed)
    assert f"{name}.json is incomplete, and is passed over" in caplog.text
    advice = bench_here("recommend", "--run", name, folder=disturbed)
    assert advice.returncode == 1
    assert advice.stdout.startswith("# Recommendation\n\n**The run is incomplete**: hubert-german did not come to its")


def test_where_all_workers_are_killed_the_machine_has_failed(disturbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_workers(monkeypatch, "predict", actor="ModelActor", calls=ALWAYS)
    ended = bench_here(*TWO, *QUICK, folder=disturbed)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_detector_of_speech_that_is_killed_twice_is_exit_1(disturbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_workers(monkeypatch, "share", actor="VoiceActivity", calls=(3, 4))
    ended = bench_here(*TWO, "--latency-seconds", 0, folder=disturbed)
    assert ended.returncode == 1, ended.stderr
    assert "The run is incomplete: the clips of demo were not all read to the end." in ended.stdout
    report = (disturbed / "reports" / "leaderboard.md").read_text()
    assert "**demo**: How much of the clips is speech is not known" in report
