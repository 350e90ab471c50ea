"""How often intervals hold the truth where 8 % of the clips name no speaker and are left out of them.

    python -m scripts.simulate_missing_speakers --write

The alternative puts an interval of the same error around the score of all clips. Seeded: the same numbers every time.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from scripts.generated_sections import simulate_into_page
from scripts.simulate_intervals import INTERACTION, SEED, Cell, Drawn, interval_ends, true_uar

MISSING = 0.08
SPEAKERS, EMOTIONS, SPREAD = (6, 24, 100), (4, 8), 0.5


class Unnamed(StrEnum):
    """Who says the clips that name no speaker."""

    NAMED = "the speakers of the others"
    ANOTHER = "one other speaker"


def coverages(cell: Cell, unnamed: Unnamed, draws: int) -> tuple[float, float]:
    """The shares of draws whose interval holds the true UAR: around the named clips, and around all clips."""
    generator = np.random.default_rng([SEED, *f"{cell} {unnamed}".encode()])
    people = cell.spread * generator.normal(size=(draws, cell.speakers + 1, 1))
    people = people + cell.interaction * generator.normal(size=(draws, cell.speakers + 1, cell.emotions))
    recalls, clips = expit(cell.ease + people), np.vstack([cell.table, np.zeros_like(cell.table[:1])])
    without_name = np.zeros_like(clips)
    if unnamed is Unnamed.NAMED:
        without_name[:-1] = generator.binomial(clips[:-1], MISSING)
    else:
        without_name[-1] = np.round(MISSING / (1 - MISSING) * clips.sum(axis=0))
        clips = clips + without_name
    named = clips - without_name
    hits, others = generator.binomial(named, recalls), generator.binomial(without_name, recalls)
    score = (hits.sum(axis=1) / named.sum(axis=0)).mean(axis=1)
    of_all = ((hits + others).sum(axis=1) / clips.sum(axis=0)).mean(axis=1)
    ends = interval_ends(Drawn(hits=hits[:, :-1], clips=named[:-1]))
    # The error in UAR is the same around either score.
    reach = (logit(ends) - logit(score)) * score * (1 - score) / (of_all * (1 - of_all))
    truth = true_uar(cell)
    return _held(ends, truth), _held(expit(logit(of_all) + reach), truth)


def _held(ends: NDArray[np.float64], truth: float) -> float:
    return float(((ends[0] <= truth) & (truth <= ends[1])).mean())


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    return "\n".join(_lines(draws))


def _lines(draws: int) -> Iterator[str]:
    error = 100 * np.sqrt(0.95 * 0.05 / draws)
    yield (
        f"{draws:,} draws a setting (Monte-Carlo error of 95 %: {error:.1f}), {100 * MISSING:.0f} % of the clips "
        f"without a speaker, spread between speakers {SPREAD}, seed {SEED}; "
        "`python -m scripts.simulate_missing_speakers --write`."
    )
    yield ""
    yield "| unnamed clips are said by | speakers | emotions | around the named clips, % | around all clips, % |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for unnamed, speakers, emotions in product(Unnamed, SPEAKERS, EMOTIONS):
        cell = Cell(speakers=speakers, emotions=emotions, spread=SPREAD, interaction=INTERACTION)
        own, other = coverages(cell, unnamed, draws)
        yield f"| {unnamed} | {speakers} | {emotions} | {100 * own:.1f} | {100 * other:.1f} |"


def main() -> None:
    """Simulate, print the table, and write it into the page of simulations where asked."""
    simulate_into_page("missing-speakers", report, description="Intervals with clips of unknown speakers.", draws=4000)


if __name__ == "__main__":
    main()
