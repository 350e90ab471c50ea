"""How many labels `bench next` saves: naming the best candidate, and estimating UAR, against drawing at random.

    python -m scripts.simulate_next --draws 200 --write

Prints two tables, and with `--write` puts them into docs/simulations.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.next_clips import sampled_clips, separating_clips
from benchmark.scoring.ranking import PairedDifferences
from scripts.generated_sections import simulate_into_page

SEED = 20_260_301
SPEAKERS, EMOTIONS, CLIPS = 24, 8, 56
GAPS = {"7 others 0.05 behind": (0.0, *[0.05] * 7), "others 0.05 to 0.30 behind": (0, 0.05, 0.1, 0.1, 0.15, 0.2, 0.3)}
BEST = (0.5, 0.65, 0.75, 0.85)
LABELS = (24, 48, 96, 192, 384)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """Clips with the answers of candidates: `truth` of shape (clips,), `answers` of shape (clips, candidates)."""

    truth: NDArray[np.int64]
    speakers: tuple[str, ...]
    answers: NDArray[np.int64]

    @property
    def uars(self) -> NDArray[np.float64]:
        """UAR of each candidate on all clips."""
        return self.uars_on(np.arange(len(self.truth)))

    def uars_on(self, chosen: NDArray[np.int64], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """UAR of each candidate on some clips, with weights if any."""
        right = self.answers[chosen] == self.truth[chosen, None]
        each = np.ones(len(chosen)) if weights is None else weights
        emotions = np.unique(self.truth[chosen])
        recalls = [np.average(right[own], axis=0, weights=each[own]) for own in self.truth[chosen] == emotions[:, None]]
        return np.asarray(np.mean(recalls, axis=0), dtype=np.float64)

    def accuracies_on(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Accuracy of each candidate on some clips."""
        return np.asarray((self.answers[chosen] == self.truth[chosen, None]).mean(axis=0), dtype=np.float64)


