"""What a candidate answers on a corpus, taken together."""

from collections import Counter

import numpy as np

from benchmark.results.answer_profiles import AnswerProfile
from benchmark.scoring.answers import NO_ANSWER
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.reliability import reliability


def answer_profile(evaluated: StoredEvaluation) -> AnswerProfile | None:
    """Count the answers on the scored clips, or on all where nothing can be scored; None where answers are missing."""
    answers = evaluated.answers
    if not evaluated.complete or not len(answers.truth):
        return None
    chosen = answers.chosen[answers.scored] if answers.scored.any() else answers.chosen
    counts = np.bincount(chosen[chosen != NO_ANSWER], minlength=len(answers.classes)).tolist()
    said = Counter({name: count for name, count in zip(answers.classes, counts, strict=True) if count})
    return AnswerProfile(
        candidate=evaluated.evaluation.candidate,
        corpus=evaluated.evaluation.corpus,
        answers=dict(said.most_common()),
        truth=dict(Counter(emotion for emotion in answers.truth if emotion is not None).most_common()),
        unanswered=int((chosen == NO_ANSWER).sum()),
        reliability=reliability(evaluated.decisions),
    )
