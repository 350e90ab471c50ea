"""How often the 95 % intervals hold the truth, and how often pairs of candidates are told apart, rightly and wrongly.

    python -m scripts.simulate_intervals --write

Prints tables, and with `--write` puts them into docs/simulations.md. Seeded: the same numbers every time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby, product

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t

from benchmark.scoring.decisions import SpeakerCounts, TextCounts
from benchmark.scoring.intervals import (
    NO_SPREAD,
    answer_variances,
    critical_t,
    degrees_of_freedom,
    jackknife_error,
    leave_one_out_uar,
    uar_interval,
)
from benchmark.scoring.ranking import SIGNIFICANCE, PairedDifferences
from scripts.generated_sections import percentages, simulate_into_page

SEED = 20_260_301
SPEAKERS, EMOTIONS, SPREADS = (4, 6, 10, 24), (4, 8), (0.0, 0.5, 1.0)
INTERACTION = 0.5
"""Standard deviation, in logits, of speaker × emotion, and of model × speaker where candidates are compared."""
CLIPS_OF_EACH = 8
TEXTS, TEXT_SPREADS = (3, 5, 10, 30), (0.0, 0.3, 0.5)
PAIRS_OF_TEN = 45
DIFFERENCE = 0.10
LEAST, MOST = 0.93, 0.97
"""Coverage below and above these is listed."""
_NODES, _WEIGHTS = hermegauss(60)
_STEEPNESS = 1.5


class Layout(StrEnum):
    """Who has which clips."""

    EQUAL = "equal clips"
    UNEQUAL = "clips 1 : 20 from the first to the last speaker"
    HALF = "one speaker has half of the clips"
    TWO_HAVE = "2 speakers have the first emotion"
    THREE_HAVE = "3 speakers have the first emotion"
    FIVE_HAVE = "5 speakers have the first emotion"

    @property
    def few(self) -> int | None:
        """How many speakers have the first emotion; None for all."""
        return {Layout.TWO_HAVE: 2, Layout.THREE_HAVE: 3, Layout.FIVE_HAVE: 5}.get(self)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What the candidates of one simulation have in common.

    Attributes:
        speakers: How many speak.
        emotions: How many emotions they play.
        spread: Standard deviation of what a speaker adds to the logit of a candidate's recall.
        interaction: That of what a speaker adds to the logit of one emotion.
        clips: Clips of each speaker and emotion, on the whole.
        layout: How they are distributed.
        texts: Texts that every speaker says once with each emotion, instead of those clips; 0 for none.
        text_spread: Standard deviation of what a text adds to the logit, and of what it adds to that of one emotion.
    """

    speakers: int
    emotions: int
    spread: float
    interaction: float = INTERACTION
    clips: int = CLIPS_OF_EACH
    layout: Layout = Layout.EQUAL
    texts: int = 0
    text_spread: float = 0.0

    @property
    def ease(self) -> NDArray[np.float64]:
        """The logit of the recall of each emotion, with a typical speaker."""
        return np.linspace(-0.5, 1.5, self.emotions)

    @property
    def table(self) -> NDArray[np.int64]:
        """Clips, shape (speakers, emotions)."""
        of_speaker = np.full(self.speakers, float(self.texts or self.clips))
        if self.layout is Layout.UNEQUAL:
            of_speaker *= np.exp(np.linspace(-_STEEPNESS, _STEEPNESS, self.speakers))
        elif self.layout is Layout.HALF:
            of_speaker[0] *= self.speakers - 1
        clips = np.repeat(np.round(of_speaker).astype(np.int64)[:, None], self.emotions, axis=1)
        if self.layout.few is not None:
            clips[self.layout.few :, 0] = 0
        return clips


def all_cells() -> tuple[Cell, ...]:
    """List the cells: layout × speakers × emotions × spread; where speakers do not differ, no interaction."""
    return tuple(
        Cell(speakers=speakers, emotions=emotions, spread=spread, interaction=min(spread, INTERACTION), layout=layout)
        for layout, speakers, emotions, spread in product(Layout, SPEAKERS, EMOTIONS, SPREADS)
        if layout.few is None or layout.few < speakers
    )


