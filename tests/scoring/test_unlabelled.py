from collections.abc import Mapping, Sequence
from statistics import multimode

import krippendorff
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from benchmark.results.analyses import CorpusAgreement
from benchmark.scoring import unlabelled
from tests.scoring.conftest import RunBuilder, clip_record, hard_answers
from tests.support.finished_runs import EMOTIONS as FOUR


def agree(
    hard: Mapping[str, Sequence[str | None]],
    twins: Mapping[str, tuple[str, ...]] | None = None,
    classes: Mapping[str, tuple[str, ...]] | None = None,
) -> CorpusAgreement:
    """The agreement of candidates by their hard answers; `classes` by candidate where they are not `FOUR`."""
    answers = {
        name: hard_answers([None] * len(own), own, (classes or {}).get(name, FOUR)) for name, own in hard.items()
    }
    return unlabelled.agreement("c", answers, twins or {})


def drawn(seed: int, clips: int, classes: Sequence[str] = FOUR) -> list[str]:
    return [str(name) for name in np.random.default_rng(seed).choice(classes, clips)]


def test_alpha_leaves_out_votes_that_are_missing() -> None:
    votes = np.random.default_rng(0).integers(-1, 3, size=(30, 4))
    table = np.where(votes == unlabelled.NO_VOTE, np.nan, votes).T
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")
    assert unlabelled.krippendorff_alpha(votes) == pytest.approx(expected)


@pytest.mark.parametrize("votes", [np.zeros((5, 3)), np.full((5, 3), unlabelled.NO_VOTE), np.empty((0, 0))])
def test_where_nothing_varies_there_is_no_alpha(votes: NDArray[np.float64]) -> None:
    assert unlabelled.krippendorff_alpha(votes.astype(np.int64)) is None


def test_agreement_with_the_majority_is_that_of_counting() -> None:
    votes = np.random.default_rng(0).integers(-1, 3, size=(25, 5))
    expected = []
    for voter in range(5):
        shares = []
        for row in votes[votes[:, voter] != unlabelled.NO_VOTE].tolist():
            leading = multimode(vote for vote in row if vote != unlabelled.NO_VOTE)
            shares.append((row[voter] in leading) / len(leading))
        expected.append(np.mean(shares))
    assert unlabelled.majority_agreement(votes) == pytest.approx(expected)


def test_answers_outside_the_shared_emotions_are_one_class_of_their_own() -> None:
    own = {"a": "fear", "b": "surprise", "c": "neutral"}
    result = agree(
        {name: [emotion] * 20 + ["anger"] * 20 for name, emotion in own.items()},
        classes={name: tuple(dict.fromkeys(("anger", "neutral", emotion))) for name, emotion in own.items()},
    )
    assert result.shared_emotions == ("anger", "neutral")
    assert result.pairs[0].agreement == 1.0
    assert result.voters[0].distribution == {"anger": 0.5, "fear": 0.5}


@pytest.mark.parametrize(("clips", "model"), [(99, "one-coin"), (100, "dawid-skene")])
def test_the_model_depends_on_clips_per_class(clips: int, model: str) -> None:
    answers = {name: drawn(seed, clips, FOUR[:2]) for seed, name in enumerate("abc")}
    assert agree(answers, classes=dict.fromkeys("abc", FOUR[:2])).model == model


def test_near_twins_are_one_voter_and_share_the_estimates() -> None:
    generator = np.random.default_rng(0)
    truth = drawn(0, 120)
    answers = {
        name: [str(generator.choice(FOUR)) if generator.random() < wrong else emotion for emotion in truth]
        for name, wrong in (("a", 0.2), ("b", 0.4), ("c", 0.5))
    }
    twins = {"b": ("copy",), "copy": ("b",)}
    alone, twinned = agree(answers), agree(answers | {"copy": answers["b"]}, twins)
    copy = twinned.voters[-1]
    assert copy.twin_of == "b"
    assert twinned.voters[:3] == alone.voters
    assert copy.estimated_accuracy == alone.voters[1].estimated_accuracy
    assert (twinned.pairs, twinned.alpha) == (alone.pairs, alone.alpha)
    two = agree({"b": answers["b"], "copy": answers["b"], "a": answers["a"]}, twins)
    assert (two.model, two.voters[0].majority_agreement) == (None, None)
    assert "at least 3 voters, near-twins counted once; there are 2" in (two.problem or "")


def test_voters_without_common_emotions_get_no_estimate() -> None:
    classes = {name: ("anger", own) for name, own in zip("abc", FOUR[1:], strict=True)}
    result = agree({name: ["anger"] * 5 for name in "abc"}, classes=classes)
    assert "share fewer than 2 emotions" in (result.problem or "")


