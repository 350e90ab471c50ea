"""Linear heads: logistic regression on standardised vectors, with the standardisation folded into the weights."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedGroupKFold

from benchmark.training.jobs import FitJob
from benchmark.training.recipe import Weighting

Values = NDArray[np.float64]

_INNER_FOLDS = 5
_ITERATIONS = 1_000
_LEAST_SPREAD = 1e-8
_ABSENT = -50.0
"""The logit of a class without a training clip."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearHead:
    """Logits of vectors: coefficients · vector + intercepts.

    Attributes:
        coefficients: Shape (classes, width).
        intercepts: Shape (classes,).
    """

    coefficients: Values
    intercepts: Values

    def logits(self, vectors: Values) -> Values:
        """Logits of vectors of shape (rows, width), shape (rows, classes)."""
        return np.asarray(vectors @ self.coefficients.T + self.intercepts, np.float64)


def fit_head(vectors: Values, labels: NDArray[np.int64], weights: Values, classes: int, strength: float) -> LinearHead:
    """Fit a multinomial logistic regression with an L2 penalty on standardised vectors.

    Args:
        vectors: Shape (rows, width).
        labels: Class of each row; a class without a row gets a probability of nearly zero.
        weights: Of the rows, shape (rows,).
        strength: The inverse of the penalty, C of scikit-learn.

    Examples:
        >>> vectors = np.array([[0.0], [1.0], [10.0], [11.0]])
        >>> head = fit_head(vectors, np.array([0, 0, 2, 2]), np.ones(4), 3, 1.0)
        >>> head.logits(np.array([[1.0], [10.0]])).argmax(axis=1).tolist()
        [0, 2]
    """
    mean = np.average(vectors, axis=0, weights=weights)
    spread = np.sqrt(np.average(np.square(vectors - mean), axis=0, weights=weights))
    spread[spread < _LEAST_SPREAD] = 1.0
    present = np.unique(labels)
    coefficients = np.zeros((classes, vectors.shape[1]))
    intercepts = np.full(classes, _ABSENT)
    intercepts[present] = 0
    if present.size > 1:
        model = LogisticRegression(C=strength, max_iter=_ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((vectors - mean) / spread, labels, sample_weight=weights)
        # Of two classes there is one row, for the second against the first.
        halves = np.array([[-0.5], [0.5]]) if present.size == 2 else np.eye(present.size)  # noqa: PLR2004
        coefficients[present] = halves @ model.coef_ / spread
        intercepts[present] = halves @ model.intercept_ - coefficients[present] @ mean
    return LinearHead(coefficients=coefficients, intercepts=intercepts)


def row_weights(labels: NDArray[np.int64], shares: Values, classes: int, weighting: Weighting) -> Values:
    """Weights of rows: the share of each in its clip, times what is done about classes of different sizes.

    A balanced sampler is the weight that it gives each class on average.
    """
    sizes = np.maximum(np.bincount(labels, shares, minlength=classes), 1e-9)
    inverse = sizes.sum() / (np.count_nonzero(np.bincount(labels, minlength=classes)) * sizes)
    weights = np.ones(classes)
    if weighting.class_weights:
        weights = weights * np.minimum(inverse, weighting.max_class_weight)
    if weighting.balanced_sampler:
        weights = weights * inverse
    return np.asarray(shares * weights[labels], np.float64)


def inner_folds(clips: NDArray[np.int64], job: FitJob) -> list[NDArray[np.int64]]:
    """Split training clips into folds of speakers, or of clips where there is one speaker: the held-out clips of each.

    There is no fold where each class has a single clip.
    """
    labels, speakers = job.labels[clips], job.speakers[clips]
    groups = np.unique(speakers).size
    count = min(_INNER_FOLDS, int(np.bincount(labels).max()), groups if groups > 1 else clips.size)
    if count < 2:  # noqa: PLR2004
        return []
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=job.seed)
    if groups == 1:
        folds = KFold(count, shuffle=True, random_state=job.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes with fewer clips than folds
        return [clips[held] for _, held in folds.split(clips, labels, speakers)]
