"""Unweighted average recall for users of the library `evaluate`: `evaluate.load("docs/metrics/uar.py")`."""

import datasets
import evaluate
from sklearn.metrics import recall_score

_DESCRIPTION = """
Unweighted average recall (UAR): the mean, over the classes that occur in the references, of the share of their clips
that are predicted rightly. It is what speech-emotion recognition is usually judged by, since its corpora are uneven.
"""
_KWARGS_DESCRIPTION = """
Args:
    predictions: The predicted class of each clip, as a number.
    references: The true class of each clip, as a number.
    labels: The classes to average over; by default those that occur in the references.
Returns:
    uar: From 0 to 1.
Examples:
    >>> evaluate.load("docs/metrics/uar.py").compute(references=[0, 0, 0, 1], predictions=[0, 0, 1, 1])
    {'uar': 0.8333333333333333}
"""
_CITATION = """
@inproceedings{schuller2009interspeech,
  title = {The {INTERSPEECH} 2009 Emotion Challenge},
  author = {Schuller, Bj{\\"o}rn and Steidl, Stefan and Batliner, Anton},
  booktitle = {Interspeech},
  year = {2009}
}
"""


class Uar(evaluate.Metric):  # type: ignore[misc]  # evaluate ships no types
    """Unweighted average recall over the classes of the references."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features({"predictions": datasets.Value("int32"), "references": datasets.Value("int32")}),
        )

    def _compute(
        self, predictions: list[int], references: list[int], labels: list[int] | None = None
    ) -> dict[str, float]:
        classes = sorted(set(references)) if labels is None else labels
        score = recall_score(references, predictions, labels=classes, average="macro", zero_division=0)
        return {"uar": float(score)}
