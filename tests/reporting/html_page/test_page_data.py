from typing import Any

from benchmark.reporting.html_page.page_data import page_data
from benchmark.results.analyses import CandidateGroups, CorpusGroups, GroupScore, GroupSize, Robustness
from benchmark.results.leaderboard import Leaderboard

FIRST, SECOND = "firdhokk/whisper", "harshit345/xlsr"
SCORES = (
    GroupScore(group="female", uar=0.7, uar_low=0.6, uar_high=0.8, interval="speakers"),
    GroupScore(group="male", uar=0.5, uar_low=0.4, uar_high=0.6, interval="speakers"),
)
GROUPS = CorpusGroups(
    corpus="ravdess",
    column="sex",
    emotions=("anger", "neutral"),
    groups=(GroupSize(group="female", clips=1200, speakers=6), GroupSize(group="male", clips=80, speakers=5)),
    candidates=(
        CandidateGroups(
            candidate=FIRST, scores=SCORES, best="female", worst="male", gap=0.2, gap_low=0.05, gap_high=0.35
        ),
        CandidateGroups(candidate=SECOND, scores=SCORES),
    ),
)


def tables(board: Leaderboard, **changes: object) -> list[tuple[str, dict[str, Any]]]:
    data = page_data(board.model_copy(update=changes), None)
    assert {table["corpus"] for table in data["tables"]} <= {0}
    return [(data["candidates"][table["candidate"]]["name"], table) for table in data["tables"]]


def test_groups_make_a_table_for_each_candidate(realistic_board: Leaderboard) -> None:
    (name, first), (other, second) = tables(realistic_board, groups=(GROUPS,))
    assert (name, other, first["title"]) == (FIRST, SECOND, "By sex")
    assert first["rows"] == [("female", "1,200", "6", "0.70 [0.60–0.80]"), ("male", "80", "5", "0.50 [0.40–0.60]")]
    assert "between female and male is 0.20 [0.05–0.35]." in first["note"]
    assert "gap" not in second["note"]


def test_all_perturbations_of_a_candidate_make_one_table(realistic_board: Leaderboard) -> None:
    rows = (
        Robustness(candidate=FIRST, corpus="ravdess", perturbation="noise:20dB", unchanged=0.9, perturbed_uar=0.6,
                   uar_loss=0.1, uar_loss_low=0.02, uar_loss_high=0.18),
        Robustness(candidate=SECOND, corpus="ravdess", perturbation="noise:20dB", problem="Nothing was answered."),
        Robustness(candidate=FIRST, corpus="ravdess", perturbation="telephone"),
    )  # fmt: skip
    (_, first), (_, second) = tables(realistic_board, robustness=rows)
    assert first["rows"] == [("noise:20dB", "0.90", "0.60", "0.10 [0.02–0.18]"), ("telephone", "–", "–", "–")]
    assert second["note"] == "Nothing was answered."


def test_where_nothing_else_was_measured_there_are_no_tables(realistic_board: Leaderboard) -> None:
    assert tables(realistic_board) == []


def test_intervals_that_are_at_least_so_wide_are_named_for_the_page_to_hatch(realistic_board: Leaderboard) -> None:
    data = page_data(realistic_board, None)
    assert data["openIntervals"] == ["clips"]
    assert "interval" in data["fields"]


def test_every_column_that_the_page_shows_is_declared_and_sent(realistic_board: Leaderboard) -> None:
    data = page_data(realistic_board, None)
    for names in data["shown"].values():
        assert set(names) <= set(data["columns"])
        assert set(names) <= set(data["fields"])
