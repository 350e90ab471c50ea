from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import open_decisions
from benchmark.scoring.ensembles import best_members, cross_fitted, first_half, soft_vote
from benchmark.scoring.scores import uar

RandomAnswers = Callable[..., Answers]


def same_clips(random_answers: RandomAnswers, number: int, clips: int = 80) -> list[Answers]:
    """Candidates with different classes and failures, on the clips of the first."""
    first = random_answers(0, clips, classes=4)
    members = []
    for seed in range(number):
        own = random_answers(seed, clips, classes=2 + seed % 3)
        truth_place = np.array([own.classes.index(t) if t in own.classes else 0 for t in first.truth])
        better = own.probabilities.copy()
        better[np.arange(clips), truth_place] += 0.3 * (seed % 4)  # so that some are better than others
        members.append(replace(first, probabilities=better, classes=own.classes))
    return members


def vote_of_one_clip(members: list[Answers], clip: int) -> dict[str, float]:
    heard = [member for member in members if not np.isnan(member.probabilities[clip]).any()]
    names = {name for member in heard for name in member.classes}
    means = {
        name: float(np.mean([m.probabilities[clip, m.classes.index(name)] for m in heard if name in m.classes]))
        for name in names
    }
    return {name: mean / sum(means.values()) for name, mean in means.items()}


@pytest.mark.parametrize("number", [2, 3, 5])
def test_the_vote_is_the_mean_over_those_that_cover_an_emotion_counted_clip_by_clip(
    random_answers: RandomAnswers, number: int
) -> None:
    members = same_clips(random_answers, number)
    together = soft_vote(members)
    for clip, row in enumerate(together.probabilities):
        expected = vote_of_one_clip(members, clip)
        if not expected:
            assert np.isnan(row).all()
            continue
        assert row == pytest.approx([expected.get(name, 0.0) for name in together.classes])


def test_a_clip_that_one_member_could_not_process_is_answered_by_the_others(random_answers: RandomAnswers) -> None:
    first, second = same_clips(random_answers, 2)
    broken = replace(first, probabilities=np.full_like(first.probabilities, np.nan))
    assert np.array_equal(soft_vote([broken, second]).answered, second.answered)
    assert not soft_vote([broken, broken]).answered.any()


def test_an_ensemble_of_equal_members_answers_like_one(random_answers: RandomAnswers) -> None:
    (one,) = same_clips(random_answers, 1)
    assert np.array_equal(soft_vote([one, one, one]).chosen, one.chosen)


@pytest.mark.parametrize("seed", range(4))
def test_members_are_those_that_trying_each_in_turn_finds(random_answers: RandomAnswers, seed: int) -> None:
    candidates = same_clips(random_answers, 5)
    clips = np.random.default_rng(seed).random(80) < 0.6
    part = [
        replace(
            each,
            probabilities=each.probabilities[clips],
            truth=tuple(t for t, used in zip(each.truth, clips, strict=True) if used),
            speakers=tuple(s for s, used in zip(each.speakers, clips, strict=True) if used),
        )
        for each in candidates
    ]
    chosen: list[int] = []
    for _ in range(3):
        scores = [
            -1.0 if place in chosen else uar(open_decisions(soft_vote([part[each] for each in [*chosen, place]])))
            for place in range(5)
        ]
        chosen.append(int(np.argmax([score or 0.0 for score in scores])))
    assert best_members(candidates, 3, clips) == tuple(chosen)


def test_nobody_is_chosen_on_the_speakers_that_score_him(random_answers: RandomAnswers) -> None:
    candidates = same_clips(random_answers, 6)
    half = first_half(candidates[0])
    assert half is not None
    spoilt = []
    for seed, each in enumerate(candidates):
        noise = np.random.default_rng(100 + seed).dirichlet(np.ones(len(each.classes)), size=80)
        spoilt.append(replace(each, probabilities=np.where(half[:, None], noise, each.probabilities)))
    before, after = cross_fitted(candidates, 2), cross_fitted(spoilt, 2)
    assert before is not None
    assert after is not None
    assert before.members[0] == after.members[0]
    for place, clips in enumerate((half, ~half)):
        alone = soft_vote([candidates[member] for member in before.members[place]])
        names = [before.answers.classes[index] if index >= 0 else None for index in before.answers.chosen[clips]]
        assert names == [alone.classes[index] if index >= 0 else None for index in alone.chosen[clips]]


def test_speakers_are_halved_whole_and_always_the_same_way(random_answers: RandomAnswers) -> None:
    (one,) = same_clips(random_answers, 1)
    half, again = first_half(one), first_half(one)
    assert half is not None
    assert again is not None
    assert np.array_equal(half, again)
    sides = {(speaker, side) for speaker, side in zip(one.speakers, half.tolist(), strict=True)}
    assert len(sides) == len(set(one.speakers))
    assert {side for _, side in sides} == {True, False}


def test_without_two_known_speakers_nothing_can_be_halved(random_answers: RandomAnswers) -> None:
    (one,) = same_clips(random_answers, 1)
    assert first_half(replace(one, speakers=("s",) * 80)) is None
    assert first_half(replace(one, speakers=(None,) * 80)) is None
    assert cross_fitted([replace(one, speakers=(None,) * 80)] * 2, 2) is None
