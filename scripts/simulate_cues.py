"""How often a cue is said to matter, where it does and where it does not.

    python -m scripts.simulate_cues --draws 2000 --write

Prints a table, and with `--write` puts it into docs/simulations.md. Seeded: the same numbers every time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from benchmark.audio.perturbation import CUES
from benchmark.scoring.cues import guessing_p_value
from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.ranking import SIGNIFICANCE, PairedDifferences, holm
from scripts.generated_sections import simulate_into_page

SEED = 20_260_301
SPEAKERS, EMOTIONS = (4, 10, 24), (4, 8)
CLIPS_OF_EACH = 8
SPREAD = 0.5
"""Of speakers, of speakers × emotions, and of speakers × what is done to the clips, in logits."""
WORTHS = (0.05, 0.10, 0.20)
_POPULATION = 20_000


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A corpus to be."""

    speakers: int
    emotions: int

    @property
    def ease(self) -> NDArray[np.float64]:
        """The logit of the recall of each emotion, with a typical speaker."""
        return np.linspace(-0.5, 1.5, self.emotions)


def all_cells() -> tuple[Cell, ...]:
    """List the cells: speakers × emotions."""
    return tuple(Cell(speakers=speakers, emotions=emotions) for speakers, emotions in product(SPEAKERS, EMOTIONS))


def shift_for(cell: Cell, worth: float) -> float:
    """What to add to the logits of the answers without a cue so that their true UAR is so much lower."""
    random = np.random.default_rng(SEED)
    spread = SPREAD * random.normal(size=(_POPULATION, cell.emotions, 3)).sum(axis=-1)
    low, high = -10.0, 0.0
    whole = expit(cell.ease + spread).mean()
    for _ in range(40):
        middle = (low + high) / 2
        lost = whole - expit(cell.ease + spread + middle).mean()
        low, high = (low, middle) if lost < worth else (middle, high)
    return (low + high) / 2


def said_to_matter(cell: Cell, draws: int, *, worth: float = 0.0) -> tuple[float, float]:
    """Shares of draws in which the first cue, which is worth this, is named, and any that is worth nothing.

    The others are worth nothing, and from the pauses the candidate guesses by a habit that differs between speakers.
    """
    random = np.random.default_rng([SEED, cell.speakers, cell.emotions, round(1000 * worth)])
    shift = shift_for(cell, worth) if worth else 0.0
    first = wrong = 0
    for _ in range(draws):
        named = _named(random, cell, [shift, *[0.0] * (len(CUES) - 2)])
        first += bool(named[0])
        wrong += bool(named[1 if worth else 0 :].any())
    return first / draws, wrong / draws


def _named(random: np.random.Generator, cell: Cell, shifts: Sequence[float]) -> NDArray[np.bool_]:
    size = (cell.speakers, cell.emotions)
    clips = np.full(size, CLIPS_OF_EACH)
    ease = cell.ease + SPREAD * (random.normal(size=(cell.speakers, 1)) + random.normal(size=size))

    def answers(shift: float) -> SpeakerCounts:
        own = SPREAD * random.normal(size=(cell.speakers, 1))
        return SpeakerCounts(hits=random.binomial(clips, expit(ease + shift + own)), clips=clips)

    as_they_are = answers(0.0)
    p_values = [float(PairedDifferences.of([as_they_are, answers(shift)]).p_values[0]) for shift in shifts]
    habits = random.dirichlet(8 * random.dirichlet(np.ones(cell.emotions)) + 0.05, size=cell.speakers)
    p_values.append(guessing_p_value(SpeakerCounts(hits=random.binomial(clips, habits), clips=clips)))
    return np.asarray(holm(np.array(p_values)) <= SIGNIFICANCE)


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws:,} draws a cell, {CLIPS_OF_EACH} clips per speaker and emotion, {len(CUES)} cues, seed {SEED}; "
        "`python -m scripts.simulate_cues --write`.",
        "",
        f"| speakers | emotions | a cue named that is worth nothing, % | {' | '.join(_heading(w) for w in WORTHS)} |",
        "| ---: | ---: | ---: |" + " ---: |" * len(WORTHS),
    ]
    for cell in all_cells():
        found = [said_to_matter(cell, draws, worth=worth)[0] for worth in WORTHS]
        shares = [said_to_matter(cell, draws)[1], *found]
        lines.append(f"| {cell.speakers} | {cell.emotions} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |")
    return "\n".join(lines)


def _heading(worth: float) -> str:
    return f"a cue worth {worth:.2f} named, %"


def main() -> None:
    """Simulate, print the table, and write it into the protocol where asked."""
    simulate_into_page("cues", report, description="How far it holds which cues matter.", draws=1000)


if __name__ == "__main__":
    main()
