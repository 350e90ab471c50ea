from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.suspicion import Chance, chance, label_permutation, published_bests, too_good
from tests.scoring.conftest import Decide


def known(found: Chance | None) -> Chance:
    assert found is not None
    return found


def people(clips: int, speakers: int = 6) -> Sequence[str]:
    return [f"s{clip % speakers}" for clip in range(clips)]


@pytest.mark.parametrize("speakers", [["one"] * 31, [None] * 31, people(31, 4)])
def test_20_of_31_is_what_always_answering_neutral_gives_and_no_skill(
    decide: Decide, speakers: Sequence[str | None]
) -> None:
    """The figure that this project began with: an accuracy of 0.645."""
    truth = [3] * 20 + [0, 1, 2, 4] * 2 + [0, 1, 2]
    found = known(chance(decide(truth, [3] * 31, 5), speakers))
    assert sum(emotion == 3 for emotion in truth) / 31 == pytest.approx(0.645, abs=5e-4)
    assert (found.at_chance, found.majority_like) == (True, True)
    assert found.above_guessing == pytest.approx(0.0, abs=1e-12)
    assert found.above_majority == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("answer", [0, 4, 5])
def test_the_same_answer_always_is_chance_whatever_it_is(decide: Decide, answer: int) -> None:
    truth = [0, 1, 2, 3, 4] * 20
    found = known(chance(decide(truth, [answer] * 100, 5), people(100, 7)))
    assert found.at_chance
    assert found.above_guessing == pytest.approx(0.0, abs=1e-12)


def test_a_good_model_on_a_corpus_that_is_mostly_neutral_is_neither(decide: Decide) -> None:
    """Its accuracy is below the majority's: that alone would condemn it."""
    truth = [0, 0, 0, 0, 0, 0, 1, 2, 3, 4] * 40
    answers = [0, 0, 0, 1, 2, 3, 1, 2, 3, 4] * 40
    found = known(chance(decide(truth, answers, 5), people(400, 9)))
    assert found.above_majority > 0
    worse = [0, 0, 1, 2, 3, 4, 1, 2, 3, 0] * 40
    found = known(chance(decide(truth, worse, 5), people(400, 9)))
    assert (found.at_chance, found.majority_like) == (False, False)
    assert found.above_majority < 0


def test_a_perfect_model_is_above_chance_though_nothing_varies(decide: Decide) -> None:
    truth = [0, 1, 2, 3] * 10
    for speakers in (people(40, 5), [None] * 40):
        assert not known(chance(decide(truth, truth, 4), speakers)).at_chance


def test_two_clips_tell_nothing_even_where_both_are_right(decide: Decide) -> None:
    assert known(chance(decide([0, 1], [0, 1], 2), ["a", "b"])).at_chance


def test_without_two_emotions_there_is_nothing_to_guess(decide: Decide) -> None:
    assert chance(decide([], [], 0), []) is None
    assert chance(decide([0, 0], [0, 1], 1), ["a", "b"]) is None


