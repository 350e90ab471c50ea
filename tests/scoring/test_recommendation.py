import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmark.results.leaderboard import Leaderboard
from benchmark.results.status import Status
from benchmark.scoring.collapse_and_diversity import diversity
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.latency import with_costs
from benchmark.scoring.leaderboard import corpus_evaluations
from benchmark.scoring.recommendation import OtherLatency, Recommendation, pareto_front, recommend
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, labels_of, mostly_right, row_of
from tests.support.finished_runs import WHEN


def recommended(run: RunBuilder, board: Leaderboard | None = None, **constraints: Any) -> Recommendation:
    return recommend(board or run.score(), run.record(), run.predictions, Constraints.model_validate(constraints))


def reasons(recommendation: Recommendation) -> dict[str, Sequence[str]]:
    return {exclusion.candidate: exclusion.reasons for exclusion in recommendation.excluded}


@pytest.fixture
def three(run: RunBuilder) -> RunBuilder:
    """A good slow one, a middling fast one, and a bad one that is large and was not timed."""
    corpus = run.acted_corpus()
    for name, wrong, ms, size in (("good", 0.1, 100.0, 400), ("fast", 0.3, 10.0, 50), ("bad", 0.5, None, 500)):
        candidate = run.candidate(name, size_bytes=size * 1_000_000, license="MIT" if name == "fast" else None)
        run.add(candidate, corpus, mostly_right(corpus, wrong, 1))
        if ms:
            run.timed(candidate, calls_ms=(ms,) * 30)
    return run


def test_the_pick_has_the_highest_lower_bound_and_the_front_is_what_nothing_dominates(three: RunBuilder) -> None:
    result = recommended(three)
    assert (result.pick, result.corpora, result.device) == ("good", ("acted",), "cpu")
    on_front = {choice.candidate: choice.on_front for choice in result.choices}
    assert on_front == {"good": True, "fast": True, "bad": False}
    for choice in result.choices:
        assert choice.quality == pytest.approx((choice.uar_low["acted"] - 1 / 5) / (4 / 5))


@pytest.mark.parametrize(
    ("constraints", "pick", "excluded"),
    [
        ({"max_latency_ms": 50}, "fast", {"good": "latency on cpu is 100 ms; at most 50 ms", "bad": "is not known"}),
        ({"max_size_mb": 450}, "good", {"bad": "its size is 500 MB; at most 450 MB"}),
        ({"licenses": ("mit",)}, "fast", {"good": "declares no licence", "bad": "declares no licence"}),
        ({"licenses": ("gpl-3.0",)}, None, {"good": "no licence", "bad": "no licence", "fast": "is MIT, not gpl"}),
        ({"min_uar": 0.8}, "good", {"fast": "may be as low as", "bad": "at least 0.8 was asked for"}),
        ({"min_uar": 0.99}, None, {"good": "may be as low", "fast": "may be as low", "bad": "may be as low"}),
    ],
)
def test_each_limit_excludes_with_its_reason(
    three: RunBuilder, constraints: dict[str, Any], pick: str | None, excluded: dict[str, str]
) -> None:
    result = recommended(three, **constraints)
    assert result.pick == pick
    why = reasons(result)
    assert set(why) == set(excluded)
    assert all(text in " ".join(why[name]) for name, text in excluded.items())
    assert (result.problem is None) == (pick is not None)


def test_every_candidate_is_either_a_choice_or_excluded_and_the_pick_is_on_the_front(three: RunBuilder) -> None:
    board, generator = three.score(), np.random.default_rng(0)
    for latency, size, least in generator.uniform((5, 40, 0), (250, 600, 0.9), size=(20, 3)).tolist():
        result = recommended(three, board, max_latency_ms=latency, max_size_mb=size, min_uar=least)
        names = [*(choice.candidate for choice in result.choices), *reasons(result)]
        assert sorted(names) == ["bad", "fast", "good"]
        assert all(choice.on_front for choice in result.choices if choice.candidate == result.pick)


