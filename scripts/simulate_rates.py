"""How near counted and corrected rates of emotions are to the true ones, and how often an interval holds them.

    python -m scripts.simulate_rates --draws 50 --write

Prints a table, and with `--write` puts it into docs/simulations.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.scoring.answers import Answers
from benchmark.scoring.rates import corrected_rates
from scripts.generated_sections import simulate_into_page
from scripts.simulated_corpora import EMOTIONS, evaluation_of

SEED = 20_260_301
MARGIN, OF_SPEAKERS = 2.0, 0.5
"""What the true emotion adds to its logit, and the standard deviation between speakers; that of clips is 1."""
SURENESS = (0.6, 1.6, 4.0)
"""Factors of the logits: too unsure, calibrated, too sure."""
CLIPS_OF_EMOTION = 8


@dataclass(frozen=True, kw_only=True)
class Setting:
    """So many speakers of the run and of the new recordings, with `clips` of each new one."""

    emotions: int
    speakers: int
    new_speakers: int
    clips: int


SETTINGS = (
    Setting(emotions=4, speakers=24, new_speakers=20, clips=30),
    Setting(emotions=4, speakers=10, new_speakers=10, clips=20),
    Setting(emotions=8, speakers=24, new_speakers=20, clips=30),
)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Half the sum of all errors of the shares, on average, and the share of intervals that hold the truth."""

    counted: float
    corrected: float
    held: float


def _answers(
    generator: np.random.Generator, truth: NDArray[np.int64], speakers: int, emotions: int, sureness: float
) -> Answers:
    """Answers to clips, in equal parts of speakers who are understood differently well."""
    who = np.arange(len(truth)) % speakers
    understood = OF_SPEAKERS * generator.normal(size=(speakers, emotions, emotions))
    logits = MARGIN * np.eye(emotions)[truth] + understood[who, truth] + generator.normal(size=(len(truth), emotions))
    return Answers(
        source=softmax(sureness * logits, axis=1),
        classes=EMOTIONS[:emotions],
        truth=tuple(EMOTIONS[code] for code in truth),
        speakers=tuple(f"s{number}" for number in who),
    )


def rates(setting: Setting, sureness: float, draws: int) -> Rates:
    """Draw runs with equally many clips of each emotion, and new recordings with any shares."""
    generator = np.random.default_rng([SEED, *f"{setting}{sureness}".encode()])
    errors, held = np.zeros(2), 0
    for _ in range(draws):
        labelled = np.repeat(np.arange(setting.emotions), CLIPS_OF_EMOTION * setting.speakers)
        true = generator.dirichlet(np.full(setting.emotions, 0.7))
        new = generator.choice(setting.emotions, setting.clips * setting.new_speakers, p=true)
        found = corrected_rates(
            evaluation_of(_answers(generator, labelled, setting.speakers, setting.emotions, sureness)),
            _answers(generator, new, setting.new_speakers, setting.emotions, sureness),
        )
        shares = np.bincount(new, minlength=setting.emotions) / len(new)
        for rate, share, expected in zip(found, shares, true, strict=True):
            errors += abs(rate.counted - share) / 2, abs((rate.corrected or 0.0) - share) / 2
            held += (rate.low or 0.0) - 1e-3 <= expected <= (rate.high or 0.0) + 1e-3
    counted, corrected = (errors / draws).tolist()
    return Rates(counted=counted, corrected=corrected, held=held / draws / setting.emotions)


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws} draws a row, seed {SEED}; `python -m scripts.simulate_rates --write`. New shares are drawn from a "
        f"Dirichlet distribution (0.7). Logits: {MARGIN:g} for the truth, SD 1 of clips, {OF_SPEAKERS} of speaker × "
        "emotion. Error: half the sum over emotions.",
        "",
        "| emotions | speakers of the run | new speakers × clips | factor of the logits | error, counted | "
        "error, corrected | intervals that hold the truth, % |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for setting in SETTINGS:
        for sureness in SURENESS:
            found = rates(setting, sureness, draws)
            lines.append(
                f"| {setting.emotions} | {setting.speakers} | {setting.new_speakers} × {setting.clips} | {sureness} | "
                f"{found.counted:.3f} | {found.corrected:.3f} | {100 * found.held:.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the table, and write it into the page where asked."""
    simulate_into_page("rates", report, description="How near rates of emotions are to the true ones.", draws=50)


if __name__ == "__main__":
    main()
