from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmark.results.status import Status
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.recommendation import Recommendation, pareto_front, recommend
from tests.scoring.conftest import EMOTIONS, Errors, RunBuilder


def recommended(run: RunBuilder, **constraints: object) -> Recommendation:
    record = run.record()
    return recommend(score_run(record, run.predictions), record, Constraints.model_validate(constraints))


def reasons(recommendation: Recommendation) -> dict[str, Sequence[str]]:
    return {each.candidate: each.reasons for each in recommendation.excluded}


@pytest.fixture
def three(run: RunBuilder, mostly_right: Errors) -> RunBuilder:
    """A good slow one, a middling fast one, and a bad one that is slow and large."""
    corpus = run.acted_corpus()
    for name, wrong, ms, size in (("good", 0.1, 100.0, 400), ("fast", 0.3, 10.0, 50), ("bad", 0.5, 200.0, 500)):
        candidate = run.candidate(name, size_bytes=size * 1_000_000, license="MIT" if name == "fast" else None)
        run.says(candidate, corpus, mostly_right(corpus, wrong, 1))
        run.timed(candidate, calls_ms=(ms,) * 30)
    return run


def test_the_pick_has_the_highest_lower_bound_and_the_front_is_what_nothing_dominates(three: RunBuilder) -> None:
    found = recommended(three)
    assert found.pick == "good"
    assert {choice.candidate: choice.on_front for choice in found.choices} == {"good": True, "fast": True, "bad": False}
    assert found.corpora == ("acted",)
    assert found.device == "cpu"


def test_quality_is_the_lower_bound_above_chance_by_hand(three: RunBuilder) -> None:
    found = recommended(three)
    for choice in found.choices:
        assert choice.quality == pytest.approx((choice.uar_low["acted"] - 1 / 5) / (4 / 5))