def draw_pool(generator: np.random.Generator, best: float, gaps: tuple[float, ...]) -> Pool:
    """Draw clips that are hard or easy for all candidates (SD 1 logit), with half of the errors in common.

    Speaker × emotion and candidate × speaker have a spread of 0.5 logit.
    """
    clips = SPEAKERS * CLIPS
    who, truth = np.repeat(np.arange(SPEAKERS), CLIPS), np.tile(np.arange(EMOTIONS), clips // EMOTIONS)
    shared = np.linspace(-1, 1, EMOTIONS)[truth] + generator.normal(size=clips)
    shared += 0.5 * generator.normal(size=(SPEAKERS, EMOTIONS))[who, truth]
    centres = [_centre(best - gap) for gap in gaps]
    own = 0.5 * generator.normal(size=(SPEAKERS, len(gaps)))[who]
    right = generator.random((clips, len(gaps))) < expit(np.array(centres) + own + shared[:, None])
    common = generator.integers(1, EMOTIONS, size=clips)[:, None]
    wrong = np.where(generator.random(right.shape) < 0.5, common, generator.integers(1, EMOTIONS, size=right.shape))  # noqa: PLR2004
    answers = np.where(right, truth[:, None], (truth[:, None] + wrong) % EMOTIONS)
    return Pool(truth=truth, speakers=tuple(f"s{number:02}" for number in who), answers=answers)


@cache
def _centre(uar: float) -> float:
    """The logit at which the true UAR of `draw_pool` is so high."""
    sample = np.linspace(-1, 1, EMOTIONS)[:, None] + np.sqrt(1.5) * np.random.default_rng(0).normal(size=4000)
    return float(brentq(lambda centre: expit(centre + sample).mean() - uar, -9, 9))


def random_clips(generator: np.random.Generator, pool: Pool, number: int) -> NDArray[np.int64]:
    """The baseline: clips at random, the speakers in turn."""
    order = generator.permutation(len(pool.truth))
    turn = np.empty(len(order), dtype=np.int64)
    for speaker in range(SPEAKERS):
        own = order[order // CLIPS == speaker]
        turn[own] = np.arange(len(own))
    return order[np.argsort(turn[order], kind="stable")[:number]]


def best_is_lost(pool: Pool, chosen: NDArray[np.int64]) -> bool:
    """Whether the reports would say that the best on all clips cannot be the best, by clips that separate."""
    right = pool.answers[chosen] == pool.truth[chosen, None]
    who = np.unique(np.array(pool.speakers)[chosen], return_inverse=True)[1]
    clips = np.bincount(who)[:, None]
    counts = [SpeakerCounts(hits=np.bincount(who, own).astype(np.int64)[:, None], clips=clips) for own in right.T]
    return not PairedDifferences.of(counts).may_be_best[pool.uars.argmax()]


def named_best(best: float, gaps: tuple[float, ...], draws: int) -> NDArray[np.float64]:
    """How often the best on all clips is named, at random and on clips that separate, and lost on these.

    Returns:
        Shape (3, labels).
    """
    generator = np.random.default_rng([SEED, *f"pick {best} {gaps}".encode()])
    named = np.zeros((3, len(LABELS)))
    for _ in range(draws):
        pool = draw_pool(generator, best, gaps)
        leader, everything = pool.uars.argmax(), np.arange(len(pool.truth))
        separating = separating_clips(pool.answers, pool.speakers, everything, LABELS[-1])
        drawn = random_clips(generator, pool, LABELS[-1])
        for column, number in enumerate(LABELS):
            scores = pool.uars_on(drawn[:number]), pool.accuracies_on(separating[:number])
            for row, values in enumerate(scores):
                leaders = np.flatnonzero(values >= values.max() - 1e-12)
                named[row, column] += (leader in leaders) / len(leaders)
            named[2, column] += best_is_lost(pool, separating[:number])
    return named / draws


def labels_saved(named: NDArray[np.float64]) -> float:
    """Labels at random over labels that separate, for the same probability; the geometric mean where both reach it."""
    grid = np.log(LABELS)
    levels = np.linspace(max(named[:2, 0]), min(named[:2, -1]), 9)
    needed = [np.interp(levels, np.maximum.accumulate(row), grid) for row in named[:2]]
    return float(np.exp((needed[0] - needed[1]).mean()))


def estimation_errors(best: float, draws: int, number: int = 96) -> tuple[float, float, float]:
    """Root mean square errors of UAR: at random, as `bench next` draws, and by disagreement with weights.

    The last draws each clip with a probability that grows with the disagreement on it, and weights by its inverse.
    """
    generator = np.random.default_rng([SEED, *f"score {best}".encode()])
    errors = np.zeros(3)
    for draw in range(draws):
        pool = draw_pool(generator, best, (0.0, 0.05, 0.1, 0.15, 0.2))
        everything = np.arange(len(pool.truth))
        majority = np.array([np.bincount(row).max() for row in pool.answers]) / pool.answers.shape[1]
        probability = (1.25 - majority) / (1.25 - majority).sum() * number
        edges = np.floor(probability.cumsum() + generator.random())
        by_disagreement = np.flatnonzero(np.diff(edges, prepend=np.floor(generator.random())) > 0)
        for column, (chosen, weights) in enumerate(
            (
                (random_clips(generator, pool, number), None),
                (sampled_clips(pool.answers, pool.speakers, everything, number, draw), None),
                (by_disagreement, 1 / probability[by_disagreement]),
            )
        ):
            errors[column] += ((pool.uars_on(chosen, weights) - pool.uars) ** 2).mean()
    at_random, systematic, weighted = np.sqrt(errors / draws).tolist()
    return at_random, systematic, weighted


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    labels = " | ".join(f"{number} labels" for number in LABELS)
    lines = [
        f"{draws:,} draws a row, {SPEAKERS} speakers × {CLIPS} clips, {EMOTIONS} emotions, a spread of 0.5 (logit) of "
        "speaker × emotion and of candidate × speaker, of 1 of clips, half of the errors in common, "
        f"seed {SEED}; `python -m scripts.simulate_next --write`. The best is "
        "named, %, at random/by `--for pick`; lost: not among those that may be the best, at worst.",
        "",
        f"| UAR of the best | candidates | {labels} | labels saved | lost, % |",
        f"| ---: | --- |{' ---: |' * (len(LABELS) + 2)}",
    ]
    for title, gaps in GAPS.items():
        for best in BEST:
            named = named_best(best, gaps, draws)
            cells = (f"{100 * first:.0f}/{100 * second:.0f}" for first, second in named[:2].T)
            saved, lost = labels_saved(named), 100 * named[2].max()
            lines.append(f"| {best:.2f} | {title} | {' | '.join(cells)} | {saved:.1f} × | {lost:.1f} |")
    lines += [
        "",
        "| UAR of the best | error of UAR from 96 labels: at random | `--for score` | unequal, inverse weights |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for best in BEST:
        errors = estimation_errors(best, draws)
        lines.append(f"| {best:.2f} | {' | '.join(f'{error:.4f}' for error in errors)} |")
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the tables, and write them into the protocol where asked."""
    simulate_into_page("next", report, description="What the choice of clips saves.", draws=200)


if __name__ == "__main__":
    main()
