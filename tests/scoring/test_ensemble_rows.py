from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.predictions import Prediction
from benchmark.results.runs import CorpusRecord
from benchmark.scoring.ensemble_requests import ensemble_request
from benchmark.scoring.leaderboard import score_run
from tests.scoring.conftest import EMOTIONS, RunBuilder

MostlyRight = Callable[[CorpusRecord, float, int], list[str | None]]


def scored(run: RunBuilder, *words: str) -> Leaderboard:
    record = run.record()
    return score_run(record, run.predictions, ensemble=ensemble_request(words, record) if words else None)


def only(board: Leaderboard, name: str) -> LeaderboardRow:
    (row,) = (row for row in board.rows if row.candidate == name)
    return row


@pytest.fixture
def four(run: RunBuilder, mostly_right: MostlyRight) -> RunBuilder:
    corpus = run.acted_corpus()
    for seed, (name, ms) in enumerate((("a", 10.0), ("b", 20.0), ("c", 40.0), ("d", 80.0))):
        candidate = run.candidate(name, trained_on=())
        run.says(candidate, corpus, mostly_right(corpus, 0.4, seed))
        run.timed(candidate, calls_ms=(ms,) * 30, load_s=1.0)
    generator = np.random.default_rng(0)
    for said in run.stored.values():  # no two answers are equally probable
        for clip, one in said.items():
            said[clip] = replace(one, logits=generator.normal(logits_of(one), 0.2).astype(np.float32))
    return run


def logits_of(prediction: Prediction) -> NDArray[np.float32]:
    assert prediction.logits is not None
    return prediction.logits


def test_a_majority_of_members_decides_and_the_score_is_what_counting_gives(four: RunBuilder) -> None:
    (corpus,) = four.corpora
    stored = [four.stored[evaluation.setup.key] for evaluation in four.evaluations]
    said = [[logits_of(own[clip.clip_hash or ""]).astype(np.float64) for clip in corpus.clips] for own in stored]
    hits = dict.fromkeys(EMOTIONS, 0)
    for place, clip in enumerate(corpus.clips):
        chances = [np.exp(own[place]) / np.exp(own[place]).sum() for own in said[:3]]
        answer = EMOTIONS[int(np.argmax(np.mean(chances, axis=0)))]
        hits[clip.label or ""] += answer == clip.label
    row = only(scored(four, "a", "b", "c"), "a + b + c")
    assert row.uar == pytest.approx(np.mean([hits[name] / 32 for name in EMOTIONS]))
    assert row.uar_low is not None


def test_costs_are_summed_and_speed_follows(four: RunBuilder) -> None:
    row = only(scored(four, "a", "b", "c"), "a + b + c")
    assert row.latency_p50_ms == pytest.approx(70.0)
    assert row.rtfx == pytest.approx(3.0 / 0.070)
    assert (row.load_s, row.size_mb, row.parameters, row.device) == (3.0, 12.0, 3000, "cpu")
    assert row.latency_p90_ms is None


def test_a_member_that_was_not_timed_leaves_the_sum_empty(four: RunBuilder) -> None:
    four.latencies.pop()
    row = only(scored(four, "a", "d"), "a + d")
    assert row.latency_p50_ms is None
    assert row.size_mb == 8.0


def test_an_ensemble_changes_no_other_row_and_has_no_rank(four: RunBuilder) -> None:
    without, with_it = scored(four), scored(four, "a", "b", "c")
    assert [row for row in with_it.rows if "ensemble" not in row.flags] == list(without.rows)
    row = with_it.rows[-1]
    assert (row.candidate, row.rank, row.seen) == ("a + b + c", None, "no")
    assert row.flags[0] == "ensemble"
    assert row.flag_reasons["ensemble"] == "the mean probabilities of a, b, c."


def test_the_best_are_named_and_cost_what_the_dearer_team_costs(four: RunBuilder) -> None:
    row = only(scored(four, "best:2"), "best:2")
    assert "half" in row.flag_reasons["ensemble"] or "halves" in row.flag_reasons["ensemble"]
    assert row.latency_p50_ms in {30.0, 50.0, 90.0, 60.0, 100.0, 120.0}
    assert row.uar is not None


def test_whoever_has_seen_the_corpus_is_not_chosen_and_taints_whom_he_is_named_with(
    four: RunBuilder, mostly_right: MostlyRight
) -> None:
    (corpus,) = four.corpora
    four.says(four.candidate("seen", trained_on=("acted",)), corpus, mostly_right(corpus, 0.0, 9))
    assert "seen" not in only(scored(four, "best:3"), "best:3").flag_reasons["ensemble"].replace("unseen", "")
    tainted = only(scored(four, "a", "seen"), "a + seen")
    assert tainted.seen == "yes"
    assert "seen" in tainted.flags


def without_labels(run: RunBuilder, said: Sequence[str]) -> None:
    corpus = run.corpus("calls", [run.clip(f"c{place}") for place in range(len(said))])
    for name in ("a", "b"):
        run.says(run.candidate(name), corpus, said)


def test_without_labels_named_members_vote_and_the_best_cannot_be_chosen(run: RunBuilder) -> None:
    without_labels(run, ["anger"] * 10 + ["fear"] * 20)
    named = only(scored(run, "a", "b"), "a + b")
    assert (named.uar, named.top_emotion) == (None, "fear")
    assert named.top_share == pytest.approx(2 / 3)
    assert "without labels nobody can say" in scored(run, "best:2").failures["best:2"]


def test_a_member_that_did_not_answer_all_clips_and_too_few_candidates_are_told(
    four: RunBuilder, mostly_right: MostlyRight
) -> None:
    (corpus,) = four.corpora
    four.says(four.candidate("half"), corpus, mostly_right(corpus, 0.1, 1)[:10])
    assert scored(four, "a", "half").failures["a + half"] == "acted: half did not answer all clips."
    assert "4 candidates" in scored(four, "best:9").failures["best:9"]
