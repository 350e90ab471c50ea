from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.runs import CorpusRecord
from benchmark.scoring.leaderboard import score_run

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder

Errors = Callable[[CorpusRecord, float, int], list[str | None]]


def summaries(board: Leaderboard) -> dict[str, LeaderboardRow]:
    return {row.candidate: row for row in board.rows if row.corpus == "*"}


def test_one_corpus_has_no_summary(run: "RunBuilder", mostly_right: Errors) -> None:
    corpus = run.acted_corpus()
    run.says(run.candidate("a"), corpus, mostly_right(corpus, 0.3, 0))
    board = score_run(run.record(), run.predictions)
    assert (summaries(board), board.summary_corpora) == ({}, ())
    assert board.rows[0].adjusted_uar == pytest.approx(((board.rows[0].uar or 0) - 0.2) / 0.8)


def test_the_summary_is_the_mean_over_corpora_however_many_clips_they_have(
    run: "RunBuilder", mostly_right: Errors
) -> None:
    corpora = [run.acted_corpus("small", repeats=2), run.acted_corpus("large", repeats=12)]
    for name, wrong in (("worse", 0.6), ("better", 0.2)):
        model = run.candidate(name)
        for corpus in corpora:
            run.says(model, corpus, mostly_right(corpus, wrong, 1))
    board = score_run(run.record(), run.predictions)
    found = summaries(board)
    assert list(found) == ["better", "worse"]
    assert board.summary_corpora == ("small", "large")
    for name, row in found.items():
        own = [each for each in board.rows if each.candidate == name and each.corpus != "*"]
        assert row.adjusted_uar == pytest.approx(sum(each.adjusted_uar or 0 for each in own) / 2)
        reach = sum(((each.adjusted_uar or 0) - (each.adjusted_uar_low or 0)) ** 2 for each in own) ** 0.5 / 2
        assert row.adjusted_uar_low == pytest.approx((row.adjusted_uar or 0) - reach)
        assert (row.rank, row.uar, row.clips, row.latency_p50_ms) == (None, None, None, None)


def test_a_corpus_that_a_ranked_candidate_has_seen_or_not_finished_is_left_out(
    run: "RunBuilder", mostly_right: Errors
) -> None:
    corpora = [run.acted_corpus(name) for name in ("first", "tess", "third", "fourth")]
    for name, trained in (("a", ("tess",)), ("b", ()), ("late", ())):
        model = run.candidate(name, trained_on=trained)
        for corpus in corpora:
            said = mostly_right(corpus, 0.4, len(name))
            run.says(model, corpus, said[:10] if (name, corpus.name) == ("late", "third") else said)
    board = score_run(run.record(), run.predictions)
    assert board.summary_corpora == ("first", "fourth")
    assert score_run(run.record(), run.predictions, rank_seen=True).summary_corpora == ("first", "tess", "fourth")


def test_who_is_not_ranked_anywhere_takes_nothing_from_the_summary_and_gets_no_number_without_all_scores(
    run: "RunBuilder", mostly_right: Errors
) -> None:
    corpora = [run.acted_corpus(name) for name in ("first", "second")]
    for name, trained in (("a", ()), ("cheat", ("first", "second")), ("broken", ())):
        model = run.candidate(name, trained_on=trained)
        for corpus in corpora:
            run.says(model, corpus, [] if name == "broken" else mostly_right(corpus, 0.4, 0))
    board = score_run(run.record(), run.predictions)
    found = summaries(board)
    assert board.summary_corpora == ("first", "second")
    assert [name for name, row in found.items() if row.adjusted_uar is not None] == ["a"]
    assert found["broken"].flags == ("incomplete",)
    assert "seen" in found["cheat"].flags


def test_without_ranks_there_is_nothing_to_summarise(run: "RunBuilder") -> None:
    model = run.candidate("a")
    for name in ("first", "second"):
        run.says(model, run.corpus(name, [run.clip(f"{name}{number}") for number in range(5)]), ["anger"] * 5)
    assert summaries(score_run(run.record(), run.predictions)) == {}
