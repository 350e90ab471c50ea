from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t

from benchmark.scoring.decisions import Decisions
from benchmark.scoring.suspicion.chance import Chance, chance

Decide = Callable[..., Decisions]


def known(found: Chance | None) -> Chance:
    assert found is not None
    return found


def people(clips: int, speakers: int) -> Sequence[str]:
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


def test_the_difference_equals_one_counted_clip_by_clip(decide: Decide) -> None:
    generator = np.random.default_rng(0)
    truth, answers = generator.integers(0, 4, 200), generator.integers(0, 5, 200)
    found = known(chance(decide(truth, answers, 4), people(200, 6)))
    recalls = [np.mean(answers[truth == emotion] == emotion) for emotion in range(4)]
    assert found.above_guessing == pytest.approx(np.mean(recalls) - np.mean(answers < 4) / 4)
    assert found.above_majority == pytest.approx(np.mean(truth == answers) - np.bincount(truth).max() / 200)
    assert found.above_guessing_low < found.above_guessing


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