def test_useless_seen_incomplete_and_unusable_candidates_are_never_recommended(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    run.add(run.candidate("constant"), corpus, ["neutral"] * len(corpus.clips))
    run.add(run.candidate("seen", trained_on=("acted",)), corpus, mostly_right(corpus, 0.0, 1))
    run.add(run.candidate("honest"), corpus, mostly_right(corpus, 0.4, 1))
    run.add(run.candidate("half"), corpus, mostly_right(corpus, 0.1, 1)[:20])
    run.candidate("broken", status=Status.RANDOM_HEAD, reason="Its head is random.")
    result = recommended(run)
    assert result.pick == "honest"
    why = reasons(result)
    assert "(collapsed)" in why["constant"][0]
    assert "it was trained on acted" in why["seen"][0]
    assert "(random-head): Its head is random." in why["broken"][0]
    assert "has no scores: incomplete" in why["half"][0]


@pytest.mark.parametrize("flag", ["at-chance", "label-permuted"])
def test_a_candidate_that_is_flagged_as_useless_is_never_recommended(three: RunBuilder, flag: str) -> None:
    board = three.score()
    flagged = row_of(board, "good").model_copy(update={"flags": (flag,)})
    others = [row for row in board.rows if row.candidate != "good"]
    result = recommended(three, board.model_copy(update={"rows": (flagged, *others)}))
    assert result.pick == "fast"
    assert flag in reasons(result)["good"][0]


def test_a_candidate_that_is_no_better_than_guessing_is_not_recommended_though_it_is_not_at_chance(
    run: RunBuilder,
) -> None:
    corpus = run.acted_corpus(speakers=10)
    right = np.random.default_rng(1).random(len(corpus.clips)) < 0.15
    answers = [clip.label if is_right else "surprise" for clip, is_right in zip(corpus.clips, right, strict=True)]
    run.add(run.candidate("elsewhere", labels=(*EMOTIONS, "surprise")), corpus, answers)
    (row,) = run.score().rows
    assert (row.uar or 1) < 1 / 5
    assert not set(row.flags) & {"at-chance", "collapsed"}
    result = recommended(run)
    assert result.pick is None
    assert "guessing among the 5 emotions there gives 0.2" in reasons(result)["elsewhere"][0]


def test_nothing_is_recommended_without_labels(run: RunBuilder) -> None:
    corpus = run.corpus("calls", [clip_record(f"c{number}") for number in range(30)])
    run.add(run.candidate("a"), corpus, ["anger"] * 30)
    result = recommended(run)
    assert result.pick is None
    assert (result.problem or "").startswith("Nothing can be recommended from calls: without labels")


def test_the_language_is_that_of_the_corpora_and_not_of_the_card(run: RunBuilder) -> None:
    english, mixed = run.acted_corpus("english"), run.acted_corpus("mixed")
    for index, languages in enumerate((("en-GB", "en-GB"), ("en", "de"))):
        clips = run.corpora[index].clips
        spoken = tuple(replace(clip, language=languages[number % 2]) for number, clip in enumerate(clips))
        run.corpora[index] = run.corpora[index].model_copy(update={"clips": spoken})
    candidate = run.candidate("says it is German", languages=("de",))
    for corpus in (english, mixed):
        run.add(candidate, corpus, mostly_right(corpus, 0.2, 1))
    assert recommended(run, language="EN").corpora == ("english",)
    german = recommended(run, language="de")
    assert german.pick is None
    assert "(english: en; mixed: de, en)" in (german.problem or "")
    both = recommended(run)
    assert both.corpora == ("english", "mixed")
    (choice,) = both.choices
    score = [(choice.uar[name] - 0.2) / 0.8 for name in both.corpora]
    below = [(choice.uar[name] - choice.uar_low[name]) / 0.8 for name in both.corpora]
    assert choice.quality == pytest.approx((sum(score) - math.hypot(*below)) / 2)


def two_corpora(run: RunBuilder, trained_on: dict[str, tuple[str, ...]]) -> None:
    corpora = [run.acted_corpus(name) for name in ("first", "second")]
    for name, seen in trained_on.items():
        candidate = run.candidate(name, trained_on=seen)
        for corpus in corpora:
            run.add(candidate, corpus, mostly_right(corpus, 0.0 if corpus.name in seen else 0.3, ord(name)))


def test_candidates_are_compared_on_corpora_that_none_of_them_has_seen(run: RunBuilder) -> None:
    two_corpora(run, {"a": ("first",), "b": (), "c": ("first",)})
    result = recommended(run)
    assert result.corpora == ("second",)
    assert {choice.candidate for choice in result.choices} == {"a", "b", "c"}
    only_first = recommended(run, corpora=("first",))
    assert only_first.pick == "b"
    assert "trained on first" in reasons(only_first)["a"][0]


def test_where_no_corpus_is_unseen_by_all_the_one_that_most_have_not_seen_counts(run: RunBuilder) -> None:
    two_corpora(run, {"a": ("first",), "b": ("second",), "c": ("first",)})
    result = recommended(run)
    assert result.corpora == ("second",)
    reason = "it was trained on second or has no scores there, which the others are compared on"
    assert reasons(result) == {"b": (reason,)}


def test_candidates_that_may_be_the_best_as_the_pick_may_are_ties(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    for name, wrong, seed in (("a", 0.30, 1), ("b", 0.28, 2), ("far", 0.8, 3)):
        run.add(run.candidate(name), corpus, mostly_right(corpus, wrong, seed))
    result = recommended(run)
    assert {result.pick, *(choice.candidate for choice in result.ties)} == {"a", "b"}


@pytest.fixture
def close(run: RunBuilder) -> RunBuilder:
    """Two that are right for about 90 %, the second five times as fast, and one that is right for 40 %."""
    corpus = run.acted_corpus(speakers=10, repeats=8)
    for name, wrong, ms in (("slow", 0.08, 100.0), ("fast", 0.12, 20.0), ("bad", 0.6, 1.0)):
        candidate = run.candidate(name)
        run.add(candidate, corpus, mostly_right(corpus, wrong, ord(name[0])))
        run.timed(candidate, calls_ms=(ms,) * 30)
    return run


def test_within_takes_the_cheapest_whose_cost_is_bounded_and_says_what_the_others_may_cost(close: RunBuilder) -> None:
    plain, within = recommended(close), recommended(close, within=0.12)
    assert (plain.pick, within.pick) == ("slow", "fast")
    regrets = {choice.candidate: choice.regret_high for choice in plain.choices}
    assert (regrets["slow"] or 0) < (regrets["fast"] or 0) <= 0.12 < (regrets["bad"] or 0)
    assert reasons(within)["bad"][0].startswith(
        f"choosing it may cost {regrets['bad']:.2g} UAR compared with the best;"
    )
    assert [choice.candidate for choice in within.choices] == ["fast", "slow"]


def test_within_what_the_speakers_cannot_show_nobody_is_picked(close: RunBuilder, run: RunBuilder) -> None:
    result = recommended(close, within=1e-6)
    assert result.pick is None or result.choices[0].regret_high == 0
    clips = [replace(clip, speaker=None) for clip in run.corpora[0].clips]
    run.corpora[0] = run.corpora[0].model_copy(update={"clips": tuple(clips)})
    result = recommended(run, within=0.5)
    assert (result.pick, result.expected_uar) == (None, {})
    assert "without at least three known speakers nobody knows how much UAR" in reasons(result)["slow"][0]
    assert recommended(run).pick is not None


def test_what_is_expected_of_the_pick_lies_within_its_interval_and_few_speakers_are_named(run: RunBuilder) -> None:
    corpus = run.acted_corpus(speakers=7, repeats=2)
    for number in range(6):
        run.add(run.candidate(f"c{number}"), corpus, mostly_right(corpus, 0.4, number))
    result = recommended(run)
    (choice, *_) = result.choices
    low, uar, high = (own["acted"] for own in (result.expected_uar_low, result.expected_uar, result.expected_uar_high))
    assert low < choice.uar_low["acted"]
    assert low <= uar <= high
    assert uar < choice.uar["acted"]
    assert result.few_speakers == {"acted": 7}


def test_the_flags_of_a_candidate_count_when_speakers_are_left_out(run: RunBuilder) -> None:
    # Where the speakers of the first half are left out, "lucky" only answers neutral, though it is right for them.
    corpus = run.acted_corpus(speakers=8, repeats=4)
    labels = labels_of(corpus)
    run.add(run.candidate("lucky"), corpus, [*labels[:80], *["neutral"] * 80])
    run.add(run.candidate("other"), corpus, mostly_right(corpus, 0.5, 1))
    evaluations = corpus_evaluations(run.record(), corpus, run.predictions)
    lucky = evaluations.of("lucky")[0]
    half = np.arange(8) >= 4
    counts = lucky.of_speakers(half).counts
    assert counts is not None
    assert lucky.counts is not None
    np.testing.assert_array_equal(counts.hits, lucky.counts.hits[half])
    variety = diversity(lucky.of_speakers(half).answers)
    assert variety is not None
    assert variety.collapsed


@pytest.mark.parametrize("candidates", [0, 1, 4, 12])
def test_the_front_is_what_a_loop_over_all_pairs_gives(candidates: int) -> None:
    generator = np.random.default_rng(candidates)
    costs = generator.integers(0, 3, size=(candidates, 3)).astype(np.float64)
    costs[generator.random(costs.shape) < 0.1] = np.inf
    costs[2:4] = costs[:2]  # equal ones
    front = [not any((other <= own).all() and (other != own).any() for other in costs) for own in costs]
    assert pareto_front(costs).tolist() == front


def test_a_choice_costs_what_its_own_latency_makes_of_the_price(three: RunBuilder) -> None:
    other = OtherLatency(p50_ms=300, segment_s=1.5, run="last", created=WHEN)
    board = with_costs(three.score(), 0.5)
    result = recommend(board, three.record(), three.predictions, Constraints(), latencies={"bad": other})
    assert {choice.candidate: choice.cost_per_hour for choice in result.choices} == {
        "good": pytest.approx(0.5 * 0.1 / 3),
        "fast": pytest.approx(0.5 * 0.01 / 3),
        "bad": pytest.approx(0.5 * 0.3 / 1.5),
    }
    assert {choice.cost_per_hour for choice in recommended(three).choices} == {None}
