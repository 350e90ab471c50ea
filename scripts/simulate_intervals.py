"""How often the 95 % intervals hold the truth, and how often pairs of candidates are told apart, rightly and wrongly.

    python -m scripts.simulate_intervals --draws 500 --write

Prints a table, and with `--write` puts it into docs/protocol.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass
from itertools import groupby, product

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import expit

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.intervals import uar_interval
from benchmark.scoring.ranking import SIGNIFICANCE, PairedDifferences
from scripts.generated_sections import percentages, simulate_into_protocol

SEED = 20_260_301
SPEAKERS, EMOTIONS, SPREADS = (4, 6, 10, 24), (4, 8), (0.0, 0.5, 1.0)
CLIPS_OF_EACH = 8
PAIRS_OF_TEN = 45
DIFFERENCE = 0.10
_NODES, _WEIGHTS = hermegauss(60)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What the candidates of one simulation have in common.

    Attributes:
        speakers: How many speak.
        emotions: How many emotions they play.
        spread: Standard deviation of what a speaker adds to the logit of a candidate's recall.
        clips: Clips of each speaker and emotion.
    """

    speakers: int
    emotions: int
    spread: float
    clips: int = CLIPS_OF_EACH

    @property
    def ease(self) -> NDArray[np.float64]:
        """The logit of the recall of each emotion, with a typical speaker."""
        return np.linspace(-0.5, 1.5, self.emotions)


def all_cells() -> tuple[Cell, ...]:
    """List the cells: speakers × emotions × spread."""
    return tuple(
        Cell(speakers=speakers, emotions=emotions, spread=spread)
        for speakers, emotions, spread in product(SPEAKERS, EMOTIONS, SPREADS)
    )


def true_uar(cell: Cell, shift: float = 0.0) -> float:
    """The UAR over all speakers that there could be, by Gauss–Hermite quadrature."""
    logits = cell.ease[:, None] + shift + cell.spread * _NODES
    return float((expit(logits) @ _WEIGHTS / _WEIGHTS.sum()).mean())


def shift_for(cell: Cell, difference: float) -> float:
    """What to add to the logits of a candidate so that its true UAR is so much higher."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if true_uar(cell, middle) - true_uar(cell) < difference else (low, middle)
    return low


def coverage(cell: Cell, draws: int) -> float:
    """The share of draws whose interval holds the true UAR."""
    generator, truth = _generator("coverage", cell), true_uar(cell)
    held = 0
    for _ in range(draws):
        counts = _candidate(generator, cell, _people(generator, cell))
        hits, clips = counts.hits.sum(axis=0), counts.clips.sum(axis=0)
        interval = uar_interval(np.column_stack([np.diag(hits), clips - hits]), counts)
        held += interval is not None and interval.low <= truth <= interval.high
    return held / draws


def found_different(cell: Cell, draws: int, *, difference: float = 0.0, level: float = SIGNIFICANCE) -> float:
    """The share of draws in which two candidates, to whom the same speakers are easy, are called different."""
    generator, shift = _generator(f"pairs {difference} {level}", cell), shift_for(cell, difference)
    found = 0
    for _ in range(draws):
        people = _people(generator, cell)
        pair = [_candidate(generator, cell, people + added) for added in (0.0, shift)]
        found += bool(PairedDifferences.of(pair).p_values[0] <= level)
    return found / draws


def _generator(what: str, cell: Cell) -> np.random.Generator:
    return np.random.default_rng([SEED, *f"{what} {cell}".encode()])


def _people(generator: np.random.Generator, cell: Cell) -> NDArray[np.float64]:
    return cell.spread * generator.normal(size=cell.speakers)


def _candidate(generator: np.random.Generator, cell: Cell, people: NDArray[np.float64]) -> SpeakerCounts:
    clips = np.full((cell.speakers, cell.emotions), cell.clips)
    return SpeakerCounts(hits=generator.binomial(clips, expit(cell.ease + people[:, None])), clips=clips)


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws:,} draws a cell, {CLIPS_OF_EACH} clips per speaker and emotion, seed {SEED}; "
        "`python -m scripts.simulate_intervals --write`. Three values in a cell belong to a spread between speakers of "
        "0, 0.5 and 1 (logit).",
        "",
        "| speakers | emotions | intervals that hold the truth, % | equal models called different, % |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for (speakers, emotions), group in groupby(all_cells(), key=lambda cell: (cell.speakers, cell.emotions)):
        cells = list(group)
        lines.append(
            f"| {speakers} | {emotions} | {percentages(coverage(cell, draws) for cell in cells)} | "
            f"{percentages(found_different(cell, draws) for cell in cells)} |"
        )
    cells = [Cell(speakers=24, emotions=8, spread=spread, clips=7) for spread in SPREADS]
    alone = percentages(found_different(cell, draws, difference=DIFFERENCE) for cell in cells)
    level = SIGNIFICANCE / PAIRS_OF_TEN
    among = percentages(found_different(cell, draws, difference=DIFFERENCE, level=level) for cell in cells)
    lines += [
        "",
        f"A difference of {DIFFERENCE:.2f}, with 24 speakers × 56 clips, is found in {alone} % of the draws, and over "
        f"45 pairs (Holm) in {among} %.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the tables, and write them into the protocol where asked."""
    simulate_into_protocol("intervals", report, description="How far the intervals and the ranks hold.", draws=500)


if __name__ == "__main__":
    main()