def test_the_lower_bounds_are_those_of_leaving_out_each_speaker_in_turn(decide: Decide) -> None:
    generator = np.random.default_rng(1)
    truth = np.concatenate([np.arange(160) % 4, np.zeros(40, dtype=int)])
    answers = np.where(generator.random(200) < 0.5, truth, generator.integers(0, 5, 200))
    speakers = np.array(people(200, 6))

    def differences(kept: NDArray[np.bool_]) -> tuple[float, float]:
        true, said = truth[kept], answers[kept]
        recalls = [np.mean(said[true == emotion] == emotion) for emotion in range(4)]
        return float(np.mean(recalls) - np.mean(said < 4) / 4), float(np.mean(true == said) - np.mean(true == 0))

    left_out = np.array([differences(speakers != speaker) for speaker in np.unique(speakers)])
    errors = np.sqrt(5 / 6 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    expected = np.array(differences(np.ones(200, dtype=bool))) - t.ppf(0.975, 5) * errors
    found = known(chance(decide(truth, answers, 4), list(speakers)))
    assert [found.above_guessing_low, found.above_majority_low] == pytest.approx(list(expected))


EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness")


@pytest.fixture
def truth() -> list[int]:
    return list(np.repeat([0, 1, 2, 3, 4], 30))


def test_two_swapped_labels_are_found_and_named(decide: Decide, truth: list[int]) -> None:
    answers = [{0: 1, 1: 0}.get(emotion, emotion) for emotion in truth]
    found = label_permutation(decide(truth, answers, 5), people(150), EMOTIONS)
    assert found == {"fear": "anger", "anger": "fear"}


def test_right_names_are_left_alone(decide: Decide, truth: list[int]) -> None:
    assert label_permutation(decide(truth, truth, 5), people(150), EMOTIONS) == {}
    assert label_permutation(decide(truth, [3] * 150, 5), people(150), EMOTIONS) == {}


def test_labels_that_the_candidate_does_not_have_are_not_moved(decide: Decide, truth: list[int]) -> None:
    answers = [{0: 1, 1: 0}.get(emotion, 5) for emotion in truth]
    assert len(label_permutation(decide(truth, answers, 5), people(150), EMOTIONS[:2])) == 2
    assert label_permutation(decide(truth, answers, 5), people(150), EMOTIONS[1:]) == {}


def test_what_holds_on_half_of_the_speakers_only_is_not_a_permutation(decide: Decide, truth: list[int]) -> None:
    speakers = people(150)
    swapped = {0: 1, 1: 0}
    answers = [
        swapped.get(emotion, emotion) if speaker in {"s0", "s2", "s4"} else emotion
        for emotion, speaker in zip(truth, speakers, strict=True)
    ]
    assert label_permutation(decide(truth, answers, 5), speakers, EMOTIONS) == {}


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
    assert label_permutation(decisions, speakers, EMOTIONS) == {}


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
    assert label_permutation(decide(truth, answers, 5), speakers, EMOTIONS) == {}


def test_two_emotions_that_are_confused_a_little_more_often_than_not_are_no_permutation(
    decide: Decide, truth: list[int]
) -> None:
    """The mean recall would rise from 0.4 to 0.6."""
    answers = [(1 - emotion if clip % 10 < 6 else emotion) if emotion < 2 else emotion for clip, emotion in
               enumerate(truth)]  # fmt: skip
    assert label_permutation(decide(truth, answers, 5), people(150), EMOTIONS) == {}


@pytest.mark.parametrize("said", [2, 3])
def test_of_equally_good_relabellings_the_one_that_moves_least_is_meant(
    decide: Decide, truth: list[int], said: int
) -> None:
    answers = [{0: 1, 1: 0, 2: said, 3: said}.get(emotion, emotion) for emotion in truth]
    assert len(label_permutation(decide(truth, answers, 5), people(150), EMOTIONS)) == 2


EIGHT = ("anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def corpus(name: str, emotions: tuple[str, ...] = EIGHT, clips: int = 50, source: str = "folder:x") -> CorpusSummary:
    return CorpusSummary(
        name=name, source=source, synthetic=False, clips=400, available_clips=400, unreadable=(), unscored_labels={},
        emotion_clips=dict.fromkeys(emotions, clips), label_emotions={}, speakers=6, hours=1.0, merge={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("heard", "low", "expected"),
    [
        (corpus("ravdess"), 0.80, False),
        (corpus("ravdess"), 0.801, True),
        (corpus("RAVDESS_speech"), 0.801, True),
        (corpus("ravdess-heldout", source="ravdess:corpora/ravdess"), 0.801, True),
        (corpus("ravdess", EIGHT[:-1]), 0.9, False),
        (corpus("ravdess", EIGHT[:-1]), 0.97, True),
        (corpus("tess"), 0.999, False),
        (corpus("mine"), 0.96, False),
        (corpus("mine"), 0.97, True),
        (corpus("mine", ("anger",)), 0.99, False),
        (corpus("mine"), None, False),
        (corpus("emodb", ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")), 0.975, False),
        (corpus("meld", ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")), 0.38, True),
    ],
)
def test_a_lower_bound_is_held_against_the_published_best(
    heard: CorpusSummary, low: float | None, expected: bool
) -> None:
    assert (too_good(heard, low, 0.9) is not None) is expected


@pytest.mark.parametrize(("clips", "accuracy", "expected"), [(12, 1.0, True), (12, 0.99, False), (13, 1.0, False)])
def test_no_error_on_fewer_than_100_clips_is_too_good(clips: int, accuracy: float, expected: bool) -> None:
    assert (too_good(corpus("mine", clips=clips), 0.9, accuracy) is not None) is expected


def test_the_table_of_published_scores_has_seven_corpora() -> None:
    bests = published_bests()
    assert {name for name, _ in bests.uar} == {"ravdess", "cremad", "iemocap", "savee", "emodb", "meld"}
    assert bests.exempt == {"tess"}
