"""Reports in a terminal: their Markdown as headings, lists, paragraphs, and tables that are fitted to its width."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from rich.console import Console
from rich.text import Text

from benchmark.cli.tables import Column, fitting, print_table, result_console
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.wrapping import print_wrapped, terminal_columns

_LISTS = frozenset({"bullet_list", "ordered_list"})
_STYLES = {"strong": "bold", "em": "italic", "code_inline": "cyan"}


def print_markdown(text: str) -> None:
    """Print a report: rendered in a terminal, as it is in a pipe or a file."""
    if terminal_columns() is None:
        print(text, end="")
        return
    console = result_console()
    root = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(text))
    for before, block in zip([None, *root.children], root.children, strict=False):
        if before is not None and before.type != "table":  # which ends in an empty line
            console.print()
        _print_block(console, block)


def _print_block(console: Console, block: SyntaxTreeNode) -> None:
    if block.type == "table":
        _print_table(console, block)
    elif block.type in _LISTS:
        _print_list(console, block)
    else:
        print_wrapped(console, _inline(console, [block], "bold" if block.type == "heading" else ""))


def _print_list(console: Console, block: SyntaxTreeNode, indent: str = "") -> None:
    for item in block.children:
        texts = [child for child in item.children if child.type not in _LISTS]
        print_wrapped(console, _inline(console, texts), prefix=f"{indent}{fitting(console, '• ')}")
        for nested in (child for child in item.children if child.type in _LISTS):
            _print_list(console, nested, f"{indent}  ")


def _print_table(console: Console, table: SyntaxTreeNode) -> None:
    head, *bodies = table.children
    columns = [
        Column(_inline(console, [cell]).plain, number="right" in str(cell.attrs.get("style", "")))
        for cell in head.children[0].children
    ]
    rows = [[_inline(console, [cell]).plain for cell in row.children] for body in bodies for row in body.children]
    print_table(columns, rows, console=console)


def _inline(console: Console, nodes: Sequence[SyntaxTreeNode], style: str = "") -> Text:
    """The text below some nodes, in the styles that it has."""
    text = Text()
    for node in nodes:
        own = f"{style} {_STYLES.get(node.type, '')}".strip()
        if node.children:
            text.append_text(_inline(console, node.children, own))
        elif node.type in {"softbreak", "hardbreak"}:
            text.append(" ")
        else:
            # Spaces at the ends of a piece are those between words.
            begin, end = (" " * (node.content[place : place + 1] == " ") for place in (0, len(node.content) - 1))
            text.append(f"{begin}{fitting(console, plain_text(node.content))}{end}", own or None)
    return text
