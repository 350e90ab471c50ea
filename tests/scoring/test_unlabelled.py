import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from benchmark.scoring.answers import Answers
from benchmark.scoring.leaderboard import score_run
from benchmark.scoring.unlabelled import (
    NO_VOTE,
    agreement,
    cohen_kappa,
    dawid_skene,
    krippendorff_alpha,
    majority_agreement,
)
from tests.scoring.conftest import RunBuilder

HardAnswers = Callable[..., Answers]


FOUR = ("anger", "happiness", "neutral", "sadness")


def said(hard_answers: HardAnswers, hard: Sequence[str | None], classes: Sequence[str] = FOUR) -> Answers:
    return hard_answers([None] * len(hard), hard, classes)


def alpha_by_pairs(votes: list[list[int | None]]) -> float:
    """1 − observed disagreement / expected disagreement, counted pair by pair within and over clips."""
    units = [[v for v in row if v is not None] for row in votes]
    units = [unit for unit in units if len(unit) > 1]
    pooled = [v for unit in units for v in unit]
    observed = sum(
        sum(a != b for place, a in enumerate(unit) for other, b in enumerate(unit) if place != other) / (len(unit) - 1)
        for unit in units
    ) / len(pooled)
    counts = Counter(pooled)
    same = sum(number * (number - 1) for number in counts.values())
    expected = 1 - same / (len(pooled) * (len(pooled) - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_what_counting_pairs_gives(seed: int) -> None:
    generator = np.random.default_rng(seed)
    votes = generator.integers(-1, 3, size=(30, 4))
    expected = alpha_by_pairs([[None if v < 0 else v for v in row] for row in votes.tolist()])
    assert krippendorff_alpha(votes) == pytest.approx(expected)


def test_where_nothing_varies_there_is_no_alpha() -> None:
    assert krippendorff_alpha(np.zeros((5, 3), dtype=np.int64)) is None
    assert krippendorff_alpha(np.full((5, 3), -1)) is None
    assert krippendorff_alpha(np.empty((0, 0), dtype=np.int64)) is None


@pytest.mark.parametrize("seed", range(5))
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


def test_kappa_is_what_the_definition_gives_over_shared_emotions_and_the_rest(hard_answers: HardAnswers) -> None:
    generator = np.random.default_rng(1)
    first = [FOUR[i] for i in generator.integers(4, size=60)]
    second = [one if generator.random() < 0.6 else "fear" for one in first]
    third = [FOUR[i] for i in generator.integers(4, size=60)]
    found = agreement(
        "c",
        {
            "a": said(hard_answers, first),
            "b": said(hard_answers, second, (*FOUR[:3], "fear", "sadness")),
            "c": said(hard_answers, third, (*FOUR[:3], "surprise", "sadness")),
        },
        {},
    )
    assert found.shared_emotions == FOUR
    sides = {"a": first, "b": second, "c": third}
    for pair, (one, other) in zip(found.pairs, combinations("abc", 2), strict=True):
        assert (pair.first, pair.second) == (one, other)
        observed = float(np.mean([x == y for x, y in zip(sides[one], sides[other], strict=True)]))
        p, q = Counter(sides[one]), Counter(sides[other])
        chance = sum(p[name] * q[name] for name in {*p, *q}) / 60**2
        assert pair.agreement == pytest.approx(observed)
        assert pair.kappa == pytest.approx((observed - chance) / (1 - chance))


def test_answers_outside_the_shared_emotions_are_one_class_of_their_own(hard_answers: HardAnswers) -> None:
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


def test_the_model_depends_on_clips_per_class(hard_answers: HardAnswers) -> None:
    generator = np.random.default_rng(0)

    def voters(clips: int) -> dict[str, Answers]:
        return {
            name: said(hard_answers, [FOUR[:2][i] for i in generator.integers(2, size=clips)], FOUR[:2])
            for name in "abc"
        }

    assert agreement("c", voters(99), {}).model == "one-coin"
    assert agreement("c", voters(100), {}).model == "dawid-skene"


def test_near_twins_are_one_voter_and_share_what_is_estimated(hard_answers: HardAnswers) -> None:
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


def test_voters_without_common_emotions_get_no_estimate(hard_answers: HardAnswers) -> None:
    answers = {
        name: said(hard_answers, ["anger"] * 5, ("anger", own)) for name, own in zip("abc", FOUR[1:], strict=True)
    }
    found = agreement("c", answers, {})
    assert found.problem is not None
    assert "share fewer than 2 emotions" in found.problem


def test_one_recording_tells_nobody_how_often_a_voter_is_right(hard_answers: HardAnswers) -> None:
    found = agreement("c", {name: said(hard_answers, [name]) for name in ("anger", "happiness", "sadness")}, {})
    assert (found.alpha, found.model) == (None, None)
    assert {voter.estimated_accuracy for voter in found.voters} == {None}
    assert {pair.kappa for pair in found.pairs} == {None}
    assert found.problem == "Accuracy is estimated from at least 10 answered clips; there is 1."


@pytest.mark.parametrize(("answered", "is_enough"), [(9, False), (10, True)])
def test_clips_that_nobody_answered_do_not_count_for_an_estimate(
    hard_answers: HardAnswers, answered: int, is_enough: bool
) -> None:
    hard = [*(FOUR[place % 4] for place in range(answered)), None, None]
    found = agreement("c", {name: said(hard_answers, hard) for name in "abc"}, {})
    assert (found.problem is None) is is_enough
    assert all((voter.estimated_accuracy is not None) is is_enough for voter in found.voters)


def test_without_answers_nothing_is_said(hard_answers: HardAnswers) -> None:
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
    board = score_run(run.record(), run.predictions)
    assert [each.corpus for each in board.agreements] == ["calls"]
    assert all(row.rank is None for row in board.rows if row.corpus == "calls")


@pytest.mark.parametrize("seed", range(20))
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


def by_loops(votes: NDArray[np.int64], classes: int, rounds: int, *, one_coin: bool) -> list[float]:
    """The same estimation, written out clip by clip; returns the accuracies."""
    clips, voters = votes.shape
    truth = [[0.0] * classes for _ in range(clips)]
    for i in range(clips):
        cast = [v for v in votes[i].tolist() if v != NO_VOTE]
        for v in cast:
            truth[i][v] += 1 / len(cast)
    for _ in range(rounds):
        prior = [max(sum(truth[i][k] for i in range(clips)) / clips, 1e-10) for k in range(classes)]
        skill = {}
        for j in range(voters):
            given = [i for i in range(clips) if votes[i, j] != NO_VOTE]
            right = sum(truth[i][votes[i, j]] for i in given) / len(given)
            for t in range(classes):
                total = sum(truth[i][t] for i in given)
                for a in range(classes):
                    said = sum(truth[i][t] for i in given if votes[i, j] == a)
                    coin = right if a == t else (1 - right) / (classes - 1)
                    skill[j, t, a] = max(coin if one_coin else said / max(total, 1e-10), 1e-10)
        for i in range(clips):
            logs = [
                math.log(prior[t])
                + sum(math.log(skill[j, t, int(votes[i, j])]) for j in range(voters) if votes[i, j] != NO_VOTE)
                for t in range(classes)
            ]
            weights = [math.exp(each - max(logs)) for each in logs]
            truth[i] = [each / sum(weights) for each in weights]
    answered = [[i for i in range(clips) if votes[i, j] != NO_VOTE] for j in range(voters)]
    return [sum(truth[i][votes[i, j]] for i in answered[j]) / len(answered[j]) for j in range(voters)]


@pytest.mark.parametrize("one_coin", [False, True])
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_the_estimates_are_those_of_a_second_implementation(gaps: float, one_coin: bool) -> None:
    _, votes = simulated(3, 60, 3, [0.9, 0.7, 0.6, 0.8], gaps)
    votes = votes[(votes != NO_VOTE).any(axis=1)]
    found = dawid_skene(votes, 3, one_coin=one_coin)
    assert found.accuracy.tolist() == pytest.approx(by_loops(votes, 3, 200, one_coin=one_coin), abs=1e-4)


def test_with_independent_errors_the_true_accuracies_are_found() -> None:
    skills = [0.85, 0.7, 0.55, 0.4]
    truth, votes = simulated(1, 3000, 4, skills)
    found = dawid_skene(votes, 4)
    assert found.accuracy == pytest.approx((votes == truth[:, None]).mean(axis=0), abs=0.03)
    right = (found.truth.argmax(axis=1) == truth).mean()
    assert right > (votes == truth[:, None]).mean(axis=0).max()


def test_few_clips_are_better_served_by_one_coin() -> None:
    errors = {False: 0.0, True: 0.0}
    for seed in range(20):
        truth, votes = simulated(seed, 60, 6, [0.75, 0.6, 0.5])
        for one_coin in errors:
            estimated = dawid_skene(votes, 6, one_coin=one_coin).accuracy
            errors[one_coin] += float(np.abs(estimated - (votes == truth[:, None]).mean(axis=0)).mean())
    assert errors[True] < errors[False]


def test_a_voter_that_never_votes_has_no_accuracy() -> None:
    _, votes = simulated(1, 50, 3, [0.9, 0.8, 0.7])
    votes[:, 1] = NO_VOTE
    assert np.isnan(dawid_skene(votes, 3).accuracy).tolist() == [False, True, False]
