from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.suspicion import Chance, chance, label_permutation, published_bests, too_good
from tests.scoring.conftest import EMOTIONS, decide, summary_of


def above_chance(decisions: Decisions, speakers: Sequence[str | None]) -> Chance:
    above = chance(decisions, speakers)
    assert above is not None
    return above


def people(clips: int, speakers: int = 6) -> Sequence[str]:
    return [f"s{clip % speakers}" for clip in range(clips)]


@pytest.mark.parametrize("speakers", [["one"] * 31, [None] * 31, people(31, 4)])
def test_20_of_31_is_what_always_answering_neutral_gives_and_no_skill(speakers: Sequence[str | None]) -> None:
    truth = [3] * 20 + [0, 1, 2, 4] * 2 + [0, 1, 2]
    above = above_chance(decide(truth, [3] * 31, 5), speakers)
    assert (above.at_chance, above.majority_like) == (True, True)
    assert (above.above_guessing, above.above_majority) == pytest.approx((0.0, 0.0), abs=1e-12)


@pytest.mark.parametrize("answer", [0, 5])
def test_the_same_answer_always_is_chance_even_if_it_is_none_of_the_emotions(answer: int) -> None:
    above = above_chance(decide([0, 1, 2, 3, 4] * 20, [answer] * 100, 5), people(100, 7))
    assert above.at_chance
    assert above.above_guessing == pytest.approx(0.0, abs=1e-12)


def test_a_good_model_with_less_accuracy_than_the_majority_of_a_skewed_corpus_is_neither() -> None:
    truth = [0, 0, 0, 0, 0, 0, 1, 2, 3, 4] * 40
    answers = [0, 0, 1, 2, 3, 4, 1, 2, 3, 0] * 40
    above = above_chance(decide(truth, answers, 5), people(400, 9))
    assert (above.at_chance, above.majority_like) == (False, False)
    assert above.above_majority < 0


def test_a_perfect_model_is_above_chance_though_nothing_varies_and_two_clips_tell_nothing() -> None:
    truth = [0, 1, 2, 3] * 10
    for speakers in (people(40, 5), [None] * 40):
        assert not above_chance(decide(truth, truth, 4), speakers).at_chance
    assert above_chance(decide([0, 1], [0, 1], 2), ["a", "b"]).at_chance
    assert chance(decide([], [], 0), []) is chance(decide([0, 0], [0, 1], 1), ["a", "b"]) is None


def test_the_lower_bounds_are_those_of_leaving_out_each_speaker_in_turn() -> None:
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
    above = above_chance(decide(truth, answers, 4), list(speakers))
    assert [above.above_guessing_low, above.above_majority_low] == pytest.approx(list(expected))


TRUTH = np.repeat([0, 1, 2, 3, 4], 30)
SWAPPED = np.array([1, 0, 2, 3, 4])[TRUTH]
HALF = np.arange(150) % 2 == 0  # speakers s0, s2 and s4
Indices = NDArray[np.int64]


def moved(
    answers: Indices, speakers: Sequence[str | None] | None = None, covered: Sequence[str] = EMOTIONS
) -> dict[str, str]:
    """The labels that moved, for answers to `TRUTH`."""
    decisions = decide(TRUTH[: len(answers)], answers, 5)
    return label_permutation(decisions, people(150) if speakers is None else speakers, covered)


def swapped_only_in_tens(first: int, otherwise: Indices | int) -> Indices:
    """Swapped answers, but for the clips of the first two emotions from this one on of every ten."""
    return np.where((TRUTH < 2) & (np.arange(150) % 10 >= first), otherwise, SWAPPED)


@pytest.mark.parametrize(
    ("answers", "are_moved"),
    [
        (SWAPPED, True),
        (swapped_only_in_tens(7, 5), True),
        (np.where((TRUTH == 2) | (TRUTH == 3), 2, SWAPPED), True),
        (np.where((TRUTH == 2) | (TRUTH == 3), 3, SWAPPED), True),
        (TRUTH, False),
        (np.full(150, 3), False),
        (np.where(HALF, SWAPPED, TRUTH), False),
        (np.where(HALF, SWAPPED, np.array([1, 0, 3, 2, 4])[TRUTH]), False),
        (swapped_only_in_tens(6, TRUTH), False),
        (swapped_only_in_tens(4, 5), False),
    ],
    ids=[
        "swapped",
        "moved emotions are recognised in 70 %",
        "of equally good relabellings the one that moves least",
        "of equally good relabellings the one that moves least, again",
        "right names",
        "the same answer always",
        "swapped on half of the speakers only",
        "one half finds more than the other",
        "confused in 60 %, so that the mean recall would rise from 0.4 to 0.6",
        "moved emotions are recognised in 40 % only",
    ],
)
def test_labels_move_where_other_names_are_clearly_better(answers: Indices, are_moved: bool) -> None:
    assert moved(answers) == ({"fear": "anger", "anger": "fear"} if are_moved else {})


def test_labels_that_the_candidate_does_not_have_are_not_moved() -> None:
    answers = np.where(TRUTH < 2, SWAPPED, 5)
    assert len(moved(answers, covered=EMOTIONS[:2])) == 2
    assert moved(answers, covered=EMOTIONS[1:]) == {}


@pytest.mark.parametrize("speakers", [[None] * 150, ["one"] * 150, []])
def test_without_two_known_speakers_no_label_is_moved(speakers: Sequence[str | None]) -> None:
    assert moved(SWAPPED[: len(speakers)], speakers) == {}


def test_an_emotion_that_only_one_half_has_is_left_out() -> None:
    truth, answers = [0, 1, 2] * 20 + [3] * 10, [1, 0, 2] * 20 + [4] * 10
    speakers = [f"s{clip // 3 % 4}" for clip in range(60)] + ["s0"] * 10
    assert len(label_permutation(decide(truth, answers, 5), speakers, EMOTIONS)) == 2


EIGHT = ("anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def corpus(name: str, emotions: tuple[str, ...] = EIGHT, clips: int = 50, source: str = "folder:x") -> CorpusSummary:
    return summary_of(400, dict.fromkeys(emotions, clips), name=name, source=source)


@pytest.mark.parametrize(
    ("summary", "low", "expected"),
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
    summary: CorpusSummary, low: float | None, expected: bool
) -> None:
    assert (too_good(summary, low, 0.9) is not None) is expected


@pytest.mark.parametrize(("clips", "accuracy", "expected"), [(12, 1.0, True), (12, 0.99, False), (13, 1.0, False)])
def test_no_error_on_fewer_than_100_clips_is_too_good(clips: int, accuracy: float, expected: bool) -> None:
    assert (too_good(corpus("mine", clips=clips), 0.9, accuracy) is not None) is expected


def test_the_published_scores_are_of_six_corpora_and_tess_has_none() -> None:
    bests = published_bests()
    assert {name for name, _ in bests.uar} == {"ravdess", "cremad", "iemocap", "savee", "emodb", "meld"}
    assert bests.exempt == {"tess"}
