"""What tunings do to speakers that nobody has labelled, and whether thresholds keep the promised error.

    python -m scripts.simulate_tuning --draws 60 --write

Prints a table, and with `--write` puts it into docs/simulations.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmark.results.runs import CorpusRecord
from benchmark.results.tuning import TunedModel, Tuning
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import open_decisions, uar
from benchmark.scoring.metrics import binned_calibration_error
from benchmark.scoring.tuning import tune
from scripts.generated_sections import percentages, simulate_into_page
from scripts.simulated_corpora import evaluation_of

SEED = 20_260_401
EMOTIONS = ("anger", "happiness", "neutral", "sadness")
PROMISED = 0.1
CLIPS_OF_EACH = 8
NEW_SPEAKERS = 200
SPREAD = 0.7
SPEAKERS = (6, 12, 24)
DISTORTIONS = ((1.0, 0.0), (2.5, 0.0), (2.5, 4.0))


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What a tuning of drawn speakers does to many others.

    Attributes:
        stored: Whether its verdict is one with which it is stored.
        ece: Of the others, before and after.
        uar: Of the others, before and after.
        error: Share of wrong answers among the accepted ones of the others; None where none is accepted.
        held: Whether the reported interval of that share holds it.
    """

    stored: bool
    ece: tuple[float, float]
    uar: tuple[float, float]
    accepted: float
    error: float | None
    held: bool


def draw_answers(generator: np.random.Generator, speakers: int, *, factor: float, anger: float) -> Answers:
    """Draw answers whose logits are `factor` times too large, and `anger` larger for one emotion.

    An observation of N(2e, 1) for the emotion e, with a shift of each speaker and emotion, has the log posterior 2x.
    """
    truth = np.tile(np.repeat(np.arange(len(EMOTIONS)), CLIPS_OF_EACH), speakers)
    who = np.repeat(np.arange(speakers), len(EMOTIONS) * CLIPS_OF_EACH)
    shifts = generator.normal(0, SPREAD, (speakers, len(EMOTIONS)))[who]
    logits = factor * 2 * (generator.normal(size=shifts.shape) + shifts + 2 * np.eye(len(EMOTIONS))[truth])
    logits[:, 0] += anger
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Answers(
        source=shares / shares.sum(axis=1, keepdims=True),
        classes=EMOTIONS,
        truth=tuple(EMOTIONS[index] for index in truth),
        speakers=tuple(f"s{index:03}" for index in who),
    )


def tune_answers(answers: Answers) -> Tuning:
    """Tune as `bench tune` does."""
    evaluation = evaluation_of(answers)
    corpus = CorpusRecord(name="drawn", source="drawn", clips=(), available_clips=0)
    model = TunedModel.of(evaluation.verification, merges={}, preprocessor=None)
    return tune(evaluation, model, corpus, max_error=PROMISED, created=datetime(2026, 4, 1, tzinfo=UTC))


def draw(generator: np.random.Generator, speakers: int, *, factor: float, anger: float) -> Drawn:
    """Tune on drawn speakers, and apply it to many others."""
    tuning = tune_answers(draw_answers(generator, speakers, factor=factor, anger=anger))
    others = draw_answers(generator, NEW_SPEAKERS, factor=factor, anger=anger)
    tuned = tuning.applied.probabilities(others.probabilities)
    truth, chosen, confidence = others.truth_index, tuned.argmax(axis=1), tuned.max(axis=1)
    least = [np.inf if own.threshold is None else own.threshold for own in tuning.applied.emotions]
    accepted = confidence >= np.array(least)[chosen]
    error = float((chosen != truth)[accepted].mean()) if accepted.any() else None
    low, high = tuning.accepted.low, tuning.accepted.high
    before = others.probabilities
    return Drawn(
        stored=tuning.verdict.usable,
        ece=(_ece(before, truth), _ece(tuned, truth)),
        uar=(_uar(others, before), _uar(others, tuned)),
        accepted=float(accepted.mean()),
        error=error,
        held=error is not None and low is not None and high is not None and low <= error <= high,
    )


def _ece(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return binned_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)


def _uar(answers: Answers, probabilities: NDArray[np.float64]) -> float:
    tuned = Answers(source=probabilities, classes=answers.classes, truth=answers.truth, speakers=answers.speakers)
    return uar(open_decisions(tuned)) or 0.0


def check(speakers: int, draws: int, *, factor: float, anger: float) -> list[Drawn]:
    """Draw many corpora of one kind."""
    generator = np.random.default_rng([SEED, speakers, int(10 * factor), int(10 * anger)])
    return [draw(generator, speakers, factor=factor, anger=anger) for _ in range(draws)]


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws} draws a row, {len(EMOTIONS)} emotions, {CLIPS_OF_EACH} clips of each and speaker, at most "
        f"{PROMISED:.0%} wrong promised, seed {SEED}; `python -m scripts.simulate_tuning --write`. Scores are those of "
        f"{NEW_SPEAKERS} other speakers, with the tunings that are stored.",
        "",
        "| logits too large by | anger too large by | speakers | stored, % | ECE before/after, % | UAR before/after, % "
        "| accepted, % | wrong, % | intervals that hold it, % |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (factor, anger), speakers in product(DISTORTIONS, SPEAKERS):
        drawn = check(speakers, draws, factor=factor, anger=anger)
        stored = [own for own in drawn if own.stored and own.error is not None]
        if not stored:
            lines.append(f"| {factor:g} | {anger:g} | {speakers} | 0 | | | | | |")
            continue
        means = [percentages(np.mean([getattr(own, name) for own in stored], axis=0)) for name in ("ece", "uar")]
        single = [np.mean([getattr(own, name) for own in stored]) * 100 for name in ("accepted", "error", "held")]
        lines.append(
            f"| {factor:g} | {anger:g} | {speakers} | {100 * len(stored) / draws:.0f} | {' | '.join(means)} | "
            f"{single[0]:.0f} | {single[1]:.1f} | {single[2]:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the table, and write it into the page where asked."""
    simulate_into_page("tuning", report, description="What tunings do to other speakers.", draws=60)


if __name__ == "__main__":
    main()
