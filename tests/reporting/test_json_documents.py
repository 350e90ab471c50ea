"""The documents hold everything, exactly, and nothing that JSON does not know."""

import json
import math
from pathlib import Path

import pytest

from benchmark.reporting.csv_tables import LEADERBOARD_COLUMNS, VERIFICATION_COLUMNS
from benchmark.reporting.json_documents import leaderboard_json, verification_json
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.status import Status
from benchmark.results.verification import Finding, VerificationReport
from tests.reporting.conftest import board, reported, scored, verified


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
