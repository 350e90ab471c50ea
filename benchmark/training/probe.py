"""Probes: a linear head on the frozen encoder of a checkpoint, saved as the stock classifier of its model type.

The head of these classifiers is linear: states are weighted, projected and averaged over frames, and the mean is
classified, with no nonlinearity in between. Here the average comes first, so that a window is a few vectors (S. Yang et
al., SUPERB, Interspeech 2021; but layer weights are fitted to held-out speakers instead of the clips of the head).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from scipy.special import log_softmax, softmax

from benchmark.models.actor import peak_memory_mb
from benchmark.models.load_reports import CheckpointError
from benchmark.training.clips_file import ClipsFile
from benchmark.training.encoder import AST, Encoder, load_encoder
from benchmark.training.features import FeatureTable
from benchmark.training.jobs import FitJob, FitResult, label_names
from benchmark.training.linear_head import LinearHead, Values, fit_head, inner_folds, row_weights
from benchmark.training.recipe import ProbeRecipe

_ROUNDS = 2
"""How often layer weights and strength are chosen in turn."""
_STEPS = 100
_CHECKED_CLIPS = 3
_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False, kw_only=True)
class Probe:
    """A fitted probe.

    Attributes:
        weights: Of the states, shape (states,), with a sum of 1.
        head: On the weighted sum.
        strength: C of the logistic regression.
    """

    weights: Values
    head: LinearHead
    strength: float


class ProbeLearner:
    """Fits probes of one recipe on the features that `FeatureWriter` wrote."""

    def __init__(self, clips: ClipsFile, recipe: ProbeRecipe, encoder: Path, features: Path) -> None:
        self._clips, self._recipe, self._encoder = clips, recipe, encoder
        self._table = FeatureTable.open(features, recipe)

    def fit(self, job: FitJob) -> FitResult:
        """Fit one probe; layers and strength are chosen on speakers that are held out of the job's training clips.

        Raises:
            CheckpointError: The saved model does not give the probabilities of the fit.
        """
        begin = time.perf_counter()
        table = self._table.centred(job)
        search = _Search(table, job, self._recipe)
        probe = search.weighted() if self._recipe.layers == "weighted" else search.best_layer()
        if job.folder is not None:
            save_probe(probe, self._recipe, self._encoder, Path(job.folder), job.classes)
            self._check_saved(probe, Path(job.folder), job)
        states = self._table.shape[1]
        fitted = probe.head.coefficients.size + probe.head.intercepts.size
        return FitResult(
            probabilities=_probabilities(table, probe, job.test),
            chosen=search.chosen(probe),
            parameters=self._table.parameters + fitted,
            head_parameters=fitted + (states if self._recipe.layers == "weighted" and states > 1 else 0),
            seconds=time.perf_counter() - begin,
            peak_memory_mb=peak_memory_mb(),
        )

    def _check_saved(self, probe: Probe, folder: Path, job: FitJob) -> None:
        """Compare the saved model, loaded as any other, with the fit on a few windows."""
        rows = self._table.rows(job.train)[:_CHECKED_CLIPS]
        expected = softmax(probe.head.logits(self._table.summed(rows, probe.weights)), axis=1)
        saved = Encoder(folder, "hidden")
        for row, answer in zip(rows, expected, strict=True):
            clip = int(self._table.clips[row])
            blocks = [self._clips.samples(int(window)) for window in self._clips.windows_of(clip)]
            first = int(np.flatnonzero(self._table.clips[self._table.copies == 0] == clip)[0])
            window = list(saved.windows(blocks))[int(row) - first]
            difference = np.abs(softmax(saved.checkpoint.logits(window).astype(np.float64)) - answer).max()
            if not difference <= _TOLERANCE:
                raise CheckpointError(
                    f"the saved model's probabilities differ by {difference:.1g} from those of the fit: choose another "
                    "encoder, or the recipe `best-layer`"
                )


def _probabilities(table: FeatureTable, probe: Probe, clips: NDArray[np.int64]) -> NDArray[np.float32]:
    """Probabilities of clips, averaged over windows by duration as in an evaluation; NaN for those without rows."""
    if not clips.size:
        return np.empty((0, probe.head.intercepts.size), np.float32)
    rows = table.rows(clips)
    windows = softmax(probe.head.logits(table.summed(rows, probe.weights)), axis=1)
    windows *= table.shares(rows)[:, None]
    of_clip = np.full((int(table.clips.max()) + 1, windows.shape[1]), np.nan)
    of_clip[table.clips[rows]] = 0
    np.add.at(of_clip, table.clips[rows], windows)
    return of_clip[clips].astype(np.float32)


class _Search:
    """Chooses what the recipe leaves open by the loss on inner speakers, and fits on all training clips."""

    def __init__(self, table: FeatureTable, job: FitJob, recipe: ProbeRecipe) -> None:
        self._table, self._recipe = table, recipe
        clips = np.concatenate([job.train, job.validation])
        self._classes = len(job.classes)
        self._rows = table.rows(clips, with_copies=True)
        self._labels = job.labels[table.clips[self._rows]]
        shares = table.shares(self._rows)
        self._weights = row_weights(self._labels, shares, self._classes, recipe.weighting)
        self.folds = inner_folds(np.unique(table.clips[self._rows]), job)
        self._scales = table.scales(self._rows)
        self.usable = np.flatnonzero(table.usable)

    def weighted(self) -> Probe:
        """Choose layer weights and strength in turn, from equal contributions of all states on."""
        shares = np.zeros(self._scales.size)
        shares[self.usable] = 1 / self.usable.size
        strength = self._best_strength(shares)
        for _ in range(_ROUNDS if self.usable.size > 1 and self.folds else 0):
            shares = self._best_shares(shares, strength)
            strength = self._best_strength(shares)
        return self._fit(shares, strength)

    def best_layer(self) -> Probe:
        """Choose the layer with the middle strength, then the strength."""
        single = np.eye(self._scales.size)
        losses = [self._losses(shares, [self._middle])[0] for shares in single]
        shares = single[int(np.argmin(losses))]
        return self._fit(shares, self._best_strength(shares))

    def chosen(self, probe: Probe) -> dict[str, JsonValue]:
        """What was chosen, for the record."""
        chosen: dict[str, JsonValue] = {"strength": probe.strength, "inner_folds": len(self.folds)}
        if self._recipe.layers == "best":
            return {**chosen, "layer": int(probe.weights.argmax())}
        return {**chosen, "layer_weights": [round(float(weight), 4) for weight in probe.weights]}

    @property
    def _middle(self) -> float:
        strengths = sorted(self._recipe.strengths)
        return strengths[len(strengths) // 2]

    def _fit(self, shares: Values, strength: float) -> Probe:
        weights = self._state_weights(shares)
        vectors = self._table.summed(self._rows, weights)
        head = fit_head(vectors, self._labels, self._weights, self._classes, strength)
        return Probe(weights=weights, head=head, strength=strength)

    def _state_weights(self, shares: Values) -> Values:
        """Weights with which each state contributes its share to the spread of the sum: norms differ by layer."""
        weights = shares / self._scales
        return np.asarray(weights / weights.sum(), np.float64)

    def _best_strength(self, shares: Values) -> float:
        """The strength with the smallest loss on held-out clips, of equal ones the smallest."""
        if not self.folds:
            return self._middle
        strengths = sorted(self._recipe.strengths)
        return strengths[int(np.argmin(self._losses(shares, strengths)))]

    def _losses(self, shares: Values, strengths: Sequence[float]) -> Values:
        """Log loss on held-out clips, averaged over classes, for each strength."""
        vectors = self._table.summed(self._rows, self._state_weights(shares))
        losses = np.zeros((len(strengths), self._classes))
        counts = np.zeros(self._classes)
        for held_out in self.folds:
            fitted, held = self._split(held_out)
            labels = self._labels[held]
            shares_of_rows = self._table.shares(self._rows[held])
            np.add.at(counts, labels, shares_of_rows)
            for index, strength in enumerate(strengths):
                head = fit_head(vectors[fitted], self._labels[fitted], self._weights[fitted], self._classes, strength)
                logs = log_softmax(head.logits(vectors[held]), axis=1)[np.arange(labels.size), labels]
                np.add.at(losses[index], labels, -logs * shares_of_rows)
        present = counts > 0
        return np.asarray((losses[:, present] / counts[present]).mean(axis=1), np.float64)

    def _best_shares(self, shares: Values, strength: float) -> Values:
        """Shares of the states that fit the held-out clips best, with the heads of the present shares.

        The shares are a softmax with a standard normal prior; heads that are sure of too much are corrected by a
        common factor, which is fitted with the shares and dropped.
        """
        weights = self._state_weights(shares)
        unit = weights.sum() / (shares / self._scales).sum()
        projected, offsets, labels, row_shares = [], [], [], []
        for held_out in self.folds:
            fitted, held = self._split(held_out)
            vectors = self._table.summed(self._rows[fitted], weights)
            head = fit_head(vectors, self._labels[fitted], self._weights[fitted], self._classes, strength)
            center = self._table.projected(self._rows[fitted], head.coefficients).mean(axis=0)
            projected.append(self._table.projected(self._rows[held], head.coefficients) - center)
            offsets.append(np.tile(head.intercepts + weights @ center, (held.size, 1)))
            labels.append(self._labels[held])
            row_shares.append(self._table.shares(self._rows[held]) * self._class_shares(self._labels[held]))
        contributions = np.concatenate(projected) * (unit / self._scales)[:, None]
        best = np.zeros(shares.size)
        best[self.usable] = _fitted_shares(
            torch.from_numpy(contributions[:, self.usable]),
            torch.from_numpy(np.concatenate(offsets)),
            torch.from_numpy(np.concatenate(labels)),
            torch.from_numpy(np.concatenate(row_shares)),
            start=torch.from_numpy(np.log(np.maximum(shares[self.usable], 1e-12))),
        )
        return best

    def _class_shares(self, labels: NDArray[np.int64]) -> Values:
        sizes = np.bincount(self._labels, minlength=self._classes)
        return np.asarray(self._labels.size / (np.count_nonzero(sizes) * sizes[labels]), np.float64)

    def _split(self, held_out: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of the rows to fit on, with copies, and of the held-out ones, without."""
        is_held = np.isin(self._table.clips[self._rows], held_out)
        is_copy = self._table.copies[self._rows] > 0
        return np.flatnonzero(~is_held), np.flatnonzero(is_held & ~is_copy)


