from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from benchmark.audio.measuring import Acoustics
from benchmark.results.runs import ClipRecord
from benchmark.scoring.answers import Answers
from benchmark.scoring.drift import (
    BANDWIDTH,
    DURATION,
    FALL,
    LEVEL,
    Comparison,
    Measurements,
    answer_quantities,
    compare_recordings,
    label_designs,
    measurements,
)
from benchmark.scoring.evaluations import Evaluation
from tests.scoring.conftest import EMOTIONS, evaluation_of


def recordings(
    speakers: int, clips: int, *, seed: int, level: float = -30.0, seconds: float = 3.0, between: float = 3.0
) -> Measurements:
    """Clips whose level and logarithm of duration vary with the speaker and with the clip."""
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(speakers), clips)
    deviates = between * generator.normal(size=(speakers, 2))[who] + 5 * generator.normal(size=(len(who), 2))
    return Measurements(
        speakers=tuple(f"s{number}" for number in who),
        values={LEVEL: level + deviates[:, 0], DURATION: np.log(seconds) + deviates[:, 1] / 30},
    )


def nameless(corpus: Measurements) -> Measurements:
    return Measurements(speakers=(None,) * len(corpus.speakers), values=corpus.values)


def differing(comparison: Comparison) -> set[str]:
    return {difference.quantity for difference in comparison.differences if difference.differs}


def test_a_change_is_found_in_its_unit_with_an_interval() -> None:
    comparison = compare_recordings(recordings(20, 10, seed=1), recordings(10, 10, seed=2, level=-50.0, seconds=6.0))
    level, duration = sorted(comparison.differences, key=lambda own: own.quantity, reverse=True)
    assert differing(comparison) == {"level", "duration"}
    assert (level.unit, duration.unit, comparison.units) == ("dB", "s", "speakers")
    assert level.low < -20 < level.high
    assert duration.change == pytest.approx(3.0, abs=0.6)
    assert duration.new - duration.old == pytest.approx(duration.change)


@pytest.mark.parametrize(("speakers", "clips"), [(12, 10), (1, 10), (5, 1), (1, 1)])
@pytest.mark.parametrize("known", [True, False])
def test_other_speakers_of_the_same_kind_are_rarely_called_different(speakers: int, clips: int, known: bool) -> None:
    fired = 0
    for seed in range(300):
        new = recordings(speakers, clips, seed=seed)
        comparison = compare_recordings(recordings(12, 10, seed=seed + 1000), new if known else nameless(new))
        fired += bool(differing(comparison))
    assert fired / 300 <= 0.05 + 0.03  # two standard errors of the drawing


def test_a_large_change_is_found_in_the_clips_of_one_speaker_whom_nobody_knows() -> None:
    new = nameless(recordings(1, 5, seed=3, level=-50.0))
    comparison = compare_recordings(recordings(20, 10, seed=1), new)
    assert (differing(comparison), comparison.new_units) == ({"level"}, 1)


def test_a_significant_change_that_is_too_small_to_matter_is_none() -> None:
    comparison = compare_recordings(
        recordings(200, 10, seed=1, between=0.1), recordings(200, 10, seed=2, level=-29.0, between=0.1)
    )
    level = next(own for own in comparison.differences if own.quantity == "level")
    assert (level.p < 0.05, level.differs, level.is_open) == (True, False, False)


def test_few_speakers_leave_changes_that_matter_open() -> None:
    comparison = compare_recordings(recordings(4, 3, seed=1), recordings(2, 3, seed=2))
    level = next(own for own in comparison.differences if own.quantity == "level")
    assert (level.differs, level.is_open) == (False, True)


def test_without_speakers_of_the_run_recordings_are_counted() -> None:
    comparison = compare_recordings(nameless(recordings(20, 5, seed=1)), recordings(4, 5, seed=2, level=-60.0))
    assert (comparison.units, comparison.old_units, comparison.new_units) == ("recordings", 100, 20)
    assert differing(comparison) == {"level"}


