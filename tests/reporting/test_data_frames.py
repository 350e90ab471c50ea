"""The rows of results as data frames."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

import benchmark
from benchmark.reporting.csv_and_json import leaderboard_csv, verification_csv
from benchmark.results.environment import Environment
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.status import Status
from benchmark.results.verification import VerificationReport
from benchmark.settings import Settings
from tests.support.finished_runs import WHEN, FinishedRun, corpus, verification


@pytest.fixture(scope="module")
def leaderboard(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    folder = tmp_path_factory.mktemp("run")
    run = FinishedRun(folder / ".bench", corpus(), corpus("calls", labelled=False))
    run.add(verification("good"), wrong=0.1)
    run.add(verification("slow"), wrong=0.3, seed=1, ms=None)
    run.save()
    return benchmark.report(settings=Settings(cache=run.cache), output=folder / "reports").leaderboard


def test_a_leaderboard_has_the_columns_and_rows_of_its_csv(leaderboard: Leaderboard) -> None:
    frame = leaderboard.to_dataframe()
    heading, *rows = csv.reader(io.StringIO(leaderboard_csv(leaderboard)))
    assert list(frame.columns) == heading
    assert frame["candidate"].tolist() == [row[heading.index("candidate")] for row in rows]


def test_columns_have_the_types_of_their_fields(leaderboard: Leaderboard) -> None:
    frame = leaderboard.to_dataframe()
    kinds = {"rank": "Int64", "clips": "Int64", "uar": "float64", "may_be_best": "boolean", "candidate": "str"}
    assert {name: str(frame[name].dtype) for name in kinds} == kinds
    unlabelled = frame[frame["corpus"] == "calls"]
    assert unlabelled["rank"].isna().all()
    assert unlabelled["uar"].isna().all()
    assert frame.query("corpus == 'acted'").sort_values("uar", ascending=False)["candidate"].iloc[0] == "good"
    assert all(isinstance(flags, tuple) for flags in frame["flags"])


def test_a_column_keeps_its_type_where_nothing_is_known(leaderboard: Leaderboard) -> None:
    empty = leaderboard.model_copy(update={"rows": ()}).to_dataframe()
    assert len(empty) == 0
    assert empty.dtypes.equals(leaderboard.to_dataframe().dtypes)


def test_own_metrics_are_columns(leaderboard: Leaderboard) -> None:
    rows = tuple(row.model_copy(update={"metrics": {"cost": 0.5}}) for row in leaderboard.rows[:1])
    frame = leaderboard.model_copy(update={"rows": (*rows, *leaderboard.rows[1:])}).to_dataframe()
    assert frame["metric_cost"].tolist()[0] == 0.5
    assert frame["metric_cost"].isna().tolist()[1:] == [True] * (len(frame) - 1)


def test_verdicts_have_the_columns_of_their_csv(tmp_path: Path) -> None:
    candidates = (verification("good"), verification("broken", (), status=Status.NO_HEAD, reason="It has none."))
    report = VerificationReport(created=WHEN, registry="mine", environment=Environment.here(), candidates=candidates)
    frame = report.to_dataframe()
    assert list(frame.columns) == next(csv.reader(io.StringIO(verification_csv(report))))
    assert frame["verdict"].tolist() == ["usable", "rejected"]
    assert frame["emotions"].dtype == pd.Int64Dtype()
    assert frame["emotions"].tolist() == [4, pd.NA]
    assert frame["emotion_names"].iloc[0] == ("anger", "happiness", "neutral", "sadness")
    assert (str(frame["status"].dtype), str(frame["loads"].dtype)) == ("str", "boolean")
