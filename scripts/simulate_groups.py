"""How far the intervals of groups and of the gap between them hold, and what is left of the spread between speakers.

    python -m scripts.simulate_groups --draws 300 --write

Prints tables, and with `--write` puts them into docs/simulations.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass, replace
from itertools import groupby, product

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import expit

from benchmark.scoring.gaps import GroupedCounts, gaps_between, speaker_columns
from scripts.generated_sections import percentages, simulate_into_page

SEED = 20_260_301
GROUPS, SPEAKERS, SPREADS = (2, 4), (3, 6, 12), (0.0, 0.5, 1.0)
EMOTIONS, CLIPS_OF_EACH = 4, 5
SHIFT = 0.6
"""How much easier, in logits, the last group is than the first where there is a gap: about 0.12 in UAR."""
SHARED = 0.8
"""Of the spread of speakers who are in all groups, what they bring along into each: their correlation."""
PERMUTATIONS = 199
"""A run takes 999; the rates are the same, the power is a little lower."""
_NODES, _WEIGHTS = hermegauss(60)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is drawn.

    Attributes:
        groups: How many groups there are.
        speakers: How many speak in each.
        same: Whether they are the same in each.
        spread: Standard deviation of what a speaker adds to the logit of the recalls.
        shift: How much easier the last group is than the first.
    """

    groups: int
    speakers: int
    same: bool
    spread: float
    shift: float = 0.0

    @property
    def ease(self) -> NDArray[np.float64]:
        """The logit of the recall of each emotion in each group, with a typical speaker; shape (groups, emotions)."""
        shifts = np.linspace(0.0, self.shift, self.groups)
        return np.asarray(np.linspace(-0.5, 1.0, EMOTIONS) + shifts[:, None], dtype=np.float64)

    @property
    def truth(self) -> NDArray[np.float64]:
        """The UAR of each group over all speakers that there could be, by Gauss–Hermite quadrature."""
        logits = self.ease[:, :, None] + self.spread * _NODES
        return np.asarray((expit(logits) @ _WEIGHTS / _WEIGHTS.sum()).mean(axis=1), dtype=np.float64)


@dataclass(frozen=True)
class Rates:
    """How often intervals hold the truth, and how often a gap is claimed."""

    groups: float
    gap: float
    claimed: float


def all_cells() -> tuple[Cell, ...]:
    """List the cells: groups × speakers × the same or others × spread."""
    return tuple(
        Cell(groups=groups, speakers=speakers, same=same, spread=spread)
        for groups, same, speakers, spread in product(GROUPS, (False, True), SPEAKERS, SPREADS)
    )


def rates(cell: Cell, draws: int) -> Rates:
    """Draw and count."""
    generator, truth = np.random.default_rng([SEED, *str(cell).encode()]), cell.truth
    true_gap = float(np.ptp(truth))
    groups, gaps, claimed = 0, 0, 0
    for _ in range(draws):
        drawn = draw(generator, cell)
        intervals = [drawn.interval(0, group) for group in range(cell.groups)]
        groups += sum(interval.low <= true <= interval.high for interval, true in zip(intervals, truth, strict=True))
        ((gap,),) = gaps_between([drawn], PERMUTATIONS)
        gaps += gap.gap_low <= true_gap <= gap.gap_high
        claimed += gap.gap_low > 0
    return Rates(groups / draws / cell.groups, gaps / draws, claimed / draws)


def draw(generator: np.random.Generator, cell: Cell) -> GroupedCounts:
    """Draw the answers of one candidate to all clips of all groups."""
    shared = generator.normal(size=cell.speakers)
    own = generator.normal(size=(cell.groups, cell.speakers))
    people = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own if cell.same else own
    clips = np.full((cell.groups, cell.speakers, EMOTIONS), CLIPS_OF_EACH)
    hits = generator.binomial(clips, expit(cell.ease[:, None] + cell.spread * people[..., None]))
    speakers = np.arange(cell.groups * cell.speakers)
    return GroupedCounts(
        names=tuple(f"g{number}" for number in range(cell.groups)),
        group=speakers // cell.speakers,
        speaker=speakers % cell.speakers if cell.same else speakers,
        clips=clips.reshape(-1, EMOTIONS),
        hits=hits.reshape(1, -1, EMOTIONS),
    )


@dataclass(frozen=True, kw_only=True)
class Board:
    """Eight candidates on a corpus with three columns: one of given sizes, one of two halves, and short and long clips.

    Attributes:
        sizes: Speakers of the two groups of the first column.
        spread: Standard deviation of the speakers' common effect in the first group; in logits, as all further ones.
        other_spread: The same in the second group.
        shift: How much easier the second group is than the first.
    """

    sizes: tuple[int, int]
    spread: float = 0.5
    other_spread: float = 0.5
    shift: float = 0.0


CANDIDATES, INTERACTION = 8, 0.5
"""Candidates of a board; standard deviation of candidate × speaker and of speaker × emotion, in logits."""

BOARDS = (
    Board(sizes=(4, 20)),
    Board(sizes=(12, 12)),
    Board(sizes=(4, 4)),
    Board(sizes=(4, 20), spread=1.0),
    Board(sizes=(4, 20), other_spread=1.0),
)


