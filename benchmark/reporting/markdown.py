"""Markdown: tables whose source is as readable as they are rendered, lists, and texts that several reports share."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len

from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.numbers import UNKNOWN, counted
from benchmark.results.environment import Environment

Row = TypeVar("Row")
Key = TypeVar("Key")
_NARROWEST = 3


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a table.

    Attributes:
        title: Its heading, in Markdown.
        cell: Gives the cell of a row, in Markdown; empty if nothing is known.
        numeric: Whether cells are aligned to the right.
    """

    title: str
    cell: Callable[[Row], str]
    numeric: bool = False


def markdown_table(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> str:
    r"""Write a table; columns that are empty for all rows and rows that look like an earlier one are left out.

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
    lines = dict.fromkeys(tuple(column.cell(row) for column in columns) for row in rows)
    padded = [
        _padded_cells(column, cells)
        for column, cells in zip(columns, zip(*lines, strict=True), strict=True)
        if any(cells)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in zip(*padded, strict=True))


def _padded_cells(column: Column[Row], cells: Sequence[str]) -> list[str]:
    """The heading of a column, its rule and its cells, all of one width."""
    texts = [column.title, *(cell or UNKNOWN for cell in cells)]
    width = max(_NARROWEST, *map(cell_len, texts))
    blanks = [" " * (width - cell_len(text)) for text in texts]
    heading, *rest = [
        blank + text if column.numeric else text + blank for text, blank in zip(texts, blanks, strict=True)
    ]
    return [heading, "-" * (width - 1) + (":" if column.numeric else "-"), *rest]


def columns_of(
    titles: Mapping[Key, str], cell: Callable[[Row, Key], str], *, numeric: bool = False
) -> list[Column[Row]]:
    """A column for each key, such as the name of a corpus, with its heading; `cell` takes a row and the key."""

    def column(key: Key) -> Column[Row]:
        return Column(titles[key], lambda row: cell(row, key), numeric)

    return list(map(column, titles))


def bullets(texts: Iterable[str]) -> str:
    """Write a list, one Markdown text an item.

    Examples:
        >>> print(bullets(["one", "two"]))
        - one
        - two
    """
    return "\n".join(f"- {text}" for text in texts)


def first_of(texts: Sequence[str], most: int, *, rest: str = "and {:,} more") -> list[str]:
    """Take the first of a list, and say how many more there are.

    Examples:
        >>> first_of(["a", "b", "c"], 1), first_of(["a"], 1)
        (['a', 'and 2 more'], ['a'])
    """
    more = len(texts) - most
    return [*texts[:most], rest.format(more)] if more > 0 else list(texts)


def section(heading: str, *blocks: str) -> list[str]:
    """Put a heading before blocks; nothing if the last block, which the others introduce, is empty.

    Examples:
        >>> section("## Notes", "Two.", "- a"), section("## Notes", "None.", "")
        (['## Notes', 'Two.', '- a'], [])
    """
    return [heading, *blocks] if blocks[-1] else []


def code_span(text: str) -> str:
    """Write a text from outside as inline code, whatever backticks it holds.

    Examples:
        >>> print(code_span("bench run"), code_span("a `b`"))
        `bench run` `` a `b` ``
    """
    shown = plain_text(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{shown}{space}{fence}"


def joined(blocks: Iterable[str]) -> str:
    r"""Put blocks of Markdown below each other, with one empty line between them; empty blocks are left out.

    Examples:
        >>> joined(["# Title", "", "Text."])
        '# Title\n\nText.'
    """
    return "\n\n".join(filter(None, blocks))


def document(blocks: Iterable[str]) -> str:
    """Write a file of Markdown, which ends in a line end."""
    return joined(blocks) + "\n"


def mark_repaired(candidate: str, *, repaired: bool) -> str:
    r"""Write a candidate's name for a table, marked if its head was rebuilt.

    Examples:
        >>> mark_repaired("a|b", repaired=True)
        'a\\|b (repaired)'
    """
    return markdown_text(candidate) + (" (repaired)" if repaired else "")


def all_the_same(values: Iterable[str | None]) -> str | None:
    """The value that all have in common; None if they differ, if it is unknown, or if there are none.

    Examples:
        >>> all_the_same(["cpu", "cpu"]), all_the_same(["cpu", "cuda"]), all_the_same([])
        ('cpu', None, None)
    """
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


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
