"""Scores of out-of-fold answers, by the same rules as a leaderboard's."""

import numpy as np

from benchmark.results.training_record import OutOfFold, TrainingScore
from benchmark.scoring.decisions import Decisions, confusion_matrix, count_by_speaker, count_by_text, uar
from benchmark.scoring.intervals import Interval, uar_difference_interval, uar_interval
from benchmark.scoring.metrics import accuracy, macro_f1
from benchmark.scoring.texts import corpus_texts


def decisions_of(answers: OutOfFold) -> Decisions:
    """The decisions of out-of-fold answers on the emotions that have clips, in the order of the classes."""
    emotions = tuple(name for name in answers.classes if name in set(answers.labels))
    index = {name: number for number, name in enumerate(emotions)}
    return Decisions(
        emotions=emotions,
        truth=np.array([index[label] for label in answers.labels], dtype=np.int64),
        answers=np.array([index.get(name, len(emotions)) for name in answers.predicted], dtype=np.int64),
        confidence=answers.probabilities.max(axis=1).astype(np.float64),
    )


def score_out_of_fold(answers: OutOfFold, name: str, seed: int | None = None) -> TrainingScore:
    """Score pooled answers, with the interval over speakers, or over speakers and texts, of the UAR."""
    decisions = decisions_of(answers)
    texts = corpus_texts(answers.texts, answers.speakers, answers.labels) if answers.texts else None
    counts = count_by_speaker(decisions, answers.speakers)
    interval = uar_interval(confusion_matrix(decisions), counts, count_by_text(decisions, texts))
    return TrainingScore(
        name=name,
        seed=seed,
        uar=uar(decisions),
        uar_low=None if interval is None else interval.low,
        uar_high=None if interval is None else interval.high,
        macro_f1=macro_f1(decisions),
        accuracy=accuracy(decisions),
        clips=len(answers.clips),
    )


def compare_out_of_fold(first: OutOfFold, second: OutOfFold) -> Interval | None:
    """The paired interval of UAR(first) − UAR(second) over speakers, both on the same clips."""
    decisions = decisions_of(first), decisions_of(second)
    counts = [count_by_speaker(own, first.speakers) for own in decisions]
    return uar_difference_interval(*decisions, counts[0], counts[1])
