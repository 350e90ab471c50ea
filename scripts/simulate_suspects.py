"""How many of the labels that `bench corpus --suspects` lists are wrong, and how many of the wrong ones it lists.

    python -m scripts.simulate_suspects --draws 20 --write

Prints a table, and with `--write` puts it into docs/simulations.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import softmax

from benchmark.scoring.suspected_labels import SUSPECTED, find_suspected
from scripts.generated_sections import simulate_into_page
from scripts.simulated_corpora import EMOTIONS

SEED = 20_260_301
SPEAKERS, CLIPS = 24, 60
"""Speakers, and clips of each."""
OF_CLIPS, OF_CELLS, OF_CANDIDATES = 1.0, 0.5, 0.5
"""Standard deviations of clip, speaker × emotion and candidate × speaker: how hard they are, in logits."""
ACCURACIES, NOISES, CANDIDATES = (0.5, 0.65, 0.8), (0.0, 0.02, 0.05, 0.1), (1, 3, 8)
_OWN_NOISE = 1.0
_COMMON_NOISE = 1.0
"""Of a candidate's logits, and of those that all candidates have in common: they err alike."""


@dataclass(frozen=True)
class Found:
    """Labels that were suspected, those of them that are wrong, and all that are wrong, over all draws."""

    listed: int
    right: int
    wrong: int


def suspects(accuracy: float, noise: float, candidates: int, draws: int) -> Found:
    """Draw corpora with wrong labels and candidates with this mean accuracy, and count."""
    generator = np.random.default_rng([SEED, round(100 * accuracy), round(1000 * noise), candidates])
    listed = right = wrong = 0
    for _ in range(draws):
        number = SPEAKERS * CLIPS
        truth = generator.integers(len(EMOTIONS), size=number)
        speaker = np.repeat(np.arange(SPEAKERS), CLIPS)
        ease = OF_CLIPS * generator.normal(size=number)
        ease += OF_CELLS * generator.normal(size=(SPEAKERS, len(EMOTIONS)))[speaker, truth]
        ease = ease + OF_CANDIDATES * generator.normal(size=(candidates, SPEAKERS))[:, speaker]
        logits = _COMMON_NOISE * generator.normal(size=(number, len(EMOTIONS)))
        logits = logits + _OWN_NOISE * generator.normal(size=(candidates, number, len(EMOTIONS)))
        rows = np.arange(number)
        logits[:, rows, truth] += ease + _shift(logits, ease, truth, accuracy)
        changed = generator.random(number) < noise
        labels = np.where(changed, (truth + generator.integers(1, len(EMOTIONS), size=number)) % len(EMOTIONS), truth)
        # Trained networks are surer than they are right: twice the logits.
        mean = softmax(2 * logits, axis=2).mean(axis=0)
        names = [str(row) for row in rows]
        found = [int(suspect.clip) for suspect in find_suspected(names, labels, EMOTIONS, mean)]
        listed += len(found)
        right += int(changed[found].sum())
        wrong += int(changed.sum())
    return Found(listed, right, wrong)


def _shift(logits: np.ndarray, ease: np.ndarray, truth: np.ndarray, accuracy: float) -> float:
    """What the logit of the truth needs so that the candidates have this accuracy on average."""
    rows = np.arange(len(truth))
    own = logits[:, rows, truth] + ease
    others = logits.copy()
    others[:, rows, truth] = -np.inf
    return float(np.quantile(others.max(axis=2) - own, accuracy))


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws:,} draws a cell, {SPEAKERS} speakers × {CLIPS} clips, {len(EMOTIONS)} emotions, seed {SEED}; "
        f"`python -m scripts.simulate_suspects --write`. At most {SUSPECTED} are listed of each corpus. Candidates err "
        "alike on hard clips, speakers and emotions.",
        "",
        "| accuracy | candidates | listed labels that are wrong, with 2/5/10 % wrong labels, % | wrong labels that are "
        "listed, % | listed where none is wrong |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for accuracy, candidates in product(ACCURACIES, CANDIDATES):
        none, *found = [suspects(accuracy, noise, candidates, draws) for noise in NOISES]
        precision = "/".join(f"{100 * part.right / max(part.listed, 1):.0f}" for part in found)
        recall = "/".join(f"{100 * part.right / part.wrong:.0f}" for part in found)
        lines.append(f"| {accuracy} | {candidates} | {precision} | {recall} | {none.listed / draws:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the table, and write it into the protocol where asked."""
    simulate_into_page("suspects", report, description="How many suspected labels are wrong.", draws=20)


if __name__ == "__main__":
    main()
