"""How often duration, level and pauses are called telling, where they are and where they are not.

    python -m scripts.simulate_telling_recordings --draws 200 --write

Prints a table, and with `--write` puts it into docs/simulations.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass

import numpy as np

from benchmark.results.runs import ClipRecord
from benchmark.scoring.flags import TIED_FROM
from benchmark.scoring.telling_recordings import beat_guessing, telling_recordings
from scripts.generated_sections import simulate_into_page
from scripts.simulated_corpora import EMOTIONS, Design, draw_corpus

SEED = 20_260_301
OF_SPEAKERS, OF_CELLS = 1.0, 0.5
"""Standard deviations of what speakers, and speakers with emotions, add to each quantity; that of clips is 1."""
DESIGNS = (
    Design(name="24 speakers × 64 clips", speakers=24),
    Design(name="10 speakers × 64 clips"),
    Design(name="6 speakers × 64 clips", speakers=6),
    Design(name="10 speakers, 60 % one emotion", majority=0.6),
    Design(name="8 speakers × 16 clips", speakers=8, clips=16),
)
TIES = (0.0, 0.25, 0.5, 1.0)
"""Standard deviations of the emotions' means."""


@dataclass(frozen=True)
class Rates:
    """How often each flag is raised, as shares."""

    length_tied: float
    level_tied: float
    silence_tells: float


def rates(design: Design, tie: float, draws: int) -> Rates:
    """Draw corpora whose durations are tied to emotions; levels and pauses are not."""
    generator = np.random.default_rng([SEED, *f"{design}{tie}".encode()])
    raised = np.zeros(3)
    for _ in range(draws):
        drawn = draw_corpus(generator, design)
        shape = (design.speakers, design.emotions, 3)
        values = OF_SPEAKERS * generator.normal(size=(design.speakers, 1, 3)) + OF_CELLS * generator.normal(size=shape)
        means = generator.permutation(np.linspace(-1.0, 1.0, design.emotions))
        values[..., 0] += tie * means / means.std()
        clips = values[drawn.who, drawn.truth] + generator.normal(size=(len(drawn.who), 3))
        records = [
            ClipRecord(
                clip=str(number),
                clip_hash=str(number),
                duration_s=float(np.exp(1.0 + 0.2 * row[0])),
                level_db=float(-25.0 + 5.0 * row[1]),
                speech_share=float(np.clip(0.7 + 0.05 * row[2], 0.0, 1.0)),
                speaker=speaker,
            )
            for number, (row, speaker) in enumerate(zip(clips, drawn.speakers, strict=True))
        ]
        measured = telling_recordings(records, [EMOTIONS[code] for code in drawn.truth])
        raised += (
            (measured.length_tie or 0.0) >= TIED_FROM,
            (measured.level_tie or 0.0) >= TIED_FROM,
            beat_guessing(measured.silence_uar_low, len(set(drawn.truth.tolist()))),
        )
    return Rates(*(raised / draws).tolist())


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws:,} draws a cell, 8 emotions, seed {SEED}; `python -m scripts.simulate_telling_recordings --write`. "
        f"Log durations of clips, speakers and speaker × emotion have SD 1, {OF_SPEAKERS} and {OF_CELLS}; a tie is the "
        "SD of the emotions' means. Levels and pauses are not tied.",
        "",
        "| corpus | tie of duration | length-tied, % | level-tied, % | silence-tells, % |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for design in DESIGNS:
        for tie in TIES:
            found = rates(design, tie, draws)
            lines.append(
                f"| {design.name} | {tie} | {100 * found.length_tied:.1f} | {100 * found.level_tied:.1f} | "
                f"{100 * found.silence_tells:.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the table, and write it into the protocol where asked."""
    simulate_into_page("telling", report, description="How often recordings are called telling.", draws=200)


if __name__ == "__main__":
    main()
