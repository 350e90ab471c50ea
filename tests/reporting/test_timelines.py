import csv
import io
import json

from benchmark.reporting.timelines import audacity_labels, timelines_csv, timelines_json
from tests.support.timelines import timeline, timelines

ANGRY, HAPPY = (0.8, 0.2, 0.0), (0.1, 0.6, 0.3)


def test_a_label_track_has_a_line_of_three_columns_per_stretch() -> None:
    text = audacity_labels(timeline([ANGRY, ANGRY, HAPPY]))
    assert text == "0.000000\t3.000000\tanger 0.80\n3.000000\t5.000000\thappiness 0.60\n"


def test_the_table_has_a_row_per_window_and_empty_cells_for_what_a_model_does_not_know() -> None:
    other = timeline([(0.3, 0.7, 0.0)], model="two").model_copy(update={"emotions": ("anger", "fear", "neutral")})
    rows = list(csv.DictReader(io.StringIO(timelines_csv(timelines(timeline([ANGRY, HAPPY]), other)))))
    assert [row["emotion"] for row in rows] == ["anger", "happiness", "fear"]
    assert [row["fear"] for row in rows] == ["", "", "0.700000"]
    assert [row["start_s"] for row in rows] == ["0.000000", "1.000000", "0.000000"]


def test_names_from_outside_run_nowhere_as_formulas() -> None:
    hostile = timeline([ANGRY], recording="=cmd|' /C calc'!A0.wav", model="@SUM")
    (row,) = csv.DictReader(io.StringIO(timelines_csv(timelines(hostile))))
    assert row["recording"].startswith("'=")
    assert row["model"].startswith("'@")


def test_the_document_says_that_nothing_is_calibrated_and_holds_windows_and_stretches() -> None:
    content = json.loads(timelines_json(timelines(timeline([ANGRY, HAPPY]), timeline([]))))
    assert content["calibrated"] is False
    first, second = content["timelines"]
    assert len(first["windows"]) == len(first["stretches"]) == 2
    assert (second["windows"], second["failure"]) == ([], "It is no audio.")
