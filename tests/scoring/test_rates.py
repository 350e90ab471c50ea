from dataclasses import replace

import numpy as np
import pytest

from benchmark.scoring.answers import Answers
from benchmark.scoring.rates import corrected_rates
from benchmark.scoring.trained_on import Seen
from tests.scoring.conftest import evaluation_of

CLASSES = ("anger", "neutral")


def calls(angry: float, *, clips: int = 1_600, speakers: int = 8, seed: int = 0, sure: float = 0.9) -> Answers:
    """Answers that find all anger, and hear anger in three of ten neutral clips."""
    generator = np.random.default_rng(seed)
    truth = (np.arange(clips) >= round(angry * clips)).astype(np.int64)
    generator.shuffle(truth)
    says = np.where((truth == 1) & (generator.random(clips) < 0.7), 1, 0)
    probabilities = np.full((clips, 2), 1 - sure)
    probabilities[np.arange(clips), says] = sure
    return Answers(
        source=probabilities,
        classes=CLASSES,
        truth=tuple(CLASSES[code] for code in truth),
        speakers=tuple(f"s{number % speakers}" for number in range(clips)),
    )


@pytest.mark.parametrize("angry", [0.0, 0.1, 0.8])
@pytest.mark.parametrize("sure", [0.55, 0.99])
def test_what_is_taken_for_anger_is_not_counted_as_anger(angry: float, sure: float) -> None:
    anger, neutral = corrected_rates(evaluation_of("good", calls(0.5, sure=sure)), calls(angry, seed=1, sure=sure))
    assert anger.corrected is not None
    assert anger.counted == pytest.approx(angry + 0.3 * (1 - angry), abs=0.05)
    assert anger.corrected == pytest.approx(angry, abs=0.08)
    assert (anger.low or 0.0) - 0.01 <= angry <= (anger.high or 0.0)
    assert anger.corrected + (neutral.corrected or 0.0) == pytest.approx(1)


def test_clips_without_an_answer_do_not_count() -> None:
    new = calls(0.5, seed=1)
    new.probabilities[np.array(new.truth) == "anger"] = np.nan
    anger, _ = corrected_rates(evaluation_of("good", calls(0.5)), new)
    assert anger.corrected == pytest.approx(0.0, abs=0.1)


def test_without_speakers_of_the_new_recordings_there_is_an_interval_over_recordings() -> None:
    new = calls(0.5, seed=1)
    anger, _ = corrected_rates(evaluation_of("good", calls(0.5)), replace(new, speakers=(None,) * len(new.speakers)))
    assert (anger.low or 1.0) < 0.5 < (anger.high or 0.0)


def test_nothing_is_corrected_by_a_corpus_that_the_candidate_was_trained_on_or_whose_speakers_are_too_few() -> None:
    seen = replace(evaluation_of("good", calls(0.5)), seen=Seen.YES)
    few = evaluation_of("good", calls(0.5, speakers=2))
    for labelled in (seen, few):
        rates = corrected_rates(labelled, calls(0.5, seed=1))
        assert [rate.corrected for rate in rates] == [None, None]
        assert sum(rate.counted for rate in rates) == pytest.approx(1)
