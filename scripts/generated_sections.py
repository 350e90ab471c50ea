"""Sections of a document that a script writes, between two comments that nobody sees."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

SIMULATIONS = Path(__file__).parents[1] / "docs" / "simulations.md"


def write_section(document: Path, name: str, content: str) -> None:
    """Replace what stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: The document has no such section.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = document.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise ValueError(f"{document} has no section {name}.")
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    document.write_text(f"{before}{begin}\n{content.strip()}\n{end}{after}", encoding="utf-8")


def percentages(shares: Iterable[float]) -> str:
    """Write shares in one cell of a table whose heading says what each is.

    Examples:
        >>> percentages([0.5, 0.051])
        '50.0/5.1'
    """
    return "/".join(f"{share * 100:.1f}" for share in shares)


def simulate_into_page(name: str, simulate: Callable[[int], str], *, description: str, draws: int) -> None:
    """Be the command of a simulation: print what came of it, and with `--write` put it into docs/simulations.md.

    Args:
        name: Of the section.
        simulate: From the number of draws to the tables, in Markdown.
        description: What `--help` says.
        draws: How many, where the user says nothing.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--draws", type=int, default=draws)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/simulations.md")
    options = parser.parse_args()
    content = simulate(options.draws)
    print(content)
    if options.write:
        write_section(SIMULATIONS, name, content)
