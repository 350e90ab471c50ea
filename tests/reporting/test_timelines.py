import csv
import io
import json

from benchmark.reporting.timelines import audacity_labels, engine_note, recordings_csv, timelines_csv, timelines_json
from benchmark.results.timelines import Turn
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


def test_the_table_of_recordings_has_a_row_for_each_of_them_and_for_each_turn_heard_or_not() -> None:
    turn = Turn(row=7, start_s=4, end_s=7, speaker="=anna")
    content = timelines(timeline([ANGRY], turn=turn), timeline([], recording="b.wav"))
    whole, of_turn, failed = csv.DictReader(io.StringIO(recordings_csv(content)))
    assert (whole["level"], whole["emotion"], whole["anger"], whole["turn"]) == ("recording", "anger", "0.800000", "")
    assert (of_turn["turn"], of_turn["start_s"], of_turn["speaker"]) == ("7", "4.000000", "'=anna")
    assert (failed["recording"], failed["emotion"], failed["failure"]) == ("b.wav", "", "It is no audio.")
    (window,) = csv.DictReader(io.StringIO(timelines_csv(content)))
    assert (window["turn"], window["start_s"], window["speaker"]) == ("7", "4.000000", "'=anna")
    assert [answer["level"] for answer in json.loads(timelines_json(content))["answers"]] == [
        "recording",
        "turn",
        "recording",
    ]


def test_what_computed_is_named_in_the_tables_and_in_a_sentence_where_it_is_not_the_reference() -> None:
    plain = timeline([ANGRY, HAPPY], model="org/a").model_copy(update={"engine": "torch float32"})
    fast = plain.model_copy(update={"engine": "openvino float32", "rerun_windows": 1})
    assert engine_note([plain]) == ""
    assert engine_note([fast, plain]) == (
        "org/a was computed by openvino float32; 1 of 2 windows, whose two best answers were close, by torch float32."
    )
    for write in (timelines_csv, recordings_csv):
        assert next(csv.DictReader(io.StringIO(write(timelines(fast)))))["engine"] == "openvino float32"
