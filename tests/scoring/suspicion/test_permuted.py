from collections.abc import Callable, Sequence

import numpy as np
import pytest

from benchmark.scoring.decisions import Decisions
from benchmark.scoring.suspicion.permuted import Moved, label_permutation

Decide = Callable[..., Decisions]
EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness")


def people(clips: int, speakers: int = 6) -> Sequence[str]:
    return [f"s{clip % speakers}" for clip in range(clips)]


@pytest.fixture
def truth() -> list[int]:
    return list(np.repeat([0, 1, 2, 3, 4], 30))


def test_two_swapped_labels_are_found_and_named(decide: Decide, truth: list[int]) -> None:
    answers = [{0: 1, 1: 0}.get(emotion, emotion) for emotion in truth]
    found = label_permutation(decide(truth, answers, 5), people(150), EMOTIONS)
    assert found == (Moved(says="fear", means="anger"), Moved(says="anger", means="fear"))


def test_right_names_are_left_alone(decide: Decide, truth: list[int]) -> None:
    assert label_permutation(decide(truth, truth, 5), people(150), EMOTIONS) == ()
    assert label_permutation(decide(truth, [3] * 150, 5), people(150), EMOTIONS) == ()


def test_labels_that_the_candidate_does_not_have_are_not_moved(decide: Decide, truth: list[int]) -> None:
    answers = [{0: 1, 1: 0}.get(emotion, 5) for emotion in truth]
    assert len(label_permutation(decide(truth, answers, 5), people(150), EMOTIONS[:2])) == 2
    assert label_permutation(decide(truth, answers, 5), people(150), EMOTIONS[1:]) == ()


def test_what_holds_on_half_of_the_speakers_only_is_not_a_permutation(decide: Decide, truth: list[int]) -> None:
    speakers = people(150)
    swapped = {0: 1, 1: 0}
    answers = [
        swapped.get(emotion, emotion) if speaker in {"s0", "s2", "s4"} else emotion
        for emotion, speaker in zip(truth, speakers, strict=True)
    ]
    assert label_permutation(decide(truth, answers, 5), speakers, EMOTIONS) == ()


@pytest.mark.parametrize(("right", "expected"), [(0.4, 0), (0.7, 2)])
def test_moved_emotions_must_be_recognised_at_least_every_other_time(
    decide: Decide, truth: list[int], right: float, expected: int
) -> None:
    seen: dict[int, int] = {}
    answers = []
    for emotion in truth:
        seen[emotion] = seen.get(emotion, -1) + 1
        hit = seen[emotion] % 10 < 10 * right
        answers.append(({0: 1, 1: 0}[emotion] if hit else 5) if emotion < 2 else emotion)
    assert len(label_permutation(decide(truth, answers, 5), people(150), EMOTIONS)) == expected


@pytest.mark.parametrize("speakers", [[None] * 150, ["one"] * 150, []])
def test_without_two_known_speakers_nothing_is_said(
    decide: Decide, truth: list[int], speakers: Sequence[str | None]
) -> None:
    wrong = [{0: 1, 1: 0}.get(emotion, emotion) for emotion in truth][: len(speakers)]
    decisions = decide(truth[: len(speakers)], wrong, 5)
    assert label_permutation(decisions, speakers, EMOTIONS) == ()


def test_an_emotion_that_only_one_half_has_is_left_out(decide: Decide) -> None:
    truth, answers = [0, 1, 2] * 20, [1, 0, 2] * 20
    speakers = [f"s{clip // 3 % 4}" for clip in range(60)]
    alone = [*truth, *[3] * 10], [*answers, *[4] * 10], [*speakers, *["s0"] * 10]
    assert len(label_permutation(decide(alone[0], alone[1], 5), alone[2], EMOTIONS)) == 2


def test_both_halves_must_find_the_same_though_what_one_found_helps_the_other(decide: Decide, truth: list[int]) -> None:
    speakers = people(150)
    answers = [
        {0: 1, 1: 0, **({2: 3, 3: 2} if speaker in {"s1", "s3", "s5"} else {})}.get(emotion, emotion)
        for emotion, speaker in zip(truth, speakers, strict=True)
    ]
    assert label_permutation(decide(truth, answers, 5), speakers, EMOTIONS) == ()


def test_two_emotions_that_are_confused_a_little_more_often_than_not_are_no_permutation(
    decide: Decide, truth: list[int]
) -> None:
    """The mean recall would rise from 0.4 to 0.6."""
    answers = [(1 - emotion if clip % 10 < 6 else emotion) if emotion < 2 else emotion for clip, emotion in
               enumerate(truth)]  # fmt: skip
    assert label_permutation(decide(truth, answers, 5), people(150), EMOTIONS) == ()


@pytest.mark.parametrize("said", [2, 3])
def test_of_equally_good_relabellings_the_one_that_moves_least_is_meant(
    decide: Decide, truth: list[int], said: int
) -> None:
    answers = [{0: 1, 1: 0, 2: said, 3: said}.get(emotion, emotion) for emotion in truth]
    assert len(label_permutation(decide(truth, answers, 5), people(150), EMOTIONS)) == 2
