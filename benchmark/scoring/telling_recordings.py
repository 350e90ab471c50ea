"""What a recording gives away without being listened to: its duration, its level and its pauses.

Takes of one emotion may be longer or louder because of how a corpus was made. A candidate can learn that as well as
emotion; so a linear model that knows nothing else is the score to compare with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.results.runs import ClipRecord
from benchmark.scoring.decisions import MIN_EMOTIONS, Decisions, confusion_matrix, count_by_speaker, speaker_codes
from benchmark.scoring.intervals import uar_interval

MIN_SPEAKERS = 6
"""With 4, the model beats guessing by chance in 11 % of simulated corpora, and seldom where it should."""
MIN_CLIPS_PER_EMOTION = 15
"""On average; with fewer, a correlation ratio of 0.3 is found by chance in more than 5 % of the cases."""
_RIDGE = 1e-6
"""Of the variance of a quantity, so that one that does not vary within emotions has no infinite weight."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TellingRecordings:
    """How far duration, level and pauses of the clips tell their emotion, in fields of `CorpusSummary`.

    Attributes:
        length_tie: Correlation ratio of emotion and the logarithm of the duration, as of `correlation_ratio`.
        level_tie: The same of the level in dB.
        silence_uar: UAR of a linear model on both, and on the share of pauses where that is known, on speakers that it
            was not fitted to; None where speakers are unknown or too few.
        silence_uar_low: Lower end of its 95 % interval.
    """

    length_tie: float | None
    level_tie: float | None
    silence_uar: float | None
    silence_uar_low: float | None


def telling_recordings(clips: Sequence[ClipRecord], truth: Sequence[str | None]) -> TellingRecordings:
    """Measure what the recordings of clips give away, of the clips with an emotion and a level.

    The linear model is discriminant analysis with equal priors and one covariance for all emotions.

    Args:
        truth: The emotion of each clip.
    """
    rows = [
        (clip, emotion)
        for clip, emotion in zip(clips, truth, strict=True)
        if emotion is not None and clip.duration_s and clip.level_db is not None
    ]
    emotions = tuple(sorted({emotion for _, emotion in rows}))
    index = {emotion: number for number, emotion in enumerate(emotions)}
    codes = np.array([index[emotion] for _, emotion in rows], dtype=np.int64)
    quantities = [[np.log(clip.duration_s or 1.0), clip.level_db or 0.0] for clip, _ in rows]
    if rows and all(clip.speech_share is not None for clip, _ in rows):
        quantities = [[*row, 1.0 - (clip.speech_share or 0.0)] for row, (clip, _) in zip(quantities, rows, strict=True)]
    values = np.array(quantities, dtype=np.float64)
    if len(emotions) < MIN_EMOTIONS or len(rows) < MIN_CLIPS_PER_EMOTION * len(emotions):
        return TellingRecordings(length_tie=None, level_tie=None, silence_uar=None, silence_uar_low=None)
    # Emotions that only clips without a level have would make guessing easier than it is.
    is_whole = set(emotions) == {emotion for emotion in truth if emotion is not None}
    speakers = [clip.speaker for clip, _ in rows]
    scores = _score_on_other_speakers(values, codes, emotions, speakers) if is_whole else None
    uar, low = scores or (None, None)
    return TellingRecordings(
        length_tie=correlation_ratio(values[:, 0], codes),
        level_tie=correlation_ratio(values[:, 1], codes),
        silence_uar=uar,
        silence_uar_low=low,
    )


def silence_against_guessing(uar: float, low: float, emotions: int) -> str:
    """The UAR of the linear model with its lower end, and that of guessing."""
    return f"UAR {uar:.2f} on other speakers, at least {low:.2f}; guessing {1 / emotions:.2f}"


def beat_guessing(low: float | None, emotions: int) -> bool:
    """Whether the lower end of a UAR is above that of guessing; False where it is unknown."""
    return low is not None and low > 1 / emotions


def correlation_ratio(values: Floats, codes: NDArray[np.int64]) -> float | None:
    """How far an emotion determines a quantity: √max(0, 1 − (n − 1)/(n − K) · within/total sum of squares).

    The square root of Kelley's ε² (An unbiased correlation ratio measure, PNAS 21, 1935): 0 on average where the means
    of all emotions are equal, 1 where nothing else varies it; for quantities what Cramér's V is for names.

    Args:
        values: Shape (clips,).
        codes: The emotion of each clip, shape (clips,).

    Returns:
        None with one emotion, a single clip of each, or no variation.

    Examples:
        >>> correlation_ratio(np.array([1.0, 1.0, 2.0, 2.0]), np.array([0, 0, 1, 1]))
        1.0
        >>> correlation_ratio(np.array([1.0, 2.0, 1.0, 2.0]), np.array([0, 0, 1, 1]))
        0.0
    """
    clips = np.bincount(codes)
    present, number = int((clips > 0).sum()), len(codes)
    total = float(((values - values.mean()) ** 2).sum()) if number else 0.0
    if present < MIN_EMOTIONS or number <= present or total <= 0:
        return None
    means = np.bincount(codes, weights=values) / np.maximum(clips, 1)
    within = float(((values - means[codes]) ** 2).sum())
    return float(np.sqrt(max(0.0, 1.0 - (number - 1) / (number - present) * within / total)))


def _score_on_other_speakers(
    values: Floats, codes: NDArray[np.int64], emotions: tuple[str, ...], speakers: Sequence[str | None]
) -> tuple[float, float] | None:
    """UAR of the linear model and its lower end; None where a speaker is unknown or speakers are too few."""
    people = speaker_codes(speakers)
    if people is None or len(set(people.tolist())) < MIN_SPEAKERS:
        return None
    answers = _answers_on_other_speakers(values, codes, len(emotions), people)
    decisions = Decisions(emotions=emotions, truth=codes, answers=answers, confidence=np.full(len(codes), np.nan))
    counts = count_by_speaker(decisions, speakers)
    interval = uar_interval(confusion_matrix(decisions), counts)
    return None if interval is None or counts is None else (counts.uar, interval.low)


def _answers_on_other_speakers(
    values: Floats, codes: NDArray[np.int64], emotions: int, people: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The answer to each clip of the model that is fitted to all other speakers; `emotions` where it has none.

    All models follow from the sums of each speaker: clips and sums by emotion, and the sum of squares.
    """
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), np.finfo(float).tiny)
    speakers, width = int(people.max()) + 1, values.shape[1]
    clips, sums = np.zeros((speakers, emotions)), np.zeros((speakers, emotions, width))
    squares = np.zeros((speakers, width, width))
    np.add.at(clips, (people, codes), 1.0)
    np.add.at(sums, (people, codes), values)
    np.add.at(squares, people, values[:, :, None] * values[:, None, :])
    clips, sums, squares = (of_all.sum(axis=0) - of_all for of_all in (clips, sums, squares))
    means = sums / np.maximum(clips, 1.0)[..., None]
    within = squares - np.einsum("ske,skf->sef", means, sums)
    within = within / np.maximum(clips.sum(axis=1) - emotions, 1.0)[:, None, None] + _RIDGE * np.eye(width)
    weights = np.linalg.solve(within, np.swapaxes(means, 1, 2))  # (speakers, width, emotions)
    offsets = np.einsum("ske,sek->sk", means, weights) / 2
    scores = np.einsum("ne,nek->nk", values, weights[people]) - offsets[people]
    scores[clips[people] == 0] = -np.inf
    known = np.isfinite(scores).any(axis=1)
    return np.where(known, scores.argmax(axis=1), emotions).astype(np.int64)
