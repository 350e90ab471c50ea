from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmark.reporting.training import training_markdown, write_training
from benchmark.results.training_record import (
    EpochRecord,
    FoldRecord,
    LearningPoint,
    OutOfFold,
    TrainingFinding,
    TrainingRecord,
    TrainingScore,
)
from tests.support.trained_folders import demo_answers, training_record

HOSTILE = '</title><script>alert("x")</script>'


def record_of(answers: OutOfFold) -> TrainingRecord:
    epochs = tuple(EpochRecord(epoch=epoch, loss=2 / epoch, uar=epoch / 40) for epoch in range(1, 31))
    folds = tuple(
        FoldRecord(
            fold=number,
            seed=1,
            train_speakers=("f1", "f2", HOSTILE),
            test_speakers=("m1",),
            train_clips=84,
            test_clips=28,
            monitored="training",
            epochs=epochs,
            uar=0.5,
            chosen={"strength": 0.1},
        )
        for number in (1, 2)
    )
    scores = (
        TrainingScore(name="cnn", seed=1, uar=0.5, uar_low=0.4, uar_high=0.6, macro_f1=0.5, accuracy=0.5, clips=9),
    )
    finding = TrainingFinding(kind="overfitting", sentence=f"The best epoch of {HOSTILE} was 3.")
    return training_record(answers).model_copy(
        update={
            "name": HOSTILE,
            "folds": folds,
            "scores": scores,
            "findings": (finding,),
            "parameters": 245_937,
            "learning_curve": (LearningPoint(speakers=1, uar=0.3),),
        }
    )


def test_all_reports_of_a_training_are_written_and_read_again(tmp_path: Path) -> None:
    answers = demo_answers()
    record = record_of(answers)
    files = write_training(record, answers, tmp_path)
    assert {file.name for file in files} == {
        *("training.md", "training.html", "training.json", "out_of_fold.parquet", "README.md"),
    }
    assert TrainingRecord.of_folder(tmp_path) == record
    read = OutOfFold.read(tmp_path / "out_of_fold.parquet")
    assert read is not None
    assert read.digest == answers.digest
    assert pq.read_table(tmp_path / "out_of_fold.parquet").column("label").to_pylist() == list(answers.labels)


def test_nothing_from_outside_becomes_markup(tmp_path: Path) -> None:
    answers = demo_answers()
    write_training(record_of(answers), answers, tmp_path)
    page = (tmp_path / "training.html").read_text("utf-8")
    assert "<script" not in page
    assert page.count("<polyline") == 4
    assert "alert" in page  # it is shown as text
    assert "<script" not in (tmp_path / "training.md").read_text("utf-8")


@pytest.mark.parametrize(
    "sentence",
    [
        "**UAR 0.50 [0.40–0.60], macro-F1 0.50** on speakers that it has not heard",
        "**overfitting**: The best epoch of",
        "On another corpus: not measured; `--test` names one.",
        "| speakers to train on |",
        "| epoch 1 |",
        "strength 0.1",
    ],
)
def test_the_report_says_what_the_score_is(sentence: str) -> None:
    answers = demo_answers()
    text = training_markdown(record_of(answers), answers)
    assert sentence in text or sentence.strip("| ") in text
