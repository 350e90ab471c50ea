from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t

from benchmark.scoring.decisions import Decisions
from benchmark.scoring.guessing import Gain, gain, interchange, p_of_best
from tests.scoring.conftest import decide


def above_guessing(decisions: Decisions, speakers: Sequence[str | None]) -> Gain:
    above = gain(decisions, speakers)
    assert above is not None
    return above


def people(clips: int, speakers: int = 6) -> Sequence[str]:
    return [f"s{clip % speakers}" for clip in range(clips)]


@pytest.mark.parametrize("speakers", [["one"] * 31, [None] * 31, people(31, 4)])
def test_20_of_31_is_what_always_answering_neutral_gives_and_no_skill(speakers: Sequence[str | None]) -> None:
    truth = [3] * 20 + [0, 1, 2, 4] * 2 + [0, 1, 2]
    above = above_guessing(decide(truth, [3] * 31, 5), speakers)
    assert (above.at_chance, above.cannot_tell, above.majority_like) == (True, False, True)
    assert (above.above_guessing, above.above_majority) == pytest.approx((0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("answer", [0, 5])
def test_the_same_answer_always_is_chance_even_if_it_is_none_of_the_emotions(answer: int) -> None:
    above = above_guessing(decide([0, 1, 2, 3, 4] * 20, [answer] * 100, 5), people(100, 7))
    assert above.at_chance
    assert above.above_guessing == pytest.approx(0.0, abs=1e-12)


def test_a_good_model_with_less_accuracy_than_the_majority_of_a_skewed_corpus_is_neither() -> None:
    truth = [0, 0, 0, 0, 0, 0, 1, 2, 3, 4] * 40
    answers = [0, 0, 1, 2, 3, 4, 1, 2, 3, 0] * 40
    above = above_guessing(decide(truth, answers, 5), people(400, 9))
    assert (above.shown, above.majority_like) == (True, False)
    assert above.above_majority < 0


@pytest.mark.parametrize("speakers", [people(40, 5), [None] * 40])
def test_a_perfect_model_is_better_than_guessing_though_nothing_varies(speakers: Sequence[str | None]) -> None:
    truth = [0, 1, 2, 3] * 10
    assert above_guessing(decide(truth, truth, 4), speakers).shown


def test_few_clips_cannot_tell_a_guesser_from_a_good_model() -> None:
    above = above_guessing(decide([0, 1] * 3, [0, 1, 0, 0, 0, 1], 2), people(6, 3))
    assert (above.shown, above.at_chance, above.cannot_tell) == (False, False, True)
    assert gain(decide([], [], 0), []) is gain(decide([0, 0], [0, 1], 1), ["a", "b"]) is None


def test_an_emotion_that_its_speaker_gives_away_is_no_skill() -> None:
    """Interchanged within a speaker, who always has the same emotion, answers stay right."""
    truth = [speaker % 4 for speaker in range(8) for _ in range(10)]
    above = above_guessing(decide(truth, truth, 4), [f"s{clip // 10}" for clip in range(80)])
    assert (above.p_value, above.cannot_tell) == (1.0, True)


def test_emotions_are_interchanged_within_speakers_only() -> None:
    truth = np.array([0, 1, 2, 3, 0, 1])
    own, other = np.array([True, False, True, False, True, False]), np.arange(6) % 2 == 1
    mixed = interchange(truth, ["b", "a"] * 3)
    for clips in (own, other):
        assert (np.sort(mixed[:, clips], axis=1) == np.sort(truth[clips])).all()
    assert len(np.unique(mixed, axis=0)) == 9
    assert (np.sort(interchange(truth, [None] * 6), axis=1) == np.sort(truth)).all()


def test_p_is_the_share_of_interchanged_answers_that_are_as_good() -> None:
    generator = np.random.default_rng(2)
    truth, answers = generator.integers(0, 3, 60), generator.integers(0, 4, 60)
    speakers = people(60, 4)
    uars = [
        np.mean([np.mean(answers[mixed == emotion] == emotion) for emotion in range(3)])
        for mixed in interchange(truth, speakers)
    ]
    above = above_guessing(decide(truth, answers, 3), speakers)
    assert list(above.by_luck) == pytest.approx(uars)
    assert above.p_value == pytest.approx((1 + np.sum(np.array(uars) >= above.uar - 1e-12)) / 200)


def test_the_best_of_many_guessers_is_not_better_than_guessing() -> None:
    generator = np.random.default_rng(6)
    truth, speakers = np.arange(120) % 4, people(120, 5)
    guessers = [above_guessing(decide(truth, generator.integers(0, 4, 120), 4), speakers) for _ in range(30)]
    together = p_of_best(guessers)
    assert min(own.p_value for own in guessers) < 0.05 < (together or 0)
    good = np.where(generator.random(120) < 0.5, truth, generator.integers(0, 4, 120))
    assert p_of_best([*guessers, above_guessing(decide(truth, good, 4), speakers)]) == 0.005
    constant = above_guessing(decide(truth, [0] * 120, 4), speakers)
    assert (p_of_best([constant]), p_of_best([])) == (1.0, None)
    assert p_of_best([constant, *guessers]) == together


def test_the_ends_are_those_of_leaving_out_each_speaker_in_turn() -> None:
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
    reach = np.array([1, -1]) * t.ppf(0.975, 5) * errors
    expected = np.array(differences(np.ones(200, dtype=bool))) + reach
    above = above_guessing(decide(truth, answers, 4), list(speakers))
    assert [above.above_guessing_high, above.above_majority_low] == pytest.approx(list(expected))
