from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from benchmark.results.runs import ClipRecord
from benchmark.scoring.telling_recordings import TellingRecordings, beat_guessing, correlation_ratio, telling_recordings
from tests.scoring.conftest import clip_record

EMOTIONS = ("anger", "fear", "joy", "sadness")


def corpus(
    generator: np.random.Generator,
    *,
    length: Sequence[float] = (0, 0, 0, 0),
    level: Sequence[float] = (0, 0, 0, 0),
    pauses: Sequence[float] | None = None,
    speakers: int = 10,
) -> tuple[list[ClipRecord], list[str]]:
    """Forty clips of each speaker; per emotion what it adds to log duration, level in dB and share of pauses."""
    clips, truth = [], []
    for speaker in range(speakers):
        own = generator.normal(0, (0.2, 4.0))
        for number in range(40):
            emotion = number % 4
            share = None if pauses is None else float(np.clip(0.8 - pauses[emotion] + generator.normal(0, 0.05), 0, 1))
            clip = clip_record(
                f"{speaker}/{number}",
                speaker=f"s{speaker}",
                duration_s=float(np.exp(1 + own[0] + length[emotion] + generator.normal(0, 0.2))),
                level_db=float(-25 + own[1] + level[emotion] + generator.normal(0, 3)),
                speech_share=share,
            )
            clips.append(clip)
            truth.append(EMOTIONS[emotion])
    return clips, truth


def tells(cues: TellingRecordings) -> tuple[bool, bool, bool]:
    """Whether each of the three flags would be raised."""
    return (cues.length_tie or 0) >= 0.3, (cues.level_tie or 0) >= 0.3, beat_guessing(cues.silence_uar_low, 4)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (False, False, False)),
        ({"length": (0, 0.1, 0.2, 0.4)}, (True, False, True)),
        ({"level": (8, 0, 0, -8)}, (False, True, True)),
        ({"pauses": (0, 0, 0.1, 0.2)}, (False, False, True)),
    ],
    ids=["nothing", "duration", "level", "pauses"],
)
def test_each_quantity_that_tells_the_emotion_is_found(
    given: dict[str, tuple[float, ...]], expected: tuple[bool, bool, bool]
) -> None:
    assert tells(telling_recordings(*corpus(np.random.default_rng(0), **given))) == expected  # type: ignore[arg-type]


def test_what_only_speakers_differ_in_says_nothing_on_other_speakers() -> None:
    generator = np.random.default_rng(1)
    low = [telling_recordings(*corpus(generator)).silence_uar_low or 0.0 for _ in range(40)]
    assert sum(value > 1 / 4 for value in low) <= 4


def test_the_model_is_linear_discriminant_analysis_on_all_other_speakers() -> None:

    clips, truth = corpus(
        np.random.default_rng(2), length=(0, 0.1, 0.2, 0.4), level=(6, 0, 0, -6), pauses=(0, 0, 0.1, 0)
    )
    values = np.array([[np.log(clip.duration_s or 1), clip.level_db, 1 - (clip.speech_share or 0)] for clip in clips])
    labels, people = np.array(truth), np.array([clip.speaker for clip in clips])
    answers = np.empty(len(clips), dtype=object)
    for speaker in set(people.tolist()):
        own = people == speaker
        model = LinearDiscriminantAnalysis(priors=np.full(4, 1 / 4)).fit(values[~own], labels[~own])
        answers[own] = model.predict(values[own])
    recalls = [(answers[labels == emotion] == emotion).mean() for emotion in EMOTIONS]
    assert telling_recordings(clips, truth).silence_uar == pytest.approx(np.mean(recalls), abs=1e-9)


def test_five_speakers_unknown_ones_silence_and_one_emotion_give_no_score() -> None:
    clips, truth = corpus(np.random.default_rng(3), speakers=6)
    assert telling_recordings(clips, truth).silence_uar is not None
    assert telling_recordings(clips[:200], truth[:200]).silence_uar is None
    nobody = [clip_record(str(number), level_db=-20.0) for number in range(240)]
    assert telling_recordings(nobody, truth).silence_uar is None
    silent = [clip_record(str(number), speaker=f"s{number % 7}") for number in range(240)]
    assert vars(telling_recordings(silent, truth)) == dict.fromkeys(vars(telling_recordings([], [])), None)
    assert telling_recordings(clips, ["anger"] * 240).length_tie is None


def test_the_correlation_ratio_is_unbiased_and_equals_epsilon_squared() -> None:
    generator = np.random.default_rng(4)
    codes: NDArray[np.int64] = np.repeat(np.arange(4), 10)
    values = generator.normal(size=40) + codes
    groups = values.reshape(4, 10)
    within, total = groups.var(axis=1, ddof=1).mean(), values.var(ddof=1)
    assert correlation_ratio(values, codes) == pytest.approx(np.sqrt(1 - within / total))
    assert correlation_ratio(np.ones(40), codes) is None