@pytest.mark.parametrize(
    ("constraints", "pick", "excluded"),
    [
        ({"max_latency_ms": 50}, "fast", {"good": "latency on cpu is 100 ms; at most 50 ms", "bad": "200 ms"}),
        ({"max_size_mb": 450}, "good", {"bad": "its size is 500 MB; at most 450 MB"}),
        ({"licenses": ("mit",)}, "fast", {"good": "declares no licence", "bad": "declares no licence"}),
        ({"licenses": ("gpl-3.0",)}, None, {"good": "no licence", "bad": "no licence", "fast": "is MIT, not gpl"}),
        ({"min_uar": 0.8}, "good", {"fast": "may be as low as", "bad": "at least 0.8 was asked for"}),
        ({"min_uar": 0.99}, None, {"good": "may be as low", "fast": "may be as low", "bad": "may be as low"}),
    ],
)
def test_each_limit_excludes_with_its_reason(
    three: RunBuilder, constraints: dict[str, object], pick: str | None, excluded: dict[str, str]
) -> None:
    found = recommended(three, **constraints)
    assert found.pick == pick
    said = reasons(found)
    assert set(said) == set(excluded)
    assert all(text in " ".join(said[name]) for name, text in excluded.items())
    assert (found.problem is None) == (pick is not None)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_asked_every_candidate_is_either_a_choice_or_excluded_and_the_pick_is_on_the_front(
    three: RunBuilder, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    found = recommended(
        three,
        max_latency_ms=float(generator.uniform(5, 250)),
        max_size_mb=float(generator.uniform(40, 600)),
        min_uar=float(generator.uniform(0, 0.9)),
    )
    choices, excluded = {choice.candidate for choice in found.choices}, set(reasons(found))
    assert choices | excluded == {"good", "fast", "bad"}
    assert not choices & excluded
    assert all(choice.on_front for choice in found.choices if choice.candidate == found.pick)


def test_what_was_not_measured_does_not_keep_to_a_limit(run: RunBuilder, mostly_right: Errors) -> None:
    corpus = run.acted_corpus()
    run.says(run.candidate("untimed"), corpus, mostly_right(corpus, 0.2, 1))
    assert recommended(run).pick == "untimed"
    found = recommended(run, max_latency_ms=1000)
    assert found.pick is None
    assert "is not known" in reasons(found)["untimed"][0]


def test_collapsed_seen_and_unusable_candidates_are_never_recommended(run: RunBuilder, mostly_right: Errors) -> None:
    corpus = run.acted_corpus()
    run.says(run.candidate("constant"), corpus, ["neutral"] * len(corpus.clips))
    run.says(run.candidate("seen", trained_on=("acted",)), corpus, mostly_right(corpus, 0.0, 1))
    run.says(run.candidate("honest"), corpus, mostly_right(corpus, 0.4, 1))
    run.candidate("broken", status=Status.RANDOM_HEAD, reason="Its head is random.")
    found = recommended(run)
    assert found.pick == "honest"
    said = reasons(found)
    assert "(collapsed)" in said["constant"][0]
    assert "it was trained on acted" in said["seen"][0]
    assert "(random-head): Its head is random." in said["broken"][0]


@pytest.mark.parametrize("flag", ["at-chance", "label-permuted"])
def test_what_is_flagged_as_useless_is_never_recommended(three: RunBuilder, flag: str) -> None:
    record = three.record()
    board = score_run(record, three.predictions)
    rows = tuple(
        row.model_copy(update={"flags": (*row.flags, flag)}) if row.candidate == "good" else row for row in board.rows
    )
    found = recommend(board.model_copy(update={"rows": rows}), record, Constraints())
    assert found.pick == "fast"
    assert flag in reasons(found)["good"][0]


def test_who_is_no_better_than_guessing_is_not_recommended_though_its_wrong_answers_are_no_emotions_of_the_corpus(
    run: RunBuilder,
) -> None:
    corpus = run.acted_corpus(speakers=10)
    right = np.random.default_rng(1).random(len(corpus.clips)) < 0.15
    said = [clip.label if is_right else "surprise" for clip, is_right in zip(corpus.clips, right, strict=True)]
    run.says(run.candidate("elsewhere", labels=(*EMOTIONS, "surprise")), corpus, said)
    record = run.record()
    row = score_run(record, run.predictions).rows[0]
    assert row.uar is not None
    assert row.uar < 1 / 5
    assert not set(row.flags) & {"at-chance", "collapsed"}
    found = recommended(run)
    assert found.pick is None
    assert "guessing among the 5 emotions there gives 0.2" in reasons(found)["elsewhere"][0]


def test_an_evaluation_that_ended_early_is_no_ground_for_a_choice(run: RunBuilder, mostly_right: Errors) -> None:
    corpus = run.acted_corpus()
    run.says(run.candidate("half"), corpus, mostly_right(corpus, 0.1, 1)[:20])
    found = recommended(run)
    assert found.pick is None
    assert "has no scores: incomplete" in reasons(found)["half"][0]


def test_nothing_is_recommended_without_labels(run: RunBuilder) -> None:
    corpus = run.corpus("calls", [run.clip(f"c{place}") for place in range(30)])
    run.says(run.candidate("a"), corpus, ["anger"] * 30)
    found = recommended(run)
    assert found.pick is None
    assert found.problem is not None
    assert found.problem.startswith("Nothing can be recommended from calls: without labels")


def test_the_language_is_that_of_the_corpora_and_not_of_the_card(run: RunBuilder, mostly_right: Errors) -> None:
    english, mixed = run.acted_corpus("english"), run.acted_corpus("mixed")
    run.corpora = [
        english.model_copy(update={"clips": tuple(replace(clip, language="en-GB") for clip in english.clips)}),
        mixed.model_copy(
            update={
                "clips": tuple(
                    replace(clip, language="de" if place % 2 else "en") for place, clip in enumerate(mixed.clips)
                )
            }
        ),
    ]
    candidate = run.candidate("says it is German", languages=("de",))
    for corpus in (english, mixed):
        run.says(candidate, corpus, mostly_right(corpus, 0.2, 1))
    assert recommended(run, language="EN").corpora == ("english",)
    german = recommended(run, language="de")
    assert german.pick is None
    assert german.problem is not None
    assert "(english: en; mixed: de, en)" in german.problem
    both = recommended(run)
    assert both.corpora == ("english", "mixed")
    (choice,) = both.choices
    score = {name: (choice.uar[name] - 0.2) / 0.8 for name in both.corpora}
    below = {name: (choice.uar[name] - choice.uar_low[name]) / 0.8 for name in both.corpora}
    mean, reach = sum(score.values()) / 2, sum(each**2 for each in below.values()) ** 0.5 / 2
    assert choice.quality == pytest.approx(mean - reach)


def test_candidates_are_compared_on_corpora_that_none_of_them_has_seen(run: RunBuilder, mostly_right: Errors) -> None:
    first, second = run.acted_corpus("first"), run.acted_corpus("second")
    for name, trained_on in (("a", ("first",)), ("b", ()), ("c", ("first",))):
        candidate = run.candidate(name, trained_on=trained_on)
        run.says(candidate, first, mostly_right(first, 0.0 if trained_on else 0.3, 1))
        run.says(candidate, second, mostly_right(second, 0.3, ord(name)))
    found = recommended(run)
    assert found.corpora == ("second",)
    assert {choice.candidate for choice in found.choices} == {"a", "b", "c"}
    only_first = recommended(run, corpora=("first",))
    assert only_first.pick == "b"
    assert "trained on first" in reasons(only_first)["a"][0]


def test_where_no_corpus_is_unseen_by_all_the_one_that_most_have_not_seen_counts(
    run: RunBuilder, mostly_right: Errors
) -> None:
    first, second = run.acted_corpus("first"), run.acted_corpus("second")
    for name, trained_on in (("a", ("first",)), ("b", ("second",)), ("c", ("first",))):
        candidate = run.candidate(name, trained_on=trained_on)
        run.says(candidate, first, mostly_right(first, 0.2, 1))
        run.says(candidate, second, mostly_right(second, 0.2, 2))
    found = recommended(run)
    assert found.corpora == ("second",)
    assert reasons(found) == {
        "b": ("it was trained on second or has no scores there, which the others are compared on",)
    }


def test_who_shares_the_rank_of_the_pick_is_named(run: RunBuilder, mostly_right: Errors) -> None:
    corpus = run.acted_corpus()
    for name, wrong, seed in (("a", 0.30, 1), ("b", 0.32, 2), ("far", 0.8, 3)):
        run.says(run.candidate(name, EMOTIONS), corpus, mostly_right(corpus, wrong, seed))
    found = recommended(run)
    assert {found.pick, *(choice.candidate for choice in found.ties)} == {"a", "b"}


@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_what_a_loop_over_all_pairs_finds(seed: int) -> None:
    generator = np.random.default_rng(seed)
    costs = generator.integers(0, 4, size=(generator.integers(1, 12), 3)).astype(np.float64)
    costs[generator.random(costs.shape) < 0.1] = np.inf
    front = [
        not any(all(x <= y for x, y in zip(other, own, strict=True)) and tuple(other) != tuple(own) for other in costs)
        for own in costs
    ]
    assert pareto_front(costs).tolist() == front
    assert any(front)


def test_equal_candidates_are_both_on_the_front() -> None:
    assert pareto_front(np.array([[1.0, 1.0], [1.0, 1.0]])).tolist() == [True, True]


def test_no_candidates_have_no_front() -> None:
    assert pareto_front(np.empty((0, 3))).tolist() == []
