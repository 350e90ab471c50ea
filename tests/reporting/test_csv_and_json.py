"""The tables for programs: the contract's columns, and what is read back is what was written."""

import csv
import io
import json
import math
from pathlib import Path

import pandas as pd
import pytest

from benchmark.reporting.csv_and_json import (
    LEADERBOARD_COLUMNS,
    VERIFICATION_COLUMNS,
    complete_rows,
    leaderboard_csv,
    leaderboard_json,
    verification_csv,
    verification_json,
)
from benchmark.reporting.escaping import csv_text
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import Finding, VerificationReport
from tests.reporting.conftest import absent, board, reported, scored, verified

CONTRACT_VERIFICATION = (
    "candidate, revision, verdict, status, loads, reason, emotions, labels, architecture, head, parameters, size_mb, "
    "license, seconds"
)


CONTRACT_LEADERBOARD = (
    "rank, candidate, revision, head, corpus, clips, failed_clips, unscored_clips, emotions, coverage, accuracy, "
    "accuracy_low, accuracy_high, uar, uar_low, uar_high, interval, macro_f1, shared_uar, common_uar, "
    "majority_accuracy, ece, entropy, effective_emotions, informative_emotions, top_emotion, top_share, collapsed, "
    "seen, device, backend, dtype, latency_p50_ms, latency_p90_ms, latency_p99_ms, rtfx, load_s, peak_memory_mb, "
    "parameters, size_mb, flags"
)


