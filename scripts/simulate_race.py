"""How much a race asks, and how often it loses the best candidate, of the true ones and of the table.

    python -m scripts.simulate_race --write

Speakers add to the logit of recall SD 0.5 for each candidate, and SD 0.5 for each emotion. Prints a table, and with
`--write` puts it into docs/simulations.md. Seeded: the same numbers every time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmark.results.runs import RaceKind
from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.race import LOOKS, deal_clips, worse_for_speakers, worse_in_table
from scripts.generated_sections import simulate_into_page
from scripts.simulated_corpora import draw_recalls

SEED = 20_261_201
DRAWS = 1000
EMOTIONS = 8


@dataclass(frozen=True, kw_only=True)
class Field:
    """The candidates and the corpus of one setting.

    Attributes:
        name: How far the candidates are apart, for people.
        gaps: How much worse than the first each one is, in UAR.
        clips: Of each speaker and emotion.
    """

    name: str
    gaps: tuple[float, ...]
    speakers: int
    clips: int = 8

    @property
    def generator(self) -> np.random.Generator:
        """A generator of its own."""
        return np.random.default_rng([SEED, *f"{self}".encode()])

    @property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Speaker and emotion of each clip."""
        cells = np.indices((self.speakers, EMOTIONS, self.clips)).reshape(3, -1)
        return cells[0], cells[1]


@dataclass(frozen=True, kw_only=True)
class Held:
    """Shares of races.

    Attributes:
        asked: Of all answers, on average.
        lost: The candidate that is truly best, or the first of equals, was stopped.
        lost_in_table: The candidate that has the highest UAR of all once all have answered everything was stopped.
        to_the_end: Nobody was stopped.
    """

    asked: float
    lost: float
    lost_in_table: float
    to_the_end: float


SPREAD = ("20 from 0.62 to 0.32", tuple(np.linspace(0.0, 0.3, 20).tolist()))
CLOSE = ("1 of 20 better by 0.02", (0.0, *[0.02] * 19))
EQUAL = ("20 equal", (0.0,) * 20)
TWO = ("2 equal", (0.0, 0.0))
FIELDS = tuple(
    Field(name=name, gaps=gaps, speakers=speakers, clips=clips)
    for (name, gaps), (speakers, clips) in product((SPREAD, CLOSE, EQUAL, TWO), ((8, 2), (24, 8), (100, 8)))
)


def hold_races(field: Field, kind: RaceKind, draws: int) -> Held:
    """Draw answers and hold a race over them."""
    generator, (speakers, emotions) = field.generator, field.places
    keys = [f"{key:08d}" for key in generator.permutation(len(speakers))]
    looks = deal_clips([f"{emotion}" for emotion in emotions], [f"{speaker:03d}" for speaker in speakers], keys)
    races = []
    for _ in range(draws):
        recalls = draw_recalls(generator, field.gaps, speakers=field.speakers, emotions=EMOTIONS)
        correct = generator.random((len(field.gaps), len(speakers))) < recalls[:, speakers, emotions]
        remaining, asked = np.arange(len(field.gaps)), 0
        for look in range(1, LOOKS + 1):
            asked += len(remaining) * int((looks == look).sum())
            if look < LOOKS:
                remaining = remaining[~_are_worse(correct[remaining], looks <= look, field, kind)]
        scores = np.stack([correct[:, emotions == emotion].mean(axis=1) for emotion in range(EMOTIONS)]).mean(axis=0)
        is_lost = (0 not in remaining, int(scores.argmax()) not in remaining)
        races.append((asked / correct.size, *is_lost, len(remaining) == len(field.gaps)))
    return Held(
        **dict(zip(("asked", "lost", "lost_in_table", "to_the_end"), np.mean(races, axis=0).tolist(), strict=True))
    )


def _are_worse(
    correct: NDArray[np.bool_], so_far: NDArray[np.bool_], field: Field, kind: RaceKind
) -> NDArray[np.bool_]:
    speakers, emotions = field.places
    entrants, may_lead = len(field.gaps), [True] * len(correct)
    if kind == "table":
        totals = np.bincount(emotions)
        worse = worse_in_table(correct[:, so_far], emotions[so_far], totals, may_lead, entrants)
    else:
        shape = (field.speakers, EMOTIONS)
        cells = speakers[so_far] * EMOTIONS + emotions[so_far]
        clips = np.bincount(cells, minlength=field.speakers * EMOTIONS).reshape(shape)
        hits = [np.bincount(cells[own], minlength=clips.size).reshape(shape) for own in correct[:, so_far]]
        worse = worse_for_speakers([SpeakerCounts(hits=own, clips=clips) for own in hits], may_lead, entrants)
    return np.zeros(len(correct), dtype=np.bool_) if worse is None else worse.are_worse


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    error = 100 * np.sqrt(0.05 * 0.95 / draws)
    return "\n".join(
        [
            f"{draws:,} races a setting (Monte-Carlo error of 5 %: {error:.1f}), {EMOTIONS} emotions with equally many "
            f"clips, seed {SEED}; `python -m scripts.simulate_race --write`. *Lost*: the best candidate "
            "was stopped, the one that is truly best, and the one with the highest UAR of the table that would have "
            "come of all answers. Bold: what the kind of race promises to keep.",
            "",
            "| race | candidates (UAR) | speakers × clips of each | answers asked, % | true best lost, % "
            "| table's best lost, % | nobody stopped, % |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
            *_lines(draws),
        ]
    )


def _lines(draws: int) -> Iterator[str]:
    kinds: tuple[RaceKind, ...] = ("speakers", "table")
    for kind, field in product(kinds, FIELDS):
        held = hold_races(field, kind, draws)
        lost = [f"{100 * share:.1f}" for share in (held.lost, held.lost_in_table)]
        size, promised = f"{field.speakers} × {EMOTIONS * field.clips}", kinds.index(kind)
        lost[promised] = f"**{lost[promised]}**"
        yield (
            f"| {kind} | {field.name} | {size} | {100 * held.asked:.1f} | {' | '.join(lost)} "
            f"| {100 * held.to_the_end:.1f} |"
        )


def main() -> None:
    """Simulate, print the table, and write it into docs/simulations.md where asked."""
    simulate_into_page("race", report, description="What a race saves and loses.", draws=DRAWS)


if __name__ == "__main__":
    main()