def text_cells() -> tuple[Cell, ...]:
    """List the cells with texts: speakers × texts × spread of the texts, with eight emotions."""
    return tuple(
        Cell(speakers=speakers, emotions=EMOTIONS[-1], spread=INTERACTION, texts=texts, text_spread=spread)
        for speakers, texts, spread in product((4, 10, 24), TEXTS, TEXT_SPREADS)
    )


def true_uar(cell: Cell, shift: float = 0.0) -> float:
    """The UAR over all speakers and texts that there could be, by Gauss–Hermite quadrature."""
    deviation = np.sqrt(cell.spread**2 + cell.interaction**2 + 2 * cell.text_spread**2)
    logits = cell.ease[:, None] + shift + deviation * _NODES
    return float((expit(logits) @ _WEIGHTS / _WEIGHTS.sum()).mean())


def shift_for(cell: Cell, difference: float) -> float:
    """What to add to the logits of a candidate so that its true UAR is so much higher."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if true_uar(cell, middle) - true_uar(cell) < difference else (low, middle)
    return low


def coverage(cell: Cell, draws: int, *, with_speakers: bool = True, with_texts: bool = True) -> float:
    """The share of draws whose interval holds the true UAR, by the speakers and texts that scoring is told."""
    drawn, truth = draw(_generator("coverage", cell), cell, draws), true_uar(cell)
    ends = interval_ends(drawn if with_texts else replace(drawn, text_hits=None), with_speakers=with_speakers)
    return float(((ends[0] <= truth) & (truth <= ends[1])).mean())


def found_different(cell: Cell, draws: int, *, difference: float = 0.0, level: float = SIGNIFICANCE) -> float:
    """The share of draws in which two candidates are called different.

    The same speakers are easy to both, and the same emotions of a speaker; what else a speaker adds to the logit of one
    of them has the standard deviation of the interaction.
    """
    generator, shift = _generator(f"pairs {difference}", cell), shift_for(_of_pair(cell), difference)
    people = _people(generator, cell, draws)
    drawn = []
    for added in (0.0, shift):
        own = cell.interaction * generator.normal(size=(draws, cell.speakers, 1))
        drawn.append(draw(generator, cell, draws, people + own + added))
    return float((p_values(*drawn) <= level).mean())


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """The answers of a candidate in many draws.

    Attributes:
        hits: Shape (draws, speakers, emotions).
        clips: Shape (speakers, emotions).
        text_hits: Shape (draws, texts, emotions); None without texts.
    """

    hits: NDArray[np.int64]
    clips: NDArray[np.int64]
    text_hits: NDArray[np.int64] | None = None

    def counts(self, number: int) -> SpeakerCounts:
        """One draw by speaker."""
        return SpeakerCounts(hits=self.hits[number], clips=self.clips)

    def texts(self, number: int) -> TextCounts | None:
        """One draw by text."""
        if self.text_hits is None:
            return None
        hits = self.text_hits[number]
        return TextCounts(hits=hits, clips=np.full_like(hits, len(self.clips)), texts=len(hits))


def draw(generator: np.random.Generator, cell: Cell, draws: int, people: NDArray[np.float64] | None = None) -> Drawn:
    """Draw the answers of a candidate; `people` is what speakers add to the logits, by default drawn as well."""
    logits = cell.ease + (_people(generator, cell, draws) if people is None else people)
    clips = cell.table
    if not cell.texts:
        return Drawn(hits=generator.binomial(clips, expit(logits)), clips=clips)
    said = cell.text_spread * generator.normal(size=(draws, cell.texts, 1, 1))
    said = said + cell.text_spread * generator.normal(size=(draws, cell.texts, 1, cell.emotions))
    right = generator.random((draws, cell.texts, cell.speakers, cell.emotions)) < expit(logits[:, None] + said)
    return Drawn(hits=right.sum(axis=1), clips=clips, text_hits=right.sum(axis=2))


def interval_ends(drawn: Drawn, *, with_speakers: bool = True) -> NDArray[np.float64]:
    """The ends of `uar_interval` in all draws at once, shape (2, draws)."""
    clips, totals = drawn.clips, drawn.clips.sum(axis=0)
    scores = (drawn.hits.sum(axis=1) / totals).mean(axis=1)
    variances = answer_variances(drawn.hits, clips)
    spread, freedom = jackknife_error(leave_one_out_uar(drawn.hits, clips)) ** 2, degrees_of_freedom(clips, variances)
    if drawn.text_hits is not None:
        texts, said = drawn.text_hits.shape[1], np.full(drawn.text_hits.shape[1:], len(clips))
        left_out = ((drawn.hits.sum(axis=1)[:, None] - drawn.text_hits) / (totals - said)).mean(axis=2)
        by_text = (texts - 1) / texts * ((left_out - scores[:, None]) ** 2).sum(axis=1)
        parts = spread**2 / freedom + by_text**2 / degrees_of_freedom(said, variances, totals)
        spread = spread + by_text
        freedom = np.divide(spread**2, parts, out=freedom, where=parts > 0)
    plain = (spread > NO_SPREAD**2) & (scores > 0) & (scores < 1) & with_speakers
    inside = np.where(plain, scores, 0.5)
    reach = critical_t(freedom) * np.sqrt(spread) / (inside * (1 - inside))
    ends = np.asarray(expit(logit(inside) + np.stack([-reach, reach])), dtype=np.float64)
    for number in np.flatnonzero(~plain).tolist():
        counts = drawn.counts(number)
        hits = counts.hits.sum(axis=0)
        confusion = np.column_stack([np.diag(hits), totals - hits])
        interval = uar_interval(confusion, counts if with_speakers else None, drawn.texts(number))
        ends[:, number] = (np.nan, np.nan) if interval is None else (interval.low, interval.high)
    return ends


def p_values(first: Drawn, second: Drawn) -> NDArray[np.float64]:
    """The p value of the difference of two candidates in all draws at once, as `PairedDifferences` has it."""
    both, clips = np.stack([first.hits, second.hits]), first.clips
    left_out = leave_one_out_uar(both, clips)
    errors = jackknife_error(left_out[0] - left_out[1])
    freedoms = degrees_of_freedom(clips, answer_variances(both, clips).sum(axis=0))
    scores = (both.sum(axis=2) / clips.sum(axis=0)).mean(axis=2)
    differences = np.abs(scores[0] - scores[1])
    found = np.where(differences < NO_SPREAD, 1.0, 2 * t.sf(differences / np.maximum(errors, NO_SPREAD), freedoms))
    for number in np.flatnonzero(errors < NO_SPREAD).tolist():
        found[number] = PairedDifferences.of([first.counts(number), second.counts(number)]).p_values[0]
    return found


def _of_pair(cell: Cell) -> Cell:
    """The cell as one candidate of a pair sees it, with model × speaker as a part of the spread."""
    return replace(cell, spread=float(np.hypot(cell.spread, cell.interaction)))


def _generator(what: str, cell: Cell) -> np.random.Generator:
    return np.random.default_rng([SEED, *f"{what} {cell}".encode()])


def _people(generator: np.random.Generator, cell: Cell, draws: int) -> NDArray[np.float64]:
    """What speakers add to the logits, shape (draws, speakers, emotions)."""
    alike = cell.spread * generator.normal(size=(draws, cell.speakers, 1))
    return np.asarray(alike + cell.interaction * generator.normal(size=(draws, cell.speakers, cell.emotions)))


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    error = 100 * np.sqrt(0.95 * 0.05 / draws)
    return "\n".join(
        [
            f"{draws:,} draws a setting (Monte-Carlo error of 95 %: {error:.1f}), {CLIPS_OF_EACH} clips per speaker "
            f"and emotion, seed {SEED}; `python -m scripts.simulate_intervals --write`. Three values in a cell belong "
            f"to a spread between speakers of 0, 0.5 and 1 (logit), with speaker × emotion of 0, {INTERACTION} and "
            f"{INTERACTION}; candidates that are compared have as much model × speaker.",
            "",
            *_speakers_table(draws),
            *_texts_table(draws),
            *_clips_table(draws),
            *_power(draws),
        ]
    )


def _speakers_table(draws: int) -> Iterator[str]:
    yield "| clips | speakers | emotions | intervals that hold the truth, % | equal models called different, % |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    covered: list[float] = []
    for (layout, speakers, emotions), group in groupby(
        all_cells(), key=lambda cell: (cell.layout, cell.speakers, cell.emotions)
    ):
        cells = list(group)
        shares = [coverage(cell, draws) for cell in cells]
        covered += shares
        different = percentages(found_different(cell, draws) for cell in cells)
        yield f"| {layout} | {speakers} | {emotions} | {percentages(shares)} | {different} |"
    yield from ("", _extremes(covered), "")


def _texts_table(draws: int) -> Iterator[str]:
    spreads = ", ".join(f"{spread:g}" for spread in TEXT_SPREADS)
    yield f"With texts that every speaker says; three values belong to a spread between texts of {spreads}:"
    yield ""
    yield "| speakers | texts of an emotion | intervals that hold the truth, % | intervals over speakers alone, % |"
    yield "| ---: | ---: | ---: | ---: |"
    covered: list[float] = []
    for (speakers, texts), group in groupby(text_cells(), key=lambda cell: (cell.speakers, cell.texts)):
        cells = list(group)
        shares = [coverage(cell, draws) for cell in cells]
        covered += shares
        alone = percentages(coverage(cell, draws, with_texts=False) for cell in cells)
        yield f"| {speakers} | {texts} | {percentages(shares)} | {alone} |"
    yield from ("", _extremes(covered), "")


def _clips_table(draws: int) -> Iterator[str]:
    yield "Without speakers, at least so wide:"
    yield ""
    yield "| speakers | emotions | intervals over clips that hold the truth, % |"
    yield "| ---: | ---: | ---: |"
    cells = [cell for cell in all_cells() if cell.layout is Layout.EQUAL and cell.speakers in {4, 24}]
    for (speakers, emotions), group in groupby(cells, key=lambda cell: (cell.speakers, cell.emotions)):
        shares = percentages(coverage(cell, draws, with_speakers=False) for cell in group)
        yield f"| {speakers} | {emotions} | {shares} |"
    yield ""


def _extremes(covered: Iterable[float]) -> str:
    shares = np.array(list(covered))
    low, high = 100 * shares.min(), 100 * shares.max()
    return (
        f"From {low:.1f} to {high:.1f} %; of {len(shares)} settings {(shares < LEAST).sum()} are below "
        f"{100 * LEAST:.0f} % and {(shares > MOST).sum()} above {100 * MOST:.0f} %."
    )


def _power(draws: int) -> Iterator[str]:
    yield f"A difference of {DIFFERENCE:.2f} is found, at a spread between speakers of {INTERACTION}:"
    yield ""
    yield "| speakers | clips of each | alone, % | over 45 pairs (Holm), % | without interactions, % |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for speakers, emotions, clips in ((24, 8, 7), (10, 6, 5), (4, 8, 8)):
        cell = Cell(speakers=speakers, emotions=emotions, spread=INTERACTION, clips=clips)
        alone = found_different(cell, draws, difference=DIFFERENCE)
        among = found_different(cell, draws, difference=DIFFERENCE, level=SIGNIFICANCE / PAIRS_OF_TEN)
        ideal = found_different(replace(cell, interaction=0.0), draws, difference=DIFFERENCE)
        yield (
            f"| {speakers} | {emotions * clips} | " + " | ".join(f"{100 * x:.1f}" for x in (alone, among, ideal)) + " |"
        )


def main() -> None:
    """Simulate, print the tables, and write them into the protocol where asked."""
    simulate_into_page("intervals", report, description="How far the intervals and the ranks hold.", draws=1000)


if __name__ == "__main__":
    main()
