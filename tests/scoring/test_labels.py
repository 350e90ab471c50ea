"""Emotions of clips from labels and raters."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark.results.runs import ClipRecord
from benchmark.scoring.labels import RaterAgreement, human_ceiling, majority, votes_by_emotion
from benchmark.scoring.leaderboard import score_run

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder


EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness")


@pytest.mark.parametrize(
    ("votes", "emotion", "agreement"),
    [
        ({"anger": 1}, "anger", RaterAgreement.MAJORITY),
        ({"anger": 3, "fear": 2}, "anger", RaterAgreement.MAJORITY),
        ({"anger": 2, "fear": 2, "neutral": 1}, None, RaterAgreement.TIED),
        ({"anger": 2, "fear": 1, "neutral": 1}, None, RaterAgreement.MINORITY),
        ({"anger": 1, None: 2}, None, RaterAgreement.MINORITY),
        ({"anger": 2, None: 1}, "anger", RaterAgreement.MAJORITY),
        ({"anger": 1, None: 1}, None, RaterAgreement.TIED),
        ({}, None, RaterAgreement.TIED),
    ],
)
def test_a_majority_is_more_than_half(
    votes: dict[str | None, int], emotion: str | None, agreement: RaterAgreement
) -> None:
    said = majority(votes)
    assert (said.emotion, said.agreement) == (emotion, agreement)


def test_votes_for_labels_of_one_emotion_add_up() -> None:
    emotions = {"hap": "happiness", "joy": "happiness", "dog": None}
    assert votes_by_emotion({"hap": 1, "joy": 2, "dog": 1}, emotions) == {"happiness": 3, None: 1}


def test_raters_who_always_agree_predict_each_other_perfectly() -> None:
    ceiling = human_ceiling([{"anger": 3}, {"fear": 5}])
    assert (ceiling.uar, ceiling.accuracy) == (1.0, 1.0)


def test_raters_who_guess_predict_each_other_by_chance() -> None:
    generator = np.random.default_rng(0)
    votes = [dict(Counter(generator.choice(EMOTIONS[:4], size=5).tolist())) for _ in range(4000)]
    ceiling = human_ceiling(votes)
    assert ceiling.accuracy == pytest.approx(0.25, abs=0.01)
    assert ceiling.uar == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("votes", [[], [{}], [{"anger": 1}], [{None: 5}]])
def test_without_two_raters_there_is_no_ceiling(votes: list[dict[str | None, int]]) -> None:
    assert human_ceiling(votes).uar is None
    assert human_ceiling(votes).accuracy is None


def rated(name: str, votes: dict[str, int] | None, label: str | None = None) -> ClipRecord:
    return ClipRecord(clip=name, clip_hash=name, duration_s=1.0, label=label, votes=votes, speaker="s1")


def test_a_run_scores_majorities_and_keeps_ties_and_minorities_apart(run: "RunBuilder") -> None:
    clips = [
        rated("a", {"anger": 3}),
        rated("b", {"fear": 2, "anger": 1}),
        rated("c", {"fear": 1, "anger": 1}),
        rated("d", {"fear": 2, "anger": 1, "neutral": 1}),
        rated("e", {"anger": 1, "neutral": 1}, label="neutral"),
        rated("f", None),
    ]
    corpus = run.corpus("calls", clips)
    candidate = run.candidate("m")
    run.says(candidate, corpus, ["anger", "anger", "fear", "fear", "neutral", "anger"])
    board = score_run(run.record(), run.predictions)
    (summary,), (row,) = board.corpora, board.rows
    assert summary.emotion_clips == {"anger": 1, "fear": 1, "neutral": 1}
    assert (summary.rated_clips, summary.tied_clips, summary.minority_clips) == (5, 1, 1)
    # Over the scored clips a, b and e: a agrees; in b one of three is held against a tie twice; in e nobody agrees.
    assert summary.human_accuracy == pytest.approx((1 + (0.5 + 0.5 + 0) / 3 + 0) / 3)
    assert (row.clips, row.unscored_clips) == (3, 2)
    assert row.accuracy == pytest.approx(2 / 3)
    assert row.soft_jensen_shannon is not None
    assert row.soft_cross_entropy is not None


def test_merges_and_overrides_come_before_the_majority(run: "RunBuilder") -> None:
    clips = [rated("a", {"hap": 1, "exc": 1, "neu": 1}), rated("b", {"W1": 2, "neu": 1})]
    fields = {"merge": {"excitement": "happiness"}, "labels": {"W1": "anger"}}
    corpus = run.corpus("calls", clips, **fields)
    candidate = run.candidate("m")
    run.says(candidate, corpus, ["happiness", "anger"])
    board = score_run(run.record(), run.predictions)
    assert board.corpora[0].emotion_clips == {"anger": 1, "happiness": 1}
    assert board.corpora[0].tied_clips == 0
    assert board.rows[0].accuracy == 1.0


def test_a_label_that_says_that_nobody_knows_is_not_scored(run: "RunBuilder") -> None:
    clips = [rated("a", {"ang": 1, "fru": 1}, label="xxx"), rated("b", {"ang": 2}, label="ang")]
    corpus = run.corpus("iemocap", clips)
    candidate = run.candidate("m")
    run.says(candidate, corpus, ["anger", "anger"])
    board = score_run(run.record(), run.predictions)
    assert board.corpora[0].unscored_labels == {"xxx": 1}
    assert board.corpora[0].emotion_clips == {"anger": 1}


def test_a_corpus_without_raters_has_no_soft_scores(run: "RunBuilder") -> None:
    corpus = run.acted_corpus()
    candidate = run.candidate("m")
    run.says(candidate, corpus, ["anger"] * len(corpus.clips))
    board = score_run(run.record(), run.predictions)
    assert board.rows[0].soft_cross_entropy is None
    assert board.corpora[0].human_uar is None
