"""How right a candidate is emotion by emotion, and how well it finds one of them."""

from benchmark.results.schema import Stored


class EmotionScore(Stored):
    """How right a candidate is about one emotion.

    Attributes:
        emotion: The emotion.
        clips: Clips that have it.
        answered: Clips that were answered with it.
        precision: Share of the clips answered with it that have it; None where it was never answered.
        recall: Share of the clips that have it that were answered with it.
        f1: Harmonic mean of the two; 0 where it was never answered.
    """

    emotion: str
    clips: int
    answered: int
    precision: float | None
    recall: float
    f1: float


class ClassScores(Stored):
    """How right a candidate is on a corpus, emotion by emotion, in the open protocol.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        emotions: The corpus's emotions.
        confusion: Clips; a row per emotion in their order, a column per answer in the same order, and a last one for
            answers that are none of them.
    """

    candidate: str
    corpus: str
    emotions: tuple[EmotionScore, ...]
    confusion: tuple[tuple[int, ...], ...]


class FocusScore(Stored):
    """How well a candidate finds one emotion among all others.

    Attributes:
        candidate: What tables call it.
        corpus: What tables call it.
        emotion: What was looked for.
        clips: Scored clips that have it.
        share: Their share; the average precision of one who does not listen.
        average_precision: With its interval; None where the candidate cannot express the emotion.
        auroc: Area under the ROC curve, with its interval; 0.5 for one who does not listen.
        interval: How the intervals were made: `speakers`, `wilson`, or `clips`.
    """

    candidate: str
    corpus: str
    emotion: str
    clips: int
    share: float
    average_precision: float | None = None
    average_precision_low: float | None = None
    average_precision_high: float | None = None
    auroc: float | None = None
    auroc_low: float | None = None
    auroc_high: float | None = None
    interval: str | None = None