def draw_board(generator: np.random.Generator, board: Board) -> list[GroupedCounts]:
    """Draw the answers of all candidates, and divide them by the three columns."""
    speakers = sum(board.sizes)
    first = np.repeat([0, 1], board.sizes)
    ease = np.linspace(-0.5, 1.0, EMOTIONS) + board.shift * first[:, None]
    ease = ease + np.where(first, board.other_spread, board.spread)[:, None] * generator.normal(size=(speakers, 1))
    ease = ease + INTERACTION * generator.normal(size=(speakers, EMOTIONS))
    ease = ease + INTERACTION * generator.normal(size=(CANDIDATES, speakers, 1))
    clips = np.full((2 * speakers, EMOTIONS), CLIPS_OF_EACH)
    hits = generator.binomial(clips, expit(np.concatenate([ease, ease], axis=1)))
    halves = generator.permutation(np.arange(speakers) % 2)
    both = (hits[:, :speakers] + hits[:, speakers:], 2 * clips[:speakers])
    number = np.arange(speakers)
    return [
        _divided(first, number, *both),
        _divided(halves, number, *both),
        _divided(np.repeat([0, 1], speakers), np.tile(number, 2), hits, clips),
    ]


def _divided(
    group: NDArray[np.int64], speaker: NDArray[np.int64], hits: NDArray[np.int64], clips: NDArray[np.int64]
) -> GroupedCounts:
    return GroupedCounts(names=("one", "other"), group=group, speaker=speaker, clips=clips, hits=hits)


def claims(board: Board, draws: int) -> tuple[float, float]:
    """How often a gap is claimed anywhere on the board, and the share of candidates with one in the first column."""
    generator = np.random.default_rng([SEED, *str(board).encode()])
    anywhere, in_first = 0, 0.0
    for _ in range(draws):
        gaps = gaps_between(draw_board(generator, board), PERMUTATIONS)
        anywhere += any(gap.gap_low > 0 for column in gaps for gap in column)
        in_first += float(np.mean([gap.gap_low > 0 for gap in gaps[0]]))
    return anywhere / draws, in_first / draws


def spreads(speakers: int, spread: float, draws: int) -> tuple[float, float, float]:
    """The true spread between speakers' UARs, and the mean of what is seen and of what is left without chance."""
    generator = np.random.default_rng([SEED, speakers, int(spread * 100)])
    cell = Cell(groups=1, speakers=speakers, same=False, spread=spread)
    means = expit(cell.ease[0] + spread * generator.normal(size=(100_000, 1))).mean(axis=1)
    seen, left = [], []
    for _ in range(draws):
        counts = draw(generator, cell).counts(0, 0)
        columns = speaker_columns(counts)
        if columns:
            seen.append(float((counts.hits / counts.clips).mean(axis=1).std(ddof=1)))
            left.append(float(columns["speaker_spread"]))
    return float(means.std()), float(np.mean(seen)), float(np.mean(left))


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws:,} draws a cell, {EMOTIONS} emotions, {CLIPS_OF_EACH} clips per speaker, group and emotion, seed "
        f"{SEED}; `python -m scripts.simulate_groups --write`. Three values in a cell belong to a spread between "
        "speakers of 0, 0.5 and 1 (logit).",
        "",
        "| groups | speakers in each | speakers | intervals of groups that hold the truth, % | gaps claimed where "
        "there is none, % | intervals of a gap that hold it, % | gaps of 0.1 claimed, % |",
        "| ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for first, cells in groupby(all_cells(), key=lambda cell: replace(cell, spread=0.0)):
        pairs = [(rates(cell, draws), rates(replace(cell, shift=SHIFT), draws)) for cell in cells]
        lines.append(
            f"| {first.groups} | {first.speakers} | {'same' if first.same else 'different'} | "
            f"{percentages((none.groups + gap.groups) / 2 for none, gap in pairs)} | "
            f"{percentages(none.claimed for none, _ in pairs)} | {percentages(gap.gap for _, gap in pairs)} | "
            f"{percentages(gap.claimed for _, gap in pairs)} |"
        )
    lines += [
        "",
        f"Boards of {CANDIDATES} candidates × 3 columns without any gap, and with one of 0.12 in the first column; "
        f"speaker × emotion and candidate × speaker of SD {INTERACTION}.",
        "",
        "| speakers of the first column | spread in each group | boards that claim a gap, % | claimed where it is, % |",
        "| --- | --- | ---: | ---: |",
    ]
    for board in BOARDS:
        false, found = claims(board, draws)[0], claims(replace(board, shift=SHIFT), draws // 5)[1]
        lines.append(
            f"| {board.sizes[0]} and {board.sizes[1]} | {board.spread} and {board.other_spread} | {100 * false:.1f} | "
            f"{100 * found:.1f} |"
        )
    lines += [
        "",
        "| speakers | true spread of their UARs | observed | beyond chance |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for speakers in (6, 12, 24):
        columns = zip(*(spreads(speakers, spread, draws) for spread in SPREADS), strict=True)
        lines.append(
            f"| {speakers} | {' | '.join('/'.join(f'{value:.3f}' for value in column) for column in columns)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the tables, and write them into the protocol where asked."""
    simulate_into_page("groups", report, description="How far the intervals of groups hold.", draws=300)


if __name__ == "__main__":
    main()
