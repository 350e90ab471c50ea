"""How often each flag is raised where it should be, and where it should not.

    python -m scripts.simulate_flags --draws 200 --write

Prints a table, and with `--write` puts it into docs/simulations.md. Seeded: the same numbers every time.
"""

from collections.abc import Sequence

import numpy as np

from scripts.flag_cases import Case, all_cases
from scripts.generated_sections import simulate_into_page

SEED = 20_260_301
LEAST_FIRED, MOST_FALSE = 0.95, 0.05
"""The rates that the protocol asks for."""


def rate(case: Case, draws: int) -> float:
    """The share of draws in which the flag is raised."""
    seed = [SEED, *f"{case.flag} {case.what}".encode()]
    generator = np.random.default_rng(seed)
    return sum(case.draw(generator) for _ in range(draws)) / draws


def table(cases: Sequence[Case], draws: int) -> str:
    """Draw all cases and write what came of it as Markdown: a row per flag and candidate, a column per setting."""
    rates: dict[tuple[str, str, bool], dict[str, float]] = {}
    for case in cases:
        candidate, _, setting = case.what.rpartition("; ")
        rates.setdefault((case.flag, candidate, case.should), {})[setting] = rate(case, draws)
    settings = list(dict.fromkeys(setting for row in rates.values() for setting in row))
    lines = [
        f"| flag | candidate | should | {' | '.join(settings)} |",
        f"| --- | --- | --- |{' ---: |' * len(settings)}",
    ]
    for (flag, candidate, should), row in rates.items():
        cells = [_cell(row[setting], should) if setting in row else "" for setting in settings]
        lines.append(f"| {flag} | {candidate} | {'fire' if should else 'be silent'} | {' | '.join(cells)} |")
    return "\n".join([f"{draws} draws a case, seed {SEED}; `python -m scripts.simulate_flags --write`.", "", *lines])


def _cell(raised: float, should: bool) -> str:
    kept = raised >= LEAST_FIRED if should else raised <= MOST_FALSE
    return f"{raised:.1%}{'' if kept else ' **(missed)**'}"


def main() -> None:
    """Draw all cases, print the table, and write it into the protocol where asked."""
    simulate_into_page(
        "flags",
        lambda draws: table(all_cases(), draws),
        description="How often flags are raised, rightly and wrongly.",
        draws=200,
    )


if __name__ == "__main__":
    main()
