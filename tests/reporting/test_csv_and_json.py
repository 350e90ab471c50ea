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
    leaderboard_csv,
    leaderboard_json,
    verification_csv,
    verification_json,
)
from benchmark.reporting.escaping import csv_text
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.status import Status
from benchmark.results.verification import Finding, VerificationReport
from tests.reporting.conftest import board, reported, scored, verified

CONTRACT_VERIFICATION = (
    "candidate, revision, verdict, status, loads, reason, emotions, labels, architecture, head, parameters, size_mb, "
    "license, seconds"
)
CONTRACT_LEADERBOARD = (
    "rank, candidate, revision, head, corpus, clips, failed_clips, unscored_clips, emotions, coverage, accuracy, "
    "accuracy_low, accuracy_high, uar, uar_low, uar_high, interval, macro_f1, shared_uar, common_uar, "
    "majority_accuracy, ece, entropy, effective_emotions, confident_emotions, top_emotion, top_share, collapsed, "
    "seen, device, backend, dtype, latency_p50_ms, latency_p90_ms, latency_p99_ms, rtfx, load_s, peak_memory_mb, "
    "parameters, size_mb, flags"
)


def _frame(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("text", "contract"),
    [(verification_csv(reported()), CONTRACT_VERIFICATION), (leaderboard_csv(board()), CONTRACT_LEADERBOARD)],
)
def test_without_rows_there_is_a_heading_that_begins_with_the_columns_of_the_contract(text: str, contract: str) -> None:
    assert ", ".join(text.rstrip("\n").split(",")).startswith(contract)
    assert text.count("\n") == 1
    assert _frame(text).empty


def test_pandas_reads_back_every_verdict(every_status: VerificationReport) -> None:
    frame = _frame(verification_csv(every_status)).set_index("candidate")
    assert list(frame.index) == [candidate.candidate for candidate in every_status.candidates]
    seven = frame.loc["org/seven"]
    assert seven["emotions"] == 7
    assert seven["labels"].split(";") == ["ang", "dis", "fea", "hap", "neu", "sad", "sur", "???"]
    assert seven["emotion_names"].split() == ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
    assert (seven["size_mb"], seven["parameters"]) == (378.30236, 94_568_710)
    assert str(frame.loc["org/random-head", "loads"]) == "True"
    assert frame.loc[["org/unreachable"], "loads"].isna().all()
    assert frame.loc["org/random-head", "expect"] == "usable"


def test_every_number_is_read_back_to_the_last_digit() -> None:
    row = scored(uar=1 / 3, accuracy=0.1 + 0.2, ece=1e-17, macro_f1=-0.5, latency_p50_ms=123456.789012345678)
    (back,) = _rows(leaderboard_csv(board(row)))
    for name, value in row.model_dump(exclude={"flags", "flag_reasons", "collapsed", "metrics"}).items():
        assert back[name] == ("" if value is None else str(value))
    assert _frame(leaderboard_csv(board(row)))["uar"][0] == 1 / 3


def test_truth_unknown_and_flags_are_written_as_documented() -> None:
    reasons = {"near-twins": "cannot be told from b.", "too-good": "x."}
    row = scored(collapsed=True, flags=("a", "b"), flag_reasons=reasons, ece=None, rtfx=math.inf, uar_low=math.nan)
    (back,) = _rows(leaderboard_csv(board(row)))
    assert (back["collapsed"], back["flags"], back["ece"], back["rtfx"], back["uar_low"]) == ("true", "a b", "", "", "")
    assert back["flag_reasons"] == "near-twins: cannot be told from b. too-good: x."


def test_cells_from_outside_neither_run_nor_break_the_table(attack: str) -> None:
    report = reported(verified(attack, reason=attack, labels=("x", attack), emotions=("anger", None)), verified("b"))
    text = verification_csv(report)
    assert text.count("\n") == 3
    assert "\r" not in text
    first, second = _rows(text)
    assert second["candidate"] == "b"
    assert first["candidate"] == first["reason"] == csv_text(attack)
    # Each label is escaped alone: a program that splits cells at `;` would begin a cell with it.
    assert first["labels"] == f"x;{csv_text(attack)}"


def test_the_users_own_metrics_follow_the_columns_of_the_contract() -> None:
    rows = (scored("a", metrics={"=kappa": 0.25}), scored("b", metrics={"=kappa": None, "mcc": 1 / 3}), scored("c"))
    cells = _rows(leaderboard_csv(board(*rows)))
    assert list(cells[0])[-2:] == ["metric_=kappa", "metric_mcc"]
    assert [row["metric_=kappa"] for row in cells] == ["0.25", "", ""]
    assert [row["metric_mcc"] for row in cells] == ["", str(1 / 3), ""]


def test_a_leaderboard_is_read_back_as_it_was(tmp_path: Path, realistic_board: Leaderboard) -> None:
    path = tmp_path / "leaderboard.json"
    path.write_text(leaderboard_json(realistic_board), encoding="utf-8")
    assert Leaderboard.read(path) == realistic_board


def test_keys_stand_in_the_order_of_the_contract(
    every_status: VerificationReport, realistic_board: Leaderboard
) -> None:
    candidate = json.loads(verification_json(every_status))["candidates"][0]
    assert tuple(candidate)[: len(VERIFICATION_COLUMNS)] == VERIFICATION_COLUMNS
    keys = json.loads(leaderboard_json(realistic_board))["rows"][0]
    assert tuple(key for key in keys if key != "metrics") == LEADERBOARD_COLUMNS


def test_a_verdict_has_its_evidence_and_the_machine_and_each_label_its_emotion(
    every_status: VerificationReport,
) -> None:
    evidence = {"missing": ["classifier.weight"], "bad": math.nan}
    finding = Finding(status=Status.RANDOM_HEAD, reason="r", evidence=evidence)
    content = json.loads(verification_json(reported(verified(status=Status.RANDOM_HEAD, findings=(finding,)))))
    assert content["environment"]["versions"]["torch"] == "2.13.0"
    assert content["candidates"][0]["verdict"] == "rejected"
    assert content["candidates"][0]["findings"][0]["evidence"] == {"missing": ["classifier.weight"], "bad": None}
    seven = json.loads(verification_json(every_status))["candidates"][-1]
    assert dict(zip(seven["labels"], seven["label_emotions"], strict=True))["???"] is None
    assert seven["emotions"] == 7


def test_numbers_of_a_document_are_exact_or_null() -> None:
    text = leaderboard_json(board(*(scored(uar=value) for value in (1 / 3, math.nan, math.inf, -math.inf))))
    assert text.endswith("}\n")
    assert [row["uar"] for row in json.loads(text)["rows"]] == [1 / 3, None, None, None]


def test_strings_from_outside_are_kept_exactly_and_hide_nothing(attack: str) -> None:
    text = verification_json(reported(verified(attack, reason=attack)))
    assert json.loads(text)["candidates"][0]["candidate"] == attack
    assert not {"\x1b", "\x9b", "\u202e", "\u200b", "\x00", "\r"} & set(text)
