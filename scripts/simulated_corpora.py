"""Corpora and candidates that exist as numbers only, whose truth is known: for holding flags and intervals against."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from benchmark.results.predictions import InferenceSetup
from benchmark.results.runs import EvaluationRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.trained_on import Seen

EMOTIONS = ("anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


@dataclass(frozen=True, kw_only=True)
class Design:
    """A corpus to be.

    Attributes:
        name: What tables call it.
        speakers: How many speak.
        emotions: How many emotions they play.
        clips: Clips per speaker.
        majority: Share of the clips that have the first emotion; None where all are equally frequent.
        covered: How many of the emotions a candidate can express.
    """

    name: str
    speakers: int = 10
    emotions: int = 8
    clips: int = 64
    majority: float | None = None
    covered: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The emotions."""
        return EMOTIONS[: self.emotions]

    @property
    def covered_names(self) -> tuple[str, ...]:
        """Those that a candidate can express."""
        return EMOTIONS[: self.covered or self.emotions]


DESIGNS = (
    Design(name="10 speakers"),
    Design(name="60 % one emotion", majority=0.6),
    Design(name="4 speakers", speakers=4),
    Design(name="half coverage", covered=4),
    Design(name="60 %, 4 speakers, half coverage", speakers=4, majority=0.6, covered=4),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """A corpus: the emotion of each clip, as an index, and who speaks."""

    truth: NDArray[np.int64]
    who: NDArray[np.int64]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Their names, clip by clip."""
        return tuple(f"s{number:03}" for number in self.who)


def draw_corpus(generator: np.random.Generator, design: Design) -> Drawn:
    """Draw the clips; every speaker plays every emotion as often as the design says."""
    if design.majority is None:
        shares = np.full(design.emotions, 1 / design.emotions)
    else:
        rest = (1 - design.majority) / (design.emotions - 1)
        shares = np.array([design.majority, *[rest] * (design.emotions - 1)])
    sizes = np.maximum(np.round(shares * design.clips).astype(int), 1)
    one = np.repeat(np.arange(design.emotions), sizes)
    truth = np.concatenate([generator.permutation(one) for _ in range(design.speakers)])
    return Drawn(truth=truth.astype(np.int64), who=np.repeat(np.arange(design.speakers), len(one)))


def skilled_answers(
    generator: np.random.Generator, corpus: Drawn, design: Design, *, recall: float, spread: float = 0.5
) -> NDArray[np.int64]:
    """Answers of a candidate that hears emotions; speakers and emotions are easier and harder for it, in logits.

    Args:
        generator: Where chance comes from.
        corpus: What it hears.
        design: What it can express.
        recall: Its recall of a typical emotion that it can express.
        spread: Standard deviation of what speakers, and half of it of what emotions, add to the logit.
    """
    covered = design.covered or design.emotions
    ease = logit(recall) + spread * generator.normal(size=design.speakers)[corpus.who]
    ease = ease + spread / 2 * generator.normal(size=design.emotions)[corpus.truth]
    right = (generator.random(len(corpus.truth)) < expit(ease)) & (corpus.truth < covered)
    habits = generator.dirichlet(np.ones(covered), size=design.emotions)
    wrong = _draw_rows(generator, habits[corpus.truth])
    missed = ~right & (wrong == corpus.truth)
    wrong[missed] = (wrong[missed] + generator.integers(1, covered, size=int(missed.sum()))) % covered
    return np.where(right, corpus.truth, wrong).astype(np.int64)


def guessed_answers(
    generator: np.random.Generator, corpus: Drawn, design: Design, shares: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """Answers that do not depend on the clip: drawn by shares, by default equal ones, of what it can express."""
    covered = design.covered or design.emotions
    return generator.choice(covered, size=len(corpus.truth), p=shares).astype(np.int64)


def decided(corpus: Drawn, design: Design, answers: NDArray[np.int64]) -> Decisions:
    """Put truth and answers together."""
    return Decisions(emotions=design.names, truth=corpus.truth, answers=answers, confidence=np.full(len(answers), 0.5))


def evaluation_of(answers: Answers) -> Evaluation:
    """The evaluation of a candidate that was not trained on the corpus, whose labels are its emotions."""
    labels = answers.classes
    setup = InferenceSetup(
        candidate="simulated", revision="0", labels=labels, head="standard", backend="torch", device="cpu",
        dtype="float32", window_s=30.0, versions={},
    )  # fmt: skip
    return Evaluation(
        record=EvaluationRecord(candidate="simulated", corpus="simulated", setup=setup),
        verification=Verification(
            candidate="simulated", id="simulated", revision="0", status=Status.USABLE, reason="", labels=labels,
            emotions=labels,
        ),
        answers=answers,
        seen=Seen.NO,
        loose_map=False,
    )  # fmt: skip


def _draw_rows(generator: np.random.Generator, chances: NDArray[np.float64]) -> NDArray[np.int64]:
    edges = chances.cumsum(axis=1)
    drawn = (generator.random(len(chances))[:, None] > edges).sum(axis=1)
    return np.asarray(np.minimum(drawn, chances.shape[1] - 1), dtype=np.int64)


def draw_recalls(
    generator: np.random.Generator, gaps: tuple[float, ...], *, speakers: int, emotions: int, spread: float = 0.5
) -> NDArray[np.float64]:
    """Draw the recall of each candidate with each speaker and emotion, shape (candidates, speakers, emotions).

    A speaker adds to the logit a normal deviate for each candidate, and one for each emotion that all candidates share.

    Args:
        generator: Where chance comes from.
        gaps: How much worse than the first, whose UAR is 0.62 without a spread, each candidate's UAR is.
        speakers: How many speak.
        emotions: How many emotions they play; some are easier.
        spread: Standard deviation of both deviates.
    """
    shared = spread * generator.normal(size=(speakers, emotions))
    own = spread * generator.normal(size=(len(gaps), speakers, 1))
    centres = np.array([_centre(gap, emotions, spread) for gap in gaps])
    recalls: NDArray[np.float64] = expit(np.linspace(-0.5, 1.5, emotions) + centres[:, None, None] + shared + own)
    return recalls


def true_uars(gaps: tuple[float, ...], *, emotions: int, spread: float = 0.5) -> NDArray[np.float64]:
    """The true UAR of each candidate of `draw_recalls`, over all speakers that there could be."""
    return _uar(0.0, emotions, spread) - np.array(gaps)


@cache
def _centre(gap: float, emotions: int, spread: float) -> float:
    """The logit at which the true UAR is lower by a gap than at 0."""
    best = _uar(0.0, emotions, spread)
    return float(brentq(lambda centre: _uar(centre, emotions, spread) - best + gap, -10, 10))


def _uar(centre: float, emotions: int, spread: float) -> float:
    """The true UAR, by Gauss–Hermite quadrature."""
    nodes, weights = hermegauss(40)
    ease = np.linspace(-0.5, 1.5, emotions)[:, None] + spread * np.sqrt(2) * nodes
    return float((expit(ease + centre) @ weights).mean() / weights.sum())
