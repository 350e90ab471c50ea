"""How often each flag is raised where it should be, and where it should not.

    python -m scripts.simulate_flags --draws 200 --write

Prints a table, and with `--write` puts it into docs/protocol.md. Seeded: the same numbers every time.
"""

from collections.abc import Sequence

import numpy as np

from scripts.flag_cases import Case, all_cases
from scripts.generated_sections import simulate_into_protocol

SEED = 20_260_301


def rate(case: Case, draws: int) -> float:
    """The share of draws in which the flag is raised."""
    seed = [SEED, *f"{case.flag} {case.what}".encode()]
    generator = np.random.default_rng(seed)
    return sum(case.draw(generator) for _ in range(draws)) / draws


def table(cases: Sequence[Case], draws: int) -> str:
    """Draw all cases and write what came of it as Markdown."""
    lines = ["| flag | what is drawn | should | raised |", "| --- | --- | --- | ---: |"]
    for case in cases:
        raised = rate(case, draws)
        kept = raised >= 0.95 if case.should else raised <= 0.05  # noqa: PLR2004 - PROTOCOL's rates
        mark = "" if kept else " **(missed)**"
        lines.append(f"| {case.flag} | {case.what} | {'fire' if case.should else 'be silent'} | {raised:.1%}{mark} |")
    return "\n".join([f"{draws} draws a case, seed {SEED}; `python -m scripts.simulate_flags --write`.", "", *lines])


def main() -> None:
    """Draw all cases, print the table, and write it into the protocol where asked."""
    simulate_into_protocol(
        "flags",
        lambda draws: table(all_cases(), draws),
        description="How often flags are raised, rightly and wrongly.",
        draws=200,
    )


if __name__ == "__main__":
    main()
