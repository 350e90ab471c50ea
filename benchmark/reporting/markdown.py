"""Tables in Markdown that are as readable in an editor as they are rendered: pipes below each other, nothing empty."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.numbers import UNKNOWN, counted
from benchmark.results.environment import Environment

Row = TypeVar("Row")


_NARROWEST = 3


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a table.

    Attributes:
        title: Its heading, in Markdown.
        cell: Gives the cell of a row, in Markdown; empty where nothing is known.
        numeric: Whether cells stand at the right.
    """

    title: str
    cell: Callable[[Row], str]
    numeric: bool = False


def markdown_table(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> str:
    r"""Write a table; columns that are empty for all rows and rows that look like an earlier one are left out.

    Args:
        rows: What the table is about.
        columns: What is said of each.

    Returns:
        Lines of Markdown without a final line end; empty without rows.

    Examples:
        >>> columns = [Column("name", str), Column("letters", lambda row: str(len(row)), numeric=True)]
        >>> print(markdown_table(["anger", "joy"], columns))
        | name  | letters |
        | ----- | ------: |
        | anger |       5 |
        | joy   |       3 |
    """
    if not rows:
        return ""
    cells = list(dict.fromkeys(tuple(column.cell(row) for column in columns) for row in rows))
    kept = [place for place in range(len(columns)) if any(line[place] for line in cells)]
    titles = [columns[place].title for place in kept]
    lines = [[line[place] or UNKNOWN for place in kept] for line in cells]
    rights = [columns[place].numeric for place in kept]
    widths = [
        max(_NARROWEST, cell_len(title), *(cell_len(line[place]) for line in lines))
        for place, title in enumerate(titles)
    ]
    rule = ["-" * (width - 1) + ":" if right else "-" * width for width, right in zip(widths, rights, strict=True)]
    return "\n".join(_line(texts, widths, rights) for texts in [titles, rule, *lines])


def bullets(texts: Iterable[str]) -> str:
    """Write a list, one Markdown text an item.

    Examples:
        >>> print(bullets(["one", "two"]))
        - one
        - two
    """
    return "\n".join(f"- {text}" for text in texts)


def document(blocks: Iterable[str]) -> str:
    r"""Put blocks of Markdown below each other, with one empty line between them; empty blocks are left out.

    Examples:
        >>> document(["# Title", "", "Text."])
        '# Title\n\nText.\n'
    """
    return "\n\n".join(block for block in blocks if block) + "\n"


def mark_repaired(candidate: str, *, repaired: bool) -> str:
    r"""Write a candidate's name for a table, with the mark that a rebuilt head bears wherever it appears.

    Examples:
        >>> mark_repaired("a|b", repaired=True)
        'a\\|b (repaired)'
    """
    return markdown_text(candidate) + (" (repaired)" if repaired else "")


def all_the_same(values: Iterable[str | None]) -> str | None:
    """Find the one value that all have; None where they differ, where it is unknown, or where there are none.

    Examples:
        >>> all_the_same(["cpu", "cpu"]), all_the_same(["cpu", "cuda"]), all_the_same([])
        ('cpu', None, None)
    """
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _line(texts: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    padded = [
        " " * (width - cell_len(text)) + text if right else text + " " * (width - cell_len(text))
        for text, width, right in zip(texts, widths, rights, strict=True)
    ]
    return f"| {' | '.join(padded)} |"


def environment_line(environment: Environment) -> str:
    """Write where a result came from, in one line of Markdown.

    Examples:
        >>> environment_line(Environment(platform="Linux 6.1 x86_64", python="3.11.2", processor="Xeon", cores=2,
        ...     memory_gb=8.2, versions={"torch": "2.13.0"}))
        'Xeon, 2 cores, 8.2 GB memory, Linux 6.1 x86_64, Python 3.11.2, torch 2.13.0'
    """
    return ", ".join(
        [
            markdown_text(environment.processor),
            counted(environment.cores, "core"),
            f"{environment.memory_gb:.1f} GB memory",
            markdown_text(environment.platform),
            f"Python {markdown_text(environment.python)}",
            *(f"{markdown_text(name)} {markdown_text(version)}" for name, version in environment.versions.items()),
        ]
    )
