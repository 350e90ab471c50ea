"""Labels that may be wrong, by the answers of models that have not been trained on them.

Confident learning: C. G. Northcutt, L. Jiang, I. L. Chuang, Confident Learning: Estimating Uncertainty in Dataset
Labels, Journal of Artificial Intelligence Research 70 (2021).
"""

import numpy as np

from benchmark.results.training_record import OutOfFold, SuspectedLabel

SUSPECTED = 30
"""So many are listed: somebody has to listen to them."""
SELF_CONFIDENCE = 0.2
"""Of what clips with the same label get for it on average; above it, a clip is an ordinary error of the model."""


def suspected_labels(answers: OutOfFold, most: int = SUSPECTED) -> tuple[SuspectedLabel, ...]:
    """Find clips whose label gets a very low probability, and another emotion as high a one as its own clips get.

    The threshold tⱼ of emotion j is the mean probability of j over the clips labelled j. A clip labelled i is suspected
    where another emotion j has pⱼ ≥ tⱼ, pⱼ > pᵢ and pᵢ < 0.2 tᵢ. So an emotion that the model gives rarely, or never
    surely, is measured by itself. A sure model makes suspects of its errors: they are clips to listen to, no more.

    Returns:
        At most `most`, by pⱼ − pᵢ, the largest first.
    """
    classes = {name: index for index, name in enumerate(answers.classes)}
    labels = np.array([classes[label] for label in answers.labels], dtype=np.int64)
    probabilities = answers.probabilities.astype(np.float64)
    rows = np.arange(len(labels))
    own = probabilities[rows, labels]
    clips = np.bincount(labels, minlength=len(classes))
    thresholds = np.bincount(labels, weights=own, minlength=len(classes)) / np.maximum(clips, 1)
    # An emotion without clips has no threshold, and is never suggested.
    eligible = (clips > 0) & (probabilities >= thresholds)
    eligible[rows, labels] = False
    likelier = np.where(eligible, probabilities, -1.0).argmax(axis=1)
    margin = np.where(eligible[rows, likelier], probabilities[rows, likelier] - own, 0.0)
    suspected = np.flatnonzero((margin > 0) & (own < SELF_CONFIDENCE * thresholds[labels]))
    order = suspected[np.argsort(-margin[suspected], kind="stable")]
    return tuple(
        SuspectedLabel(
            clip=answers.clips[row],
            label=answers.labels[row],
            label_probability=float(own[row]),
            likelier=answers.classes[likelier[row]],
            likelier_probability=float(probabilities[row, likelier[row]]),
        )
        for row in order[:most].tolist()
    )
