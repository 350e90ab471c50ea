"""A repair is confirmed by a score that its authors have published, and by nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import PublishedScore, Verification
from benchmark.scoring.flags import FLAG_MEANINGS, Flag, RowFacts, row_flags, with_confirmation
from benchmark.scoring.leaderboard import score_run

GOOD = RowFacts(
    complete=True,
    readable_clips=80,
    emotion_clips=(40, 40),
    speakers=8,
    collapsed=False,
    narrow=False,
    seen=False,
    repaired=False,
    loose_map=False,
    multi_label=False,
    failed_clips=0,
    limited=False,
    synthetic=False,
)


def test_a_row_without_faults_has_no_flags() -> None:
    assert row_flags(GOOD) == ()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (replace(GOOD, complete=False), Flag.INCOMPLETE),
        (replace(GOOD, emotion_clips=()), Flag.NO_LABELS),
        (replace(GOOD, readable_clips=0, emotion_clips=()), Flag.NO_CLIPS),
        (replace(GOOD, emotion_clips=(80,)), Flag.ONE_EMOTION),
        (replace(GOOD, collapsed=True), Flag.COLLAPSED),
        (replace(GOOD, narrow=True), Flag.NARROW),
        (replace(GOOD, seen=True), Flag.SEEN),
        (replace(GOOD, repaired=True), Flag.REPAIRED),
        (replace(GOOD, loose_map=True), Flag.LOOSE_MAP),
        (replace(GOOD, multi_label=True), Flag.MULTI_LABEL),
        (replace(GOOD, failed_clips=1), Flag.FAILED_CLIPS),
        (replace(GOOD, emotion_clips=(40, 9)), Flag.FEW_CLIPS),
        (replace(GOOD, speakers=5), Flag.FEW_SPEAKERS),
        (replace(GOOD, speakers=None), Flag.FEW_SPEAKERS),
        (replace(GOOD, limited=True), Flag.LIMIT),
        (replace(GOOD, synthetic=True), Flag.SYNTHETIC),
        (replace(GOOD, duplicate_clips=1), Flag.DUPLICATES),
        (replace(GOOD, text_tie=0.3), Flag.TEXT_TIED),
        (replace(GOOD, speaker_tie=0.3), Flag.SPEAKER_TIED),
        (replace(GOOD, fixed_window=True), Flag.FIXED_WINDOW),
        (replace(GOOD, suspicions=frozenset({Flag.AT_CHANCE})), Flag.AT_CHANCE),
    ],
)
def test_each_fact_raises_its_own_flag_and_no_other(facts: RowFacts, expected: Flag) -> None:
    assert row_flags(facts) == (expected,)


def test_thresholds_are_not_crossed_at_ten_clips_and_six_speakers() -> None:
    assert row_flags(replace(GOOD, emotion_clips=(10, 10), speakers=6)) == ()


def test_clips_without_labels_are_not_blamed_for_few_speakers() -> None:
    assert row_flags(replace(GOOD, emotion_clips=(), speakers=None)) == (Flag.NO_LABELS,)


def test_every_flag_is_explained_in_a_sentence() -> None:
    assert set(FLAG_MEANINGS) == {flag.value for flag in Flag}
    assert all(meaning.endswith(".") and len(meaning) > 20 for meaning in FLAG_MEANINGS.values())


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
