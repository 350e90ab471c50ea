"""How right a candidate is emotion by emotion, and which it takes for which."""

from benchmark.results.emotion_scores import ClassScores, EmotionScore
from benchmark.scoring.confusion import confusion_matrix
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.evaluated import StoredEvaluation


def class_scores(evaluated: StoredEvaluation) -> ClassScores | None:
    """Score every emotion of the corpus; None without scored clips, and where answers are missing."""
    decisions = evaluated.decisions
    if not evaluated.complete or decisions.truth.size == 0:
        return None
    return ClassScores(
        candidate=evaluated.evaluation.candidate,
        corpus=evaluated.evaluation.corpus,
        emotions=emotion_scores(decisions),
        confusion=tuple(tuple(row) for row in confusion_matrix(decisions).tolist()),
    )


def emotion_scores(decisions: Decisions) -> tuple[EmotionScore, ...]:
    """Precision, recall and F1 of each emotion, from the open decisions.

    An answer that is none of the emotions is a miss for the clip's emotion and no false positive of any.

    Args:
        decisions: The open decisions.

    Returns:
        One per emotion, in their order; the precision of an emotion that was never answered is None.
    """
    confusion = confusion_matrix(decisions)
    scores = []
    for place, emotion in enumerate(decisions.emotions):
        hits, clips = int(confusion[place, place]), int(confusion[place].sum())
        answered = int(confusion[:, place].sum())
        scores.append(
            EmotionScore(
                emotion=emotion,
                clips=clips,
                answered=answered,
                precision=hits / answered if answered else None,
                recall=hits / clips,
                f1=2 * hits / (clips + answered),
            )
        )
    return tuple(scores)
