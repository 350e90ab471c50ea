"""Tables of answers beside models, by the command line."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.demo.files import demo_clips
from tests.support.command_line import Bench, bench_here, failure

TWIN = "reports/predictions.parquet#wav2vec2-english"
MODEL = ("--candidates", "demo", "-m", "wav2vec2-english", "--corpus", "demo", "--latency-seconds", "0")


@pytest.fixture
def folder(demo: Path, tmp_path: Path) -> Path:
    """A folder with what a run on the demo has left."""
    return shutil.copytree(demo, tmp_path / "demo")


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "reports" / "leaderboard.json").read_text(encoding="utf-8"))["rows"]
    return {row["candidate"]: row for row in rows}


def own_answers(folder: Path) -> pd.DataFrame:
    answers = pd.read_parquet(folder / "reports" / "predictions.parquet")
    return answers[answers["candidate"] == "wav2vec2-english"].drop_duplicates("clip_hash")


def test_the_table_of_a_models_own_answers_is_its_twin_with_equal_scores(folder: Path) -> None:
    answers = own_answers(folder)
    lengths = {clip.name: clip.waveform().duration_s for clip in demo_clips()}
    timed = [clip in lengths and clip != "f1-anger-t1" for clip in answers["clip"]]
    answers["seconds"] = [0.5 if is_timed else None for is_timed in timed]
    answers[["clip", "predicted", "seconds"]].to_csv(folder / "answers.csv", index=False)
    tables = ("--predictions", f"twin={TWIN}", "--predictions", "answers=answers.csv")
    ended = bench_here("run", *MODEL, *tables, "--price-per-hour", "2", folder=folder)
    assert ended.returncode == 0, ended.stderr
    model, twin, single = (rows_of(folder)[name] for name in ("wav2vec2-english", "twin", "answers"))
    for column in ("uar", "uar_low", "uar_high", "accuracy", "macro_f1", "effective_emotions", "clips", "rank"):
        assert twin[column] == single[column] == model[column], column
    assert twin["ece"] == pytest.approx(model["ece"], abs=1e-6)
    assert single["ece"] is None
    assert (twin["head"], twin["device"], twin["latency_p50_ms"]) == ("imported", "elsewhere", None)
    assert "near-twins" in twin["flags"]
    assert "stated-latency" not in twin["flags"]
    assert "stated-latency" in single["flags"]
    assert (single["latency_p50_ms"], single["latency_calls"]) == (500, 111)
    seconds = sum(length for clip, length in lengths.items() if clip != "f1-anger-t1")
    assert single["rtfx"] == pytest.approx(seconds / (0.5 * 111))
    assert (single["latency_ratio"], single["cost_per_hour"]) == (None, None)
    pairs = list(csv.DictReader((folder / "reports" / "pairs.csv").open(encoding="utf-8")))
    assert len(pairs) == 3


def test_clips_without_an_answer_are_misses_and_are_counted(folder: Path) -> None:
    answers = own_answers(folder)[["clip", "emotion"]].rename(columns={"emotion": "predicted"}).dropna()
    answers.iloc[:10, 1] = "unknown"
    answers.iloc[10:].iloc[:-10].to_csv(folder / "right.csv", index=False)
    answers.to_csv(folder / "refused.csv", index=False)
    tables = ("--predictions", "right=right.csv", "--predictions", "refused=refused.csv", "--candidates", "demo")
    ended = bench_here(
        "run", *tables, "-m", "wav2vec2-english", "--corpus", "demo", "--latency-seconds", "0", folder=folder
    )
    assert ended.returncode == 0, ended.stderr
    assert "refused: its table answers 102 of 112 clips of demo; 10 rows hold no answer." in ended.stderr
    assert (
        "right: its table answers 92 of 112 clips of demo; 20 clips have no row, and count as misses." in ended.stderr
    )
    rows = rows_of(folder)
    assert rows["refused"]["accuracy"] == pytest.approx(102 / 112)
    assert rows["right"]["accuracy"] == pytest.approx(92 / 112)
    assert rows["right"]["failed_clips"] == 20


def test_tables_alone_start_no_model_and_are_not_what_predict_or_a_registry_takes(folder: Path) -> None:
    answers = own_answers(folder)[["clip", "emotion"]].rename(columns={"emotion": "predicted"}).dropna()
    answers.to_csv(folder / "answers.csv", index=False)
    (folder / "mine.yaml").write_text(
        "version: 1\ncandidates:\n  - {id: vendor-x, predictions: answers.csv, trained_on: []}\n"
        "corpora:\n  demo: {source: 'demo:'}\n", encoding="utf-8",
    )  # fmt: skip

    def bench(*arguments: str) -> Any:
        return bench_here(*arguments, folder=folder)

    ended = bench("run", "--candidates", "mine.yaml", "--latency-seconds", "0")
    assert ended.returncode == 0, ended.stderr
    assert set(rows_of(folder)) == {"vendor-x"}
    assert rows_of(folder)["vendor-x"]["uar"] == 1.0
    assert "sadness" in bench("labels", "--candidates", "mine.yaml", "vendor-x").stdout
    assert "The pick is vendor-x, a table of answers" in bench("recommend").stderr
    assert "tables of answers" in failure(bench("recommend", "--write", "chosen.yaml"), 2)
    assert "It is a table of answers" in failure(
        bench("predict", "--candidates", "mine.yaml", "vendor-x", "answers.csv"), 2
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("vendor-x", "wants NAME=FILE"),
        ("vendor-x=nowhere.csv", "there is no file nowhere.csv"),
        ("vendor-x=empty.csv", "is empty"),
        ("wav2vec2-english=answers.csv", "another candidate has this name"),
    ],
)
def test_a_wrong_table_is_exit_2_before_anything_is_run(bench: Bench, tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    (tmp_path / "answers.csv").write_text("file,predicted\na.wav,anger\nb.wav,sad\n", encoding="utf-8")
    assert message in failure(bench("run", *MODEL, "--predictions", table), 2)


def test_a_table_of_another_corpus_is_a_failure(folder: Path) -> None:
    (folder / "answers.csv").write_text("file,predicted\na.wav,anger\nb.wav,sad\n", encoding="utf-8")
    ended = bench_here("run", *MODEL, "--predictions", "other=answers.csv", folder=folder)
    assert ended.returncode == 1
    assert "No row of its table is a clip of demo: it has a.wav, b.wav, and the corpus " in ended.stderr
