"""A repair is confirmed by a score that its authors have published, and by nothing else."""

from typing import Any

import pytest

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import PublishedScore, Verification
from benchmark.scoring.confirmation import with_confirmation
from benchmark.scoring.leaderboard import score_run

ROW = LeaderboardRow(candidate="a", corpus="ravdess", uar=0.75, accuracy=0.80, flags=("repaired", "limit"))


def repaired(**published: Any) -> Verification:
    said = PublishedScore(**{"corpus": "RAVDESS", **published})
    return Verification(candidate="a", id="org/a", status=Status.REPAIRED, reason="rebuilt", published=said)


@pytest.mark.parametrize("published", [{"uar": 0.84}, {"uar": 0.66}, {"accuracy": 0.9}, {"uar": 0.75, "accuracy": 0.8}])
def test_a_score_within_a_tenth_confirms(published: dict[str, float]) -> None:
    row = with_confirmation(ROW, repaired(**published))
    assert row.flags == ("repaired", "repair-confirmed", "limit")
    assert "published" in row.flag_reasons["repair-confirmed"]


@pytest.mark.parametrize("published", [{"uar": 0.86}, {"accuracy": 0.95}, {"uar": 0.75, "accuracy": 0.95}])
def test_a_score_further_away_is_told_and_confirms_nothing(published: dict[str, float]) -> None:
    row = with_confirmation(ROW, repaired(**published))
    assert row.flags == ROW.flags
    assert row.flag_reasons["repaired"].endswith("not confirmed.")


def test_nothing_is_said_where_nothing_is_published_on_this_corpus_or_nothing_was_rebuilt() -> None:
    usable = repaired(uar=0.75).model_copy(update={"status": Status.USABLE})
    unpublished = repaired(uar=0.75).model_copy(update={"published": None})
    unscored = ROW.model_copy(update={"uar": float("nan")})
    for row, verification in (
        (ROW, repaired(corpus="emodb", uar=0.75)),
        (ROW, usable),
        (ROW, unpublished),
        (unscored, repaired(uar=0.75)),
        (ROW.model_copy(update={"corpus": None}), repaired(uar=0.75)),
    ):
        assert with_confirmation(row, verification) == row


def test_a_leaderboard_tells_whether_its_run_confirms_a_repair(run: Any) -> None:
    clips = [run.clip(f"{label}{index}", label=label) for label in ("anger", "sadness") for index in range(5)]
    corpus = run.corpus("ravdess", clips)
    said = PublishedScore(corpus="ravdess", accuracy=0.95)
    run.says(run.candidate("a", status=Status.REPAIRED, published=said), corpus, [clip.label for clip in corpus.clips])
    (row,) = score_run(run.record(), run.predictions).rows
    assert "repair-confirmed" in row.flags
    assert row.flag_reasons["repair-confirmed"] == "accuracy 1.00 here and 0.95 published."
