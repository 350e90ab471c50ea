from collections import Counter
from collections.abc import Sequence

import krippendorff
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from benchmark.scoring.answers import Answers
from benchmark.scoring.unlabelled import (
    NO_VOTE,
    agreement,
    cohen_kappa,
    dawid_skene,
    krippendorff_alpha,
    majority_agreement,
)
from tests.scoring.conftest import Build, RunBuilder
from tests.support.finished_runs import EMOTIONS as FOUR


def said(hard_answers: Build, hard: Sequence[str | None], classes: Sequence[str] = FOUR) -> Answers:
    return hard_answers([None] * len(hard), hard, classes)


def test_alpha_leaves_out_votes_that_are_missing() -> None:
    votes = np.random.default_rng(0).integers(-1, 3, size=(30, 4))
    table = np.where(votes == NO_VOTE, np.nan, votes).T
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")
    assert krippendorff_alpha(votes) == pytest.approx(expected)


def test_where_nothing_varies_there_is_no_alpha() -> None:
    assert krippendorff_alpha(np.zeros((5, 3), dtype=np.int64)) is None
    assert krippendorff_alpha(np.full((5, 3), -1)) is None
    assert krippendorff_alpha(np.empty((0, 0), dtype=np.int64)) is None


@pytest.mark.parametrize("seed", range(2))
def test_agreement_with_the_majority_is_what_counting_gives(seed: int) -> None:
    votes = np.random.default_rng(seed).integers(-1, 3, size=(25, 5))
    expected = []
    for voter in range(5):
        gained = []
        for row in votes.tolist():
            if row[voter] < 0:
                continue
            counts = Counter(v for v in row if v >= 0)
            leading = [v for v, number in counts.items() if number == max(counts.values())]
            gained.append(1 / len(leading) if row[voter] in leading else 0.0)
        expected.append(sum(gained) / len(gained))
    assert majority_agreement(votes) == pytest.approx(expected)


def test_answers_outside_the_shared_emotions_are_one_class_of_their_own(hard_answers: Build) -> None:
    found = agreement(
        "c",
        {
            "a": said(hard_answers, ["fear"] * 20 + ["anger"] * 20, ("anger", "neutral", "fear")),
            "b": said(hard_answers, ["surprise"] * 20 + ["anger"] * 20, ("anger", "neutral", "surprise")),
            "c": said(hard_answers, ["neutral"] * 20 + ["anger"] * 20, ("anger", "neutral")),
        },
        {},
    )
    assert found.shared_emotions == ("anger", "neutral")
    assert found.pairs[0].agreement == 1.0
    assert found.voters[0].distribution == {"anger": 0.5, "fear": 0.5}


def test_the_model_depends_on_clips_per_class(hard_answers: Build) -> None:
    generator = np.random.default_rng(0)

    def voters(clips: int) -> dict[str, Answers]:
        return {
            name: said(hard_answers, [FOUR[:2][i] for i in generator.integers(2, size=clips)], FOUR[:2])
            for name in "abc"
        }

    assert agreement("c", voters(99), {}).model == "one-coin"
    assert agreement("c", voters(100), {}).model == "dawid-skene"


def test_near_twins_are_one_voter_and_share_what_is_estimated(hard_answers: Build) -> None:
    generator = np.random.default_rng(0)
    truth = [FOUR[i] for i in generator.integers(4, size=120)]

    def noisy(wrong: float) -> Answers:
        return said(hard_answers, [FOUR[generator.integers(4)] if generator.random() < wrong else t for t in truth])

    answers = {"a": noisy(0.2), "b": noisy(0.4), "c": noisy(0.5)}
    alone = agreement("c", answers, {})
    twinned = agreement("c", {**answers, "copy": answers["b"]}, {"b": ("copy",), "copy": ("b",)})
    copy = twinned.voters[-1]
    assert copy.twin_of == "b"
    assert twinned.voters[:3] == alone.voters
    assert copy.estimated_accuracy == alone.voters[1].estimated_accuracy
    assert (twinned.pairs, twinned.alpha) == (alone.pairs, alone.alpha)
    only_two = agreement(
        "c", {"b": answers["b"], "copy": answers["b"], "a": answers["a"]}, {"b": ("copy",), "copy": ("b",)}
    )
    assert only_two.model is None
    assert "at least 3 voters, near-twins counted once; there are 2" in (only_two.problem or "")
    assert only_two.voters[0].majority_agreement is None


def test_voters_without_common_emotions_get_no_estimate(hard_answers: Build) -> None:
    answers = {
        name: said(hard_answers, ["anger"] * 5, ("anger", own)) for name, own in zip("abc", FOUR[1:], strict=True)
    }
    found = agreement("c", answers, {})
    assert found.problem is not None
    assert "share fewer than 2 emotions" in found.problem