def _frame(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def test_the_columns_are_the_contracts_in_its_order() -> None:
    verification = CONTRACT_VERIFICATION.split(", ")
    assert verification_csv(reported()).rstrip("\n").split(",")[: len(verification)] == verification
    leaderboard = CONTRACT_LEADERBOARD.split(", ")
    assert leaderboard_csv(board()).rstrip("\n").split(",")[: len(leaderboard)] == leaderboard


@pytest.mark.parametrize("text", [verification_csv(reported()), leaderboard_csv(board())])
def test_without_rows_there_is_a_heading(text: str) -> None:
    assert text.count("\n") == 1
    assert _frame(text).empty


def test_pandas_reads_back_every_verdict(every_status: VerificationReport) -> None:
    frame = _frame(verification_csv(every_status)).set_index("candidate")
    assert list(frame.index) == [candidate.candidate for candidate in every_status.candidates]
    seven = frame.loc["org/seven"]
    assert seven["emotions"] == 7
    assert seven["labels"].split(";") == ["ang", "dis", "fea", "hap", "neu", "sad", "sur", "???"]
    assert seven["emotion_names"].split() == ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
    assert seven["size_mb"] == 378.30236
    assert seven["parameters"] == 94_568_710
    assert str(frame.loc["org/random-head", "loads"]) == "True"
    assert frame.loc[["org/unreachable"], "loads"].isna().all()
    assert frame.loc["org/random-head", "expect"] == "usable"


def test_every_number_is_read_back_to_the_last_digit() -> None:
    row = scored(uar=1 / 3, accuracy=0.1 + 0.2, ece=1e-17, latency_p50_ms=123456.789012345678)
    back = next(csv.DictReader(io.StringIO(leaderboard_csv(board(row)))))
    for name, value in row.model_dump(exclude={"flags", "flag_reasons", "collapsed", "metrics"}).items():
        assert back[name] == ("" if value is None else str(value))
        if isinstance(value, float):
            assert float(back[name]) == value
    assert _frame(leaderboard_csv(board(row)))["uar"][0] == 1 / 3


def test_truth_unknown_and_flags_are_written_as_promised() -> None:
    text = leaderboard_csv(board(scored(collapsed=True, flags=("a", "b"), ece=None, rtfx=math.inf, uar_low=math.nan)))
    back = next(csv.DictReader(io.StringIO(text)))
    assert (back["collapsed"], back["flags"], back["ece"], back["rtfx"], back["uar_low"]) == ("true", "a b", "", "", "")


def test_every_candidate_of_the_registry_has_a_row(realistic_board: Leaderboard) -> None:
    frame = _frame(leaderboard_csv(realistic_board))
    assert list(frame["candidate"][-3:]) == ["org/random-head", "superb/four", "org/unreachable"]
    assert frame["candidate"].is_unique
    last = frame.set_index("candidate").loc["superb/four"]
    assert last[["rank", "corpus", "uar"]].isna().all()
    assert last["flags"] == "usable fallback"
    assert last["emotions"] == 4


def test_a_candidate_with_a_row_gets_no_second_one() -> None:
    leaderboard = board(LeaderboardRow(candidate="a", flags=("crashed",)), not_evaluated=(absent("a", Status.CRASHED),))
    assert len(complete_rows(leaderboard)) == 1


def test_hostile_cells_neither_run_nor_break_the_table(hostile: str) -> None:
    report = reported(verified(hostile, reason=hostile, labels=("x", hostile), emotions=("anger", None)), verified("b"))
    text = verification_csv(report)
    assert text.count("\n") == 3
    assert "\r" not in text
    first, second = csv.DictReader(io.StringIO(text))
    assert second["candidate"] == "b"
    assert first["candidate"] == first["reason"] == csv_text(hostile)
    # Each label by itself: where `;` separates cells, a label in the middle would begin one.
    assert first["labels"] == f"x;{csv_text(hostile)}"


def test_our_own_negative_numbers_stay_numbers() -> None:
    assert float(next(csv.DictReader(io.StringIO(leaderboard_csv(board(scored(macro_f1=-0.5))))))["macro_f1"]) == -0.5


def test_reasons_of_flags_stand_in_one_cell_after_their_flag() -> None:
    row = scored(flags=("seen", "near-twins"), flag_reasons={"near-twins": "cannot be told from b.", "too-good": "x."})
    back = next(csv.DictReader(io.StringIO(leaderboard_csv(board(row)))))
    assert back["flag_reasons"] == "near-twins: cannot be told from b. too-good: x."


def test_the_users_own_metrics_stand_behind_the_contracts_columns() -> None:
    rows = (scored("a", metrics={"=kappa": 0.25}), scored("b", metrics={"=kappa": None, "mcc": 1 / 3}), scored("c"))
    table = list(csv.DictReader(io.StringIO(leaderboard_csv(board(*rows)))))
    assert list(table[0])[-2:] == ["metric_=kappa", "metric_mcc"]
    assert [row["metric_=kappa"] for row in table] == ["0.25", "", ""]
    assert [row["metric_mcc"] for row in table] == ["", str(1 / 3), ""]


def _refuse(constant: str) -> float:
    raise AssertionError(constant)


def test_a_leaderboard_is_read_back_as_it_was(tmp_path: Path, realistic_board: Leaderboard) -> None:
    path = tmp_path / "leaderboard.json"
    path.write_text(leaderboard_json(realistic_board), encoding="utf-8")
    back = Leaderboard.read(path)
    assert back is not None
    assert back.rows[: len(realistic_board.rows)] == realistic_board.rows
    assert {row.candidate for row in back.rows} >= {one.candidate for one in realistic_board.not_evaluated}
    assert back.model_copy(update={"rows": ()}) == realistic_board.model_copy(update={"rows": ()})


def test_keys_stand_in_the_contracts_order(every_status: VerificationReport, realistic_board: Leaderboard) -> None:
    candidate = json.loads(verification_json(every_status))["candidates"][0]
    assert tuple(candidate)[: len(VERIFICATION_COLUMNS)] == VERIFICATION_COLUMNS
    keys = json.loads(leaderboard_json(realistic_board))["rows"][0]
    assert tuple(key for key in keys if key != "metrics") == LEADERBOARD_COLUMNS


def test_a_verdict_stands_with_its_evidence_and_the_machine() -> None:
    finding = Finding(
        status=Status.RANDOM_HEAD, reason="r", evidence={"missing": ["classifier.weight"], "bad": math.nan}
    )
    content = json.loads(verification_json(reported(verified(status=Status.RANDOM_HEAD, findings=(finding,)))))
    assert content["environment"]["versions"]["torch"] == "2.13.0"
    assert content["candidates"][0]["verdict"] == "rejected"
    assert content["candidates"][0]["findings"][0]["evidence"] == {"missing": ["classifier.weight"], "bad": None}


def test_for_each_label_there_is_its_emotion(every_status: VerificationReport) -> None:
    seven = json.loads(verification_json(every_status))["candidates"][-1]
    assert dict(zip(seven["labels"], seven["label_emotions"], strict=True))["???"] is None
    assert seven["emotions"] == 7


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_null(value: float) -> None:
    text = leaderboard_json(board(scored(uar=value)))
    assert json.loads(text, parse_constant=_refuse)["rows"][0]["uar"] is None


def test_documents_end_in_a_line_end_and_numbers_are_exact() -> None:
    text = leaderboard_json(board(scored(uar=1 / 3)))
    assert text.endswith("}\n")
    assert json.loads(text)["rows"][0]["uar"] == 1 / 3


def test_hostile_strings_are_kept_exactly_and_hide_nothing(hostile: str) -> None:
    text = verification_json(reported(verified(hostile, reason=hostile)))
    assert json.loads(text)["candidates"][0]["candidate"] == hostile
    assert not {"\x1b", "\x9b", "\u202e", "\u200b", "\x00", "\r"} & set(text)