def test_what_one_side_lacks_is_named_and_not_compared() -> None:
    def clips(name: str, acoustics: Acoustics | None) -> Measurements:
        records = [
            ClipRecord(clip=f"{name}{number}", clip_hash=str(number), duration_s=2.0 + number, speaker=str(number))
            for number in range(4)
        ]
        return measurements(records, [acoustics] * 4)

    sound = Acoustics(sampling_rate=48_000, channels=1, level_db=-26.0, clipped_share=0.0, bandwidth_hz=20_000.0)
    comparison = compare_recordings(clips("a", None), clips("b", sound))
    assert [own.quantity for own in comparison.differences] == ["duration"]
    assert comparison.not_compared == ("level", "bandwidth")
    assert clips("b", sound).values[BANDWIDTH].tolist() == [8_000.0] * 4  # models read 16 kHz


def answers_of(truth: list[str], right: NDArray[np.bool_], speakers: NDArray[np.int64]) -> Answers:
    """Answers with 0.7 for the truth where they are right, else for the next emotion."""
    index = np.array([EMOTIONS.index(emotion) for emotion in truth])
    chosen = np.where(right, index, (index + 1) % len(EMOTIONS))
    probabilities = np.full((len(truth), len(EMOTIONS)), 0.3 / (len(EMOTIONS) - 1))
    probabilities[np.arange(len(truth)), chosen] = 0.7
    return Answers(
        source=probabilities,
        classes=EMOTIONS,
        truth=tuple(truth),
        speakers=tuple(f"s{number}" for number in speakers),
    )


def drawn(speakers: int, clips: int, recall: float, generator: np.random.Generator) -> tuple[Evaluation, NDArray[Any]]:
    """A candidate whose recall differs between speakers (SD 0.1), and the accuracy of each."""
    who = np.repeat(np.arange(speakers), clips)
    right = generator.random(len(who)) < np.clip(recall + 0.1 * generator.normal(size=speakers), 0, 1)[who]
    truth = [EMOTIONS[number % len(EMOTIONS)] for number in range(len(who))]
    accuracy = np.bincount(who, right) / clips
    return evaluation_of("good", answers_of(truth, right, who)), accuracy


def test_the_labels_find_a_fall_about_as_often_as_promised() -> None:
    found = 0
    for seed in range(6):  # what one run measures of its speakers is itself uncertain
        generator = np.random.default_rng(seed)
        design = label_designs(drawn(40, 50, 0.65, generator)[0])[1]
        for _ in range(60):
            _, before = drawn(40, 50, 0.65, generator)
            _, after = drawn(design.speakers, design.clips_per_speaker, 0.65 - FALL, generator)
            found += bool(ttest_ind(before, after, equal_var=False).pvalue < 0.05)
    assert 0.7 < found / 360 < 0.9


def test_more_clips_of_each_speaker_need_fewer_speakers_and_a_run_that_is_too_small_says_nothing() -> None:
    designs = label_designs(drawn(40, 50, 0.65, np.random.default_rng(1))[0])
    assert [design.clips_per_speaker for design in designs] == [4, 8, 16, 32]
    speakers = [design.speakers for design in designs]
    assert speakers == sorted(speakers, reverse=True)
    few = [design.speakers for design in label_designs(drawn(10, 20, 0.75, np.random.default_rng(2))[0])]
    assert few == sorted(few, reverse=True)
    assert label_designs(drawn(4, 10, 0.65, np.random.default_rng(2))[0]) == ()
    run = drawn(40, 50, 0.65, np.random.default_rng(1))[0]
    nobody = replace(run, answers=replace(run.answers, speakers=(None,) * len(run.answers.speakers)))
    assert label_designs(nobody) == ()


def test_shares_of_answers_and_confidence_are_compared_and_clips_without_an_answer_left_out() -> None:
    answers = answers_of(["anger"] * 4, np.array([True, True, True, False]), np.arange(4))
    answers.probabilities[0] = np.nan
    values = {quantity.name: numbers.tolist() for quantity, numbers in answer_quantities(answers).items()}
    assert values["confidence"] == [pytest.approx(np.nan, nan_ok=True), 0.7, 0.7, 0.7]
    assert values["answers anger"][1:] == [1.0, 1.0, 0.0]
    assert np.isnan(values["answers anger"][0])
