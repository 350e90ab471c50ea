"""Arousal, valence and dominance by the command line: checkpoints and tables that rate them, on their own board."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from transformers import AutoFeatureExtractor

from benchmark.results.dimensions import DimensionBoard
from tests.support.command_line import bench_here, failure
from tests.support.foreign_heads import Foreign, ForSpeechClassification, write_foreign
from tests.support.tiny_models import write_tiny

RATE = 16_000
WINDOW_S = 30
LONG_S = 36
CLIPS = 16
SPEAKERS = 4
OUTPUTS = ("arousal", "dominance", "valence")
NAMED = {"id2label": dict(enumerate(OUTPUTS)), "label2id": {name: index for index, name in enumerate(OUTPUTS)}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ForSpeechClassification]:
    """A folder with a corpus, a checkpoint with the head of the published dimensional model, and this model."""
    folder = tmp_path_factory.mktemp("dimensions")
    rng, rows = np.random.default_rng(3), []
    for index in range(CLIPS):
        length = LONG_S * RATE if index == 0 else int(RATE * rng.uniform(0.5, 1.5))
        tone = np.sin(2 * np.pi * (100 + 90 * index) * np.arange(length) / RATE)
        samples = 0.2 * tone + 0.02 * (1 + index) * rng.standard_normal(length).clip(-2, 2)
        soundfile.write(folder / f"{index}.wav", samples.astype(np.float32), RATE, subtype="FLOAT")
        rows.append([f"{index}.wav", f"s{index % SPEAKERS}", 1 + (5 * index) % 7, "" if index == 3 else 1 + index % 5])
    with (folder / "clips.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["file", "speaker", "act", "valence"], *rows])
    return folder, write_foreign(folder / "msp-dim", Foreign(config={**NAMED, "problem_type": "regression"}))


def run(folder: Path, *arguments: str, board: str = "reports") -> Any:
    return bench_here(
        "run", "--dimensions", "--corpus", "table:clips.csv", "-o", board, *arguments, folder=folder
    )  # fmt: skip


def board_of(folder: Path, name: str = "reports") -> DimensionBoard:
    return DimensionBoard.model_validate_json((folder / name / "dimensions.json").read_bytes())


def own_answers(folder: Path, model: ForSpeechClassification) -> "np.ndarray[Any, Any]":
    """The ratings of the published class; of a long clip the mean of its windows, weighted by their lengths."""
    extractor, answers = AutoFeatureExtractor.from_pretrained(folder / "msp-dim"), []
    for index in range(CLIPS):
        samples, _ = soundfile.read(folder / f"{index}.wav", dtype="float32")
        windows = [samples[start : start + WINDOW_S * RATE] for start in range(0, len(samples), WINDOW_S * RATE)]
        with torch.no_grad():
            rated = [
                model(extractor(own, sampling_rate=RATE, return_tensors="pt")["input_values"])[0] for own in windows
            ]
        answers.append(np.average(np.stack(rated), axis=0, weights=[len(own) for own in windows]))
    return np.array(answers)


def test_ratings_are_scored_on_a_board_of_their_own_as_an_independent_implementation_gives_them(
    model: tuple[Path, ForSpeechClassification],
) -> None:
    folder, original = model
    answers = own_answers(folder, original)
    write_tiny("hubert", folder / "standard", labels=("valence", "arousal"), problem_type="regression")
    write_tiny("wav2vec2", folder / "names-emotions")
    lines = [f"{index}.wav,{value[0]:.9g},{value[2]:.9g}" for index, value in enumerate(answers)]
    (folder / "twin.csv").write_text("\n".join(["clip,arousal,valence", *lines[:-1]]), encoding="utf-8")
    candidates = [word for name in ("msp-dim", "standard", "names-emotions") for word in ("-m", name)]
    ended = run(
        folder, *candidates, "--predictions", "twin=twin.csv", "--column", "arousal=act", "--scale", "1..7",
        "--scale", "valence=1..5",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "arousal" in ended.stdout
    board = board_of(folder)
    rows = {(row.dimension, row.candidate): row for row in board.rows}
    assert {own for _, own in rows} == {"msp-dim", "standard", "twin"}
    assert "--dimensions measures only candidates that do" in board.not_evaluated["names-emotions"]
    assert {row.head for row in board.rows} == {"dense-out", "standard", "imported"}
    arousal = (np.array([1 + (5 * index) % 7 for index in range(CLIPS)]) - 1) / 6
    row = rows["arousal", "msp-dim"]
    assert row.pearson == pytest.approx(np.corrcoef(arousal, answers[:, 0])[0, 1], abs=1e-5)
    mean, other = arousal.mean(), answers[:, 0].mean()
    covariance = np.mean((arousal - mean) * (answers[:, 0] - other))
    expected = 2 * covariance / (arousal.var() + answers[:, 0].var() + (mean - other) ** 2)
    assert row.ccc == pytest.approx(expected, abs=1e-5)
    assert row.mae == pytest.approx(np.abs(arousal - answers[:, 0]).mean(), abs=1e-5)
    assert row.answer_low == pytest.approx(answers[:, 0].min(), abs=1e-5)
    assert (row.clips, row.answered, row.speakers, row.interval) == (CLIPS, CLIPS, SPEAKERS, "speakers")
    assert row.ccc_low is not None and row.ccc is not None and row.ccc_high is not None
    assert row.ccc_low < row.ccc < row.ccc_high
    assert rows["valence", "msp-dim"].clips == CLIPS - 1
    assert board.corpora[0].unrated == {"valence": 1}
    assert (rows["arousal", "twin"].answered, rows["arousal", "twin"].clips) == (CLIPS - 1, CLIPS)
    assert {path.name for path in (folder / "reports").iterdir()} == {
        f"dimensions.{suffix}" for suffix in ("md", "csv", "json", "html")
    }
    page = (folder / "reports" / "dimensions.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "msp-dim" in page
    table = list(csv.DictReader((folder / "reports" / "dimensions.csv").open(encoding="utf-8")))
    assert [(own["dimension"], own["candidate"]) for own in table] == [(r.dimension, r.candidate) for r in board.rows]
    again = run(folder, "-m", "msp-dim", "--column", "arousal=act", "--overwrite", "never", "--json", board="again")
    assert "is missing" not in again.stderr
    stored = {own["dimension"]: own for own in json.loads(again.stdout)["rows"]}
    assert stored["arousal"]["pearson"] == pytest.approx(row.pearson, abs=1e-12)
    assert stored["arousal"]["ccc"] is None
    assert "there is no CCC and no MAE" in again.stderr
    text = (folder / "again" / "dimensions.md").read_text(encoding="utf-8")
    assert "the range of the ratings was not declared" in text


def test_a_dimensional_candidate_stays_dimensional_elsewhere(model: tuple[Path, ForSpeechClassification]) -> None:
    folder, _ = model
    ended = bench_here("verify", "-m", "msp-dim", "-o", "verdicts", folder=folder)
    assert ended.returncode == 0, ended.stderr
    verdicts = json.loads((folder / "verdicts" / "verification.json").read_text(encoding="utf-8"))["candidates"]
    assert [(own["status"], own["verdict"], own["loads"]) for own in verdicts] == [("dimensional", "rejected", None)]


def test_wrong_requests_end_with_one_sentence(model: tuple[Path, ForSpeechClassification]) -> None:
    folder, _ = model
    table = ("--predictions", "twin=clips.csv")  # ratings of the corpus as answers: only valence has a usual name
    assert "no column of ratings" in failure(
        bench_here("run", "--dimensions", "--corpus", "demo", "--candidates", "demo", folder=folder), 2
    )
    assert "which is not from 1 to 5" in failure(run(folder, *table, "--column", "arousal=act", "--scale", "1..5"), 2)
    assert "LOW..HIGH" in failure(run(folder, *table, "--scale", "7..1"), 2)
    assert "no dimension 'joy'" in failure(run(folder, *table, "--scale", "joy=1..7"), 2)
    assert "makes no use of --by, --shard" in failure(run(folder, *table, "--by", "x", "--shard", "1/2"), 2)
    assert "torch only" in failure(run(folder, *table, "--backend", "openvino"), 2)
    assert "No corpus has a column 'file'" in failure(run(folder, *table, "--column", "arousal=file"), 2)
    (folder / "words.csv").write_text("file,arousal\n0.wav,high\n", encoding="utf-8")
    assert "'high' in the column 'arousal' is no rating" in failure(run(folder, *table, "--corpus", "words.csv"), 2)
    assert "add --dimensions" in failure(
        bench_here("run", "--corpus", "table:clips.csv", "--scale", "1..7", folder=folder), 2
    )
    (folder / "none.csv").write_text("clip,predicted\n0.wav,anger\n", encoding="utf-8")
    assert "holds no ratings" in failure(run(folder, "--predictions", "x=none.csv"), 2)
    write_tiny("wav2vec2", folder / "numbered", labels=("LABEL_0", "LABEL_1"), problem_type="regression")
    assert "would be a guess" in failure(run(folder, "-m", "numbered", "--column", "arousal=act"), 1)