def test_from_a_single_recording_nothing_is_estimated() -> None:
    result = agree({name: [name] for name in ("anger", "happiness", "sadness")})
    assert (result.alpha, result.model) == (None, None)
    assert {pair.kappa for pair in result.pairs} == {None}
    assert result.problem == "Accuracy is estimated from at least 10 answered clips; there is 1."


@pytest.mark.parametrize(("answered", "is_enough"), [(9, False), (10, True)])
def test_clips_that_nobody_answered_do_not_count_for_an_estimate(answered: int, is_enough: bool) -> None:
    hard = [*(FOUR[number % 4] for number in range(answered)), None, None]
    result = agree(dict.fromkeys("abc", hard))
    assert (result.problem is None) is is_enough
    assert all((voter.estimated_accuracy is not None) is is_enough for voter in result.voters)


def test_without_answers_there_is_no_agreement() -> None:
    assert agree({}).voters == ()
    silent = agree(dict.fromkeys("abc", [None] * 4))
    assert silent.problem == "Not one clip was answered."
    assert [voter.confidence for voter in silent.voters] == [None] * 3


def test_a_leaderboard_has_agreements_for_corpora_without_labels_only(run: RunBuilder) -> None:
    labelled = run.acted_corpus(speakers=3, repeats=1)
    calls = run.corpus("calls", [clip_record(f"c{number}") for number in range(40)])
    for seed, name in enumerate("abc"):
        candidate = run.candidate(name, FOUR)
        for corpus in (labelled, calls):
            run.add(candidate, corpus, drawn(seed, len(corpus.clips)))
    board = run.score()
    assert [own.corpus for own in board.agreements] == ["calls"]
    assert all(row.rank is None for row in board.rows if row.corpus == "calls")


@pytest.mark.parametrize("step", [1, 2])  # the numbers of classes may have gaps
def test_kappa_from_counts_is_that_of_scikit_learn_to_the_last_bit(step: int) -> None:
    generator = np.random.default_rng(step)
    first = generator.integers(0, 6, 200) * step
    second = np.where(generator.random(200) < 0.6, first, generator.integers(0, 6, 200))
    assert unlabelled.cohen_kappa(first, second) == cohen_kappa_score(first, second)
    assert unlabelled.cohen_kappa(np.array([3, 3]), np.array([3, 3])) is None, "nothing varies"


def simulated(
    seed: int, clips: int, classes: int, skills: list[float], gaps: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The votes of independent voters, and their accuracies."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(classes, size=clips)
    votes = np.stack(
        [
            np.where(generator.random(clips) < skill, truth, (truth + generator.integers(1, classes, clips)) % classes)
            for skill in skills
        ],
        axis=1,
    )
    votes[generator.random(votes.shape) < gaps] = unlabelled.NO_VOTE
    return votes, (votes == truth[:, None]).mean(axis=0)


@pytest.mark.parametrize(
    ("one_coin", "accuracy"),
    [(False, [0.858372, 0.778749, 0.73344, 0.6826]), (True, [0.999993, 0.678033, 0.643467, 0.716813])],
)
def test_the_estimates_are_those_that_a_second_implementation_gave(one_coin: bool, accuracy: list[float]) -> None:
    votes, _ = simulated(3, 60, 3, [0.9, 0.7, 0.6, 0.8], 0.2)
    assert unlabelled.dawid_skene(votes, 3, one_coin=one_coin).tolist() == pytest.approx(accuracy, abs=1e-5)


def test_with_independent_errors_the_true_accuracies_are_found() -> None:
    votes, accuracies = simulated(1, 3000, 4, [0.85, 0.7, 0.55, 0.4])
    assert unlabelled.dawid_skene(votes, 4) == pytest.approx(accuracies, abs=0.03)


@pytest.mark.slow
def test_few_clips_are_better_served_by_one_coin() -> None:
    errors = {False: 0.0, True: 0.0}
    for seed in range(20):
        votes, accuracies = simulated(seed, 60, 6, [0.75, 0.6, 0.5])
        for one_coin in errors:
            errors[one_coin] += float(np.abs(unlabelled.dawid_skene(votes, 6, one_coin=one_coin) - accuracies).mean())
    assert errors[True] < errors[False]


def test_a_voter_that_never_votes_has_no_accuracy() -> None:
    votes, _ = simulated(1, 50, 3, [0.9, 0.8, 0.7])
    votes[:, 1] = unlabelled.NO_VOTE
    assert np.isnan(unlabelled.dawid_skene(votes, 3)).tolist() == [False, True, False]
