"""How often a planned design finds what it is planned for, and how often the range of a plan holds the true number.

    python -m scripts.simulate_planning --draws 500 --write

Prints two tables, and with `--write` puts them into docs/simulations.md. Seeded: the same numbers every time.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from benchmark.scoring.intervals import jackknife_error, leave_one_out_uar
from benchmark.scoring.power import Pilot, levels_of, measured_pilot, speakers_and_range
from scripts.generated_sections import simulate_into_page
from scripts.simulated_corpora import draw_recalls

SEED = 20_260_301
WANTED = 0.8
EMOTIONS = 8
MANY_SPEAKERS = 2000
QUESTIONS = ((0.0, 0.1), (0.0, 0.05), (0.0, 0.1, 0.15, 0.2), (0.0, *[0.1] * 7))
CLIPS_OF_EACH = (1, 4, 8)
PILOTS = ((6, 8), (10, 4), (24, 7))


@dataclass(frozen=True, kw_only=True)
class PlanCheck:
    """What came of the plans of many pilots.

    Attributes:
        true: Speakers that the question needs in truth.
        inside: Share of the ranges that hold them.
        low: Median of the low ends.
        high: Median of the high ends.
    """

    true: float
    inside: float
    low: float
    high: float


def draw_pilot(generator: np.random.Generator, gaps: tuple[float, ...], *, speakers: int, clips: int) -> Pilot:
    """Draw a run of so many clips of each speaker and emotion, and take its variances."""
    recalls = draw_recalls(generator, gaps, speakers=speakers, emotions=EMOTIONS)
    correct = generator.random((clips, *recalls.shape)) < recalls
    shape = (clips, speakers, EMOTIONS)
    return measured_pilot(
        correct.transpose(0, 2, 3, 1).reshape(-1, len(gaps)),
        np.broadcast_to(np.arange(EMOTIONS), shape).ravel(),
        np.broadcast_to(np.arange(speakers)[:, None], shape).ravel(),
    )


def true_need(gaps: tuple[float, ...], clips: int) -> int:
    """The speakers that a question needs, by the variances of very many speakers and the true differences."""
    pilot = draw_pilot(_generator(f"truth {gaps}", clips), gaps, speakers=MANY_SPEAKERS, clips=clips)
    known = replace(pilot, influence=None, scores=-np.array(gaps))
    return int(speakers_and_range(known, clips * EMOTIONS, wanted=WANTED, pair=len(gaps) == 2)[0])  # noqa: PLR2004


def share_found(gaps: tuple[float, ...], *, speakers: int, clips: int, draws: int) -> float:
    """The share of runs that tell the first candidate from each other one, by the rules of the reports."""
    generator, found = _generator(f"power {gaps}", clips), 0
    sizes = np.full((speakers, EMOTIONS), clips)
    for _ in range(draws):
        hits = generator.binomial(clips, draw_recalls(generator, gaps, speakers=speakers, emotions=EMOTIONS))
        found += _tells_apart(hits, sizes)
    return found / draws


def _tells_apart(hits: NDArray[np.int64], sizes: NDArray[np.int64]) -> bool:
    """Whether the jackknife-t calls the first candidate better than all others."""
    left_out = leave_one_out_uar(hits, sizes)
    scores = (hits.sum(axis=1) / sizes.sum(axis=0)).mean(axis=1)
    gaps, errors = scores[0] - scores[1:], jackknife_error(left_out[0] - left_out[1:])
    p_values = np.sort(t.sf(gaps / errors, len(sizes) - 1))[::-1]
    return bool((p_values <= levels_of(len(p_values), pair=len(p_values) == 1)).all())


def check_plans(gaps: tuple[float, ...], *, speakers: int, clips: int, draws: int) -> PlanCheck:
    """Plan from many pilots for the clips that each has per speaker."""
    generator, true = _generator(f"pilots {gaps} {speakers}", clips), true_need(gaps, clips)
    plans = []
    for _ in range(draws):
        pilot = draw_pilot(generator, gaps, speakers=speakers, clips=clips)
        plans.append(speakers_and_range(pilot, clips * EMOTIONS, wanted=WANTED, pair=len(gaps) == 2))  # noqa: PLR2004
    low, high = np.array(plans)[:, 1:].T
    inside = float(((low <= true) & (true <= high)).mean())
    return PlanCheck(true=true, inside=inside, low=float(np.median(low)), high=float(np.median(high)))


def _generator(what: str, clips: int) -> np.random.Generator:
    return np.random.default_rng([SEED, *f"{what} {clips}".encode()])


def _question(gaps: tuple[float, ...]) -> str:
    behind = sorted(set(gaps[1:]))
    each = f"{behind[0]:.2f}" if len(behind) == 1 else "/".join(f"{gap:.2f}" for gap in behind)
    return f"{len(gaps)} candidates, the others {each} behind" if len(gaps) > 2 else f"2 candidates, {each} apart"  # noqa: PLR2004


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    lines = [
        f"{draws:,} draws a row (a quarter of them for ranges), {EMOTIONS} emotions, a spread of 0.5 (logit) of "
        f"speaker × emotion and of candidate × speaker, seed {SEED}; `python -m scripts.simulate_planning --write`.",
        "",
        "| question | clips per speaker | speakers planned for 80 % | found, % |",
        "| --- | ---: | ---: | ---: |",
    ]
    for gaps, clips in product(QUESTIONS, CLIPS_OF_EACH):
        needed = true_need(gaps, clips)
        found = share_found(gaps, speakers=needed, clips=clips, draws=draws)
        lines.append(f"| {_question(gaps)} | {clips * EMOTIONS} | {needed} | {found * 100:.1f} |")
    lines += [
        "",
        "| question | speakers × clips of the run | speakers needed | ranges that hold them, % | median range |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for gaps, (speakers, clips) in product(QUESTIONS[:3], PILOTS):
        check = check_plans(gaps, speakers=speakers, clips=clips, draws=max(draws // 4, 1))
        lines.append(
            f"| {_question(gaps)} | {speakers} × {clips * EMOTIONS} | {check.true:.0f} | {check.inside * 100:.0f} | "
            f"{check.low:.0f}–{check.high:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Simulate, print the tables, and write them into the protocol where asked."""
    simulate_into_page("planning", report, description="How far plans hold.", draws=500)


if __name__ == "__main__":
    main()
