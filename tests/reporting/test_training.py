from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmark.reporting.training import training_markdown, write_training
from benchmark.results.training_record import OutOfFold, TrainingRecord
from tests.support.trained_folders import demo_answers, fitted_record


def test_all_reports_of_a_training_are_written_and_read_again(tmp_path: Path) -> None:
    answers = demo_answers()
    record = fitted_record(answers)
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
    write_training(fitted_record(answers), answers, tmp_path)
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
    text = training_markdown(fitted_record(answers), answers)
    assert sentence in text or sentence.strip("| ") in text
