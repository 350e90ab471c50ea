"""All that is suspicious in what one candidate answered on one corpus, with the reasons in words."""

from collections.abc import Mapping

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.confusion import confusion_matrix
from benchmark.scoring.decisions import covered_emotions
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.flags import Flag
from benchmark.scoring.intervals import uar_interval
from benchmark.scoring.scores import accuracy
from benchmark.scoring.suspicion.chance import chance
from benchmark.scoring.suspicion.permuted import label_permutation
from benchmark.scoring.suspicion.too_good import too_good

_NAMED_TWINS = 5


def suspicions(
    evaluated: StoredEvaluation, corpus: CorpusSummary, twins: Mapping[str, tuple[str, ...]]
) -> dict[Flag, str]:
    """Judge one complete evaluation.

    Args:
        evaluated: The evaluation.
        corpus: The corpus.
        twins: By candidate, those that cannot be told from it.

    Returns:
        The flags that it raises, each with its reason; none of them without labels but `near-twins`.
    """
    reasons: dict[Flag, str] = {}
    if evaluated.answers.scored.any():
        reasons |= _about_skill(evaluated, corpus)
    others = twins.get(evaluated.evaluation.candidate, ())
    if others:
        more = f" and {len(others) - _NAMED_TWINS} more" if len(others) > _NAMED_TWINS else ""
        reasons[Flag.NEAR_TWINS] = f"cannot be told from {', '.join(others[:_NAMED_TWINS])}{more}."
    return reasons


def _about_skill(evaluated: StoredEvaluation, corpus: CorpusSummary) -> dict[Flag, str]:
    reasons: dict[Flag, str] = {}
    decisions, speakers = evaluated.decisions, evaluated.speakers
    above = chance(decisions, speakers)
    if above is not None and above.at_chance:
        reasons[Flag.AT_CHANCE] = (
            f"its UAR less that of giving its answers to clips at random is {above.above_guessing:+.3f}, with a lower "
            f"bound of {above.above_guessing_low:+.3f}."
        )
    if above is not None and above.majority_like:
        reasons[Flag.MAJORITY_LIKE] = (
            f"its accuracy less the share of the most frequent emotion is {above.above_majority:+.3f}, with a lower "
            f"bound of {above.above_majority_low:+.3f}."
        )
    moved = label_permutation(decisions, speakers, covered_emotions(evaluated.answers))
    if moved:
        listed = ", ".join(f"{label.says} → {label.means}" for label in moved)
        reasons[Flag.LABEL_PERMUTED] = f"its answers are right when read as {listed}."
    interval = uar_interval(confusion_matrix(decisions), evaluated.counts)
    doubt = too_good(corpus, None if interval is None else interval.low, accuracy(decisions))
    if doubt is not None:
        reasons[Flag.TOO_GOOD] = doubt
    return reasons
