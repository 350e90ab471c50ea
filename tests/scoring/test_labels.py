from collections import Counter

import numpy as np
import pytest

from benchmark.scoring.labels import human_ceiling, is_tied, majority
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record


@pytest.mark.parametrize(
    ("votes", "emotion", "tied"),
    [
        ({"anger": 1}, "anger", False),
        ({"anger": 3, "fear": 2}, "anger", False),
        ({"anger": 2, "fear": 2, "neutral": 1}, None, True),
        ({"anger": 2, "fear": 1, "neutral": 1}, None, False),
        ({"anger": 1, None: 2}, None, False),
        ({"anger": 2, None: 1}, "anger", False),
        ({"anger": 1, None: 1}, None, True),
        ({}, None, True),
    ],
)
def test_a_majority_is_more_than_half(votes: dict[str | None, int], emotion: str | None, tied: bool) -> None:
    assert (majority(votes), is_tied(votes)) == (emotion, tied)


@pytest.mark.parametrize(
    ("votes", "ceiling"),
    [
        ([{"anger": 3}, {"fear": 5}], (1.0, 1.0)),
        ([], None),
        ([{}], None),
        ([{"anger": 1}], None),
        ([{None: 5}], None),
    ],
)
def test_raters_who_agree_predict_each_other_perfectly_and_a_single_one_nobody(
    votes: list[dict[str | None, int]], ceiling: tuple[float, float] | None
) -> None:
    assert human_ceiling(votes) == ceiling


def test_raters_who_guess_predict_each_other_by_chance() -> None:
    generator = np.random.default_rng(0)
    votes = [dict(Counter(generator.choice(EMOTIONS[:4], size=5).tolist())) for _ in range(1500)]
    assert human_ceiling(votes) == pytest.approx((0.25, 0.25), abs=0.015)


def test_a_run_scores_majorities_and_keeps_ties_and_minorities_apart(run: RunBuilder) -> None:
    clips = [
        clip_record("a", votes={"anger": 3}),
        clip_record("b", votes={"fear": 2, "anger": 1}),
        clip_record("c", votes={"fear": 1, "anger": 1}),
        clip_record("d", votes={"fear": 2, "anger": 1, "neutral": 1}),
        clip_record("e", votes={"anger": 1, "neutral": 1}, label="neutral"),
        clip_record("f", votes=None),
    ]
    run.add(run.candidate("m"), run.corpus("calls", clips), ["anger", "anger", "fear", "fear", "neutral", "anger"])
    board = run.score()
    (summary,), (row,) = board.corpora, board.rows
    assert summary.emotion_clips == {"anger": 1, "fear": 1, "neutral": 1}
    assert (summary.rated_clips, summary.tied_clips, summary.minority_clips) == (5, 1, 1)
    # Over the scored clips a, b and e: a agrees; in b one of three is compared with a tie twice; in e nobody agrees.
    assert summary.human_accuracy == pytest.approx((1 + (0.5 + 0.5 + 0) / 3 + 0) / 3)
    assert (row.clips, row.unscored_clips) == (3, 2)
    assert row.accuracy == pytest.approx(2 / 3)
    assert None not in (row.soft_jensen_shannon, row.soft_cross_entropy)


def test_merges_and_overrides_come_before_the_majority(run: RunBuilder) -> None:
    clips = [clip_record("a", votes={"hap": 1, "exc": 1, "neu": 1}), clip_record("b", votes={"W1": 2, "neu": 1})]
    corpus = run.corpus("calls", clips, merge={"excitement": "happiness"}, labels={"W1": "anger"})
    run.add(run.candidate("m"), corpus, ["happiness", "anger"])
    board = run.score()
    assert (board.corpora[0].emotion_clips, board.corpora[0].tied_clips) == ({"anger": 1, "happiness": 1}, 0)
    assert board.rows[0].accuracy == 1.0


def test_a_label_that_means_unknown_is_not_scored(run: RunBuilder) -> None:
    clips = [clip_record("a", votes={"ang": 1, "fru": 1}, label="xxx"), clip_record("b", votes={"ang": 2}, label="ang")]
    run.add(run.candidate("m"), run.corpus("iemocap", clips), ["anger", "anger"])
    (summary,) = run.score().corpora
    assert (summary.unscored_labels, summary.emotion_clips) == ({"xxx": 1}, {"anger": 1})


def test_a_corpus_without_raters_has_no_soft_scores(run: RunBuilder) -> None:
    run.add(run.candidate("m"), run.corpus("calls", [clip_record("a", label="anger")]), ["anger"])
    board = run.score()
    assert (board.rows[0].soft_cross_entropy, board.corpora[0].human_uar) == (None, None)
