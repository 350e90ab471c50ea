import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.demo.files import demo_clips
from benchmark.scoring.out_of_fold import score_out_of_fold
from benchmark.training.baselines import functionals, functionals_baseline, functionals_of, majority_baseline
from benchmark.training.folds import make_folds
from benchmark.training.training_clips import TrainingClips
from tests.support.training_clips import training_clips

RATE = 16_000


@pytest.fixture(scope="module")
def demo() -> tuple[TrainingClips, NDArray[np.float32]]:
    """112 clips of 8 synthetic speakers and 7 emotions, with their functionals."""
    recordings = list(demo_clips())
    clips = training_clips([clip.emotion or "" for clip in recordings], [clip.speaker for clip in recordings])
    return clips, functionals_of(np.asarray(clip.waveform().samples, np.float32) for clip in recordings)


def test_a_linear_model_on_functionals_tells_the_emotions_of_speakers_that_it_has_not_heard(
    demo: tuple[TrainingClips, NDArray[np.float32]],
) -> None:
    clips, features = demo
    answers = functionals_baseline(clips, make_folds(clips, "2"), features)
    assert (score_out_of_fold(answers, "functionals").uar or 0) > 0.5
    assert np.allclose(answers.probabilities.sum(axis=1), 1, atol=1e-5)


def test_with_permuted_labels_it_is_at_chance(demo: tuple[TrainingClips, NDArray[np.float32]]) -> None:
    clips, features = demo
    permuted = np.random.default_rng(1).permutation(features)
    score = score_out_of_fold(functionals_baseline(clips, make_folds(clips, "2"), permuted), "functionals")
    assert abs((score.uar or 0) - 1 / 7) < 0.1


def test_the_majority_baseline_answers_the_most_frequent_emotion_of_each_training_part() -> None:
    clips = training_clips(["anger", "anger", "fear"] * 6, [f"{n // 3}" for n in range(18)])
    folds = make_folds(clips, "3")
    answers = majority_baseline(clips, folds)
    assert set(answers.predicted) == {"anger"}
    assert score_out_of_fold(answers, "majority").uar == pytest.approx(0.5)
    for fold in folds.folds:
        assert {answers.folds[index] for index in fold.test} == {fold.number}


def test_functionals_are_finite_for_silence_broken_and_very_short_recordings() -> None:
    strange = [np.zeros(RATE), np.full(RATE, np.nan), np.ones(3), np.zeros(0), np.sin(np.arange(RATE) / 10)]
    features = functionals_of(np.asarray(samples, np.float32) for samples in strange)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("hertz", [100, 220, 400])
def test_the_pitch_is_among_the_functionals(hertz: int) -> None:
    tone = np.sign(np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype(np.float32)
    # The statistics of the pitch stand before the share of voiced frames and the duration.
    mean, share, duration = functionals(tone)[[-9, -2, -1]]
    assert np.exp(mean) == pytest.approx(hertz, rel=0.03)
    assert share == pytest.approx(1)
    assert duration == pytest.approx(0)