def test_one_recording_tells_nobody_how_often_a_voter_is_right(hard_answers: Build) -> None:
    found = agreement("c", {name: said(hard_answers, [name]) for name in ("anger", "happiness", "sadness")}, {})
    assert (found.alpha, found.model) == (None, None)
    assert {voter.estimated_accuracy for voter in found.voters} == {None}
    assert {pair.kappa for pair in found.pairs} == {None}
    assert found.problem == "Accuracy is estimated from at least 10 answered clips; there is 1."


@pytest.mark.parametrize(("answered", "is_enough"), [(9, False), (10, True)])
def test_clips_that_nobody_answered_do_not_count_for_an_estimate(
    hard_answers: Build, answered: int, is_enough: bool
) -> None:
    hard = [*(FOUR[place % 4] for place in range(answered)), None, None]
    found = agreement("c", {name: said(hard_answers, hard) for name in "abc"}, {})
    assert (found.problem is None) is is_enough
    assert all((voter.estimated_accuracy is not None) is is_enough for voter in found.voters)


def test_without_answers_nothing_is_said(hard_answers: Build) -> None:
    assert agreement("c", {}, {}).voters == ()
    silent = {name: said(hard_answers, [None] * 4) for name in "abc"}
    found = agreement("c", silent, {})
    assert found.problem == "Not one clip was answered."
    assert [voter.confidence for voter in found.voters] == [None] * 3


def test_a_leaderboard_has_it_for_corpora_without_labels_only(run: RunBuilder) -> None:
    labelled = run.acted_corpus(speakers=3, repeats=1)
    calls = run.corpus("calls", [run.clip(f"c{place}") for place in range(40)])
    generator = np.random.default_rng(0)
    for name in "abc":
        candidate = run.candidate(name, FOUR)
        for corpus in (labelled, calls):
            run.says(candidate, corpus, [FOUR[i] for i in generator.integers(4, size=len(corpus.clips))])
    board = run.score()
    assert [each.corpus for each in board.agreements] == ["calls"]
    assert all(row.rank is None for row in board.rows if row.corpus == "calls")


@pytest.mark.parametrize("seed", range(4))
def test_kappa_from_counts_is_that_of_scikit_learn_to_the_last_bit(seed: int) -> None:
    generator = np.random.default_rng(seed)
    classes, clips = int(generator.integers(2, 9)), int(generator.integers(2, 300))
    one = generator.integers(0, classes, clips) * int(generator.integers(1, 3))
    other = np.where(generator.random(clips) < 0.6, one, generator.integers(0, classes, clips))
    assert cohen_kappa(one, other) == cohen_kappa_score(one, other)


def test_two_voters_who_only_ever_say_one_thing_have_no_kappa() -> None:
    assert cohen_kappa(np.array([3, 3]), np.array([3, 3])) is None


def simulated(
    seed: int, clips: int, classes: int, skills: list[float], gaps: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Truth and the votes of independent voters."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(classes, size=clips)
    votes = np.stack(
        [
            np.where(generator.random(clips) < skill, truth, (truth + generator.integers(1, classes, clips)) % classes)
            for skill in skills
        ],
        axis=1,
    )
    votes[generator.random(votes.shape) < gaps] = NO_VOTE
    return truth, votes


@pytest.mark.parametrize(
    ("one_coin", "accuracy"),
    [(False, [0.858372, 0.778749, 0.73344, 0.6826]), (True, [0.999993, 0.678033, 0.643467, 0.716813])],
)
def test_the_estimates_are_those_that_a_second_implementation_gave(one_coin: bool, accuracy: list[float]) -> None:
    _, votes = simulated(3, 60, 3, [0.9, 0.7, 0.6, 0.8], 0.2)
    assert dawid_skene(votes, 3, one_coin=one_coin).tolist() == pytest.approx(accuracy, abs=1e-5)


def test_with_independent_errors_the_true_accuracies_are_found() -> None:
    skills = [0.85, 0.7, 0.55, 0.4]
    truth, votes = simulated(1, 3000, 4, skills)
    assert dawid_skene(votes, 4) == pytest.approx((votes == truth[:, None]).mean(axis=0), abs=0.03)


@pytest.mark.slow
def test_few_clips_are_better_served_by_one_coin() -> None:
    errors = {False: 0.0, True: 0.0}
    for seed in range(20):
        truth, votes = simulated(seed, 60, 6, [0.75, 0.6, 0.5])
        for one_coin in errors:
            estimated = dawid_skene(votes, 6, one_coin=one_coin)
            errors[one_coin] += float(np.abs(estimated - (votes == truth[:, None]).mean(axis=0)).mean())
    assert errors[True] < errors[False]


def test_a_voter_that_never_votes_has_no_accuracy() -> None:
    _, votes = simulated(1, 50, 3, [0.9, 0.8, 0.7])
    votes[:, 1] = NO_VOTE
    assert np.isnan(dawid_skene(votes, 3)).tolist() == [False, True, False]