def _fitted_shares(
    contributions: torch.Tensor,
    offsets: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor,
    *,
    start: torch.Tensor,
) -> Values:
    """Minimise the log loss of softmax(scores) by the shares in Σ share · contribution.

    Args:
        contributions: Shape (rows, states, classes).
        offsets: Shape (rows, classes), likewise `labels` and `weights`, shape (rows,).
        start: Logarithms of shares, shape (states,).
    """
    scores = (start - start.mean()).clone().requires_grad_()
    factor = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([scores, factor], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logits = factor.exp() * torch.einsum("rsc,s->rc", contributions, scores.softmax(0)) + offsets
        logs = logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
        value = -(weights * logs).sum() + 0.5 * scores.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    fitted = scores.detach().softmax(0).numpy()
    return np.asarray(fitted if np.isfinite(fitted).all() else start.softmax(0).numpy(), np.float64)


def save_probe(probe: Probe, recipe: ProbeRecipe, encoder: Path, folder: Path, classes: Sequence[str]) -> None:
    """Save a probe as the stock classifier of the encoder's model type, which loads without bench.

    `projector` computes the logits without their intercepts, and `classifier` adds these: only their product counts.
    Of a single layer, the encoder is cut behind it.
    """
    sums_states = probe.weights.size > 1 and recipe.layers == "weighted"
    config: dict[str, object] = {
        **label_names(classes),
        "problem_type": "single_label_classification",
        "use_weighted_layer_sum": sums_states,
        "classifier_proj_size": len(classes),
    }
    if recipe.layers == "best":
        config |= dict.fromkeys(("num_hidden_layers", "encoder_layers"), int(probe.weights.argmax()))
    checkpoint = load_encoder(encoder, config)
    model = checkpoint.model
    with torch.no_grad():
        coefficients, intercepts = map(torch.from_numpy, (probe.head.coefficients, probe.head.intercepts))
        if checkpoint.report.model_type == AST:
            torch.nn.init.ones_(model.classifier.layernorm.weight)
            torch.nn.init.zeros_(model.classifier.layernorm.bias)
            model.classifier.dense.weight.copy_(coefficients)
            model.classifier.dense.bias.copy_(intercepts)
        else:
            model.projector.weight.copy_(coefficients)
            torch.nn.init.zeros_(model.projector.bias)
            torch.nn.init.eye_(model.classifier.weight)
            model.classifier.bias.copy_(intercepts)
        if sums_states:
            # A softmax has no zero; the logarithm of the smallest number is one in float32.
            model.layer_weights.copy_(torch.from_numpy(np.log(np.maximum(probe.weights, np.finfo(np.float64).tiny))))
    model.save_pretrained(folder)
    checkpoint.extractor.save_pretrained(folder)
