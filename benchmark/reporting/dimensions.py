"""`dimensions.md`, `.csv`, `.json` and `.html`: the board of candidates that rate arousal, valence and dominance."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from markupsafe import Markup, escape

from benchmark.reporting.csv_and_json import csv_table, model_json
from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.html_page.page import asset, block_html, policy
from benchmark.reporting.markdown import Column, bullets, code_span, document, environment_line, markdown_table, section
from benchmark.reporting.numbers import counted, is_known, moment, signed, with_interval
from benchmark.results.dimensions import DIMENSIONS, DimensionBoard, DimensionRow, RatedCorpus
from benchmark.results.files import FileSet

DIMENSION_COLUMNS = tuple(DimensionRow.model_fields)
"""The columns of `dimensions.csv`."""
_LEGEND = (
    "`ccc` is the concordance correlation (1 is best), which a shift or a wrong spread lowers; `pearson` is not "
    "lowered by these; `mae` is the mean absolute error, of ratings from 0 to 1. 95 % intervals are over speakers "
    "where three or more are known, else over clips, and then too narrow. A clip without an answer counts as if it "
    "had the mean of the candidate's other answers. Answers of candidates are taken as they are, from 0 to 1. These "
    "candidates do not name emotions, and are not ranked among those that do."
)


def write_dimensions(board: DimensionBoard, folder: Path) -> tuple[Path, ...]:
    """Write the board in four formats; the folder is created if it is missing.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full.
    """
    contents = {
        "dimensions.md": dimensions_markdown(board),
        "dimensions.csv": csv_table(DIMENSION_COLUMNS, (row.model_dump() for row in board.rows)),
        "dimensions.json": model_json(board),
        "dimensions.html": dimensions_html(board),
    }
    with FileSet() as files:
        return tuple(files.write(folder / name, content) for name, content in contents.items())


def dimensions_markdown(board: DimensionBoard) -> str:
    """Write the board for people, as a document in Markdown that is as readable in a terminal."""
    return document(_blocks(board))


def dimensions_html(board: DimensionBoard) -> str:
    """Write the board as a page without scripts that loads nothing."""
    styles = [asset(f"styles/{name}.css") for name in ("base", "tables", "print")]
    parts = [
        Markup('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'),
        Markup('<meta http-equiv="Content-Security-Policy" content="{}">').format(policy([], styles)),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">'),
        Markup("<title>{}: arousal, valence, dominance</title>").format(escape(plain_text(board.registry))),
        *(Markup("<style>{}</style>").format(style) for style in styles),
        Markup("</head>\n<body>\n<main>"),
        block_html(_blocks(board), deeper=0),
        Markup("</main>\n</body>\n</html>\n"),
    ]
    return "\n".join(map(str, parts))


def _blocks(board: DimensionBoard) -> list[str]:
    return [
        "# Arousal, valence and dominance",
        f"Run of {moment(board.created)} on {markdown_text(board.registry)}.",
        *(["**Interrupted: this is what was finished.**"] if board.interrupted else []),
        *(block for corpus in board.corpora for block in _corpus(board, corpus)),
        *section("## Failures", bullets(_reasons(board.failures.items()))),
        *section("## Not on this board", bullets(_reasons(board.not_evaluated.items()))),
        "## How to read this",
        _LEGEND,
        f"Computed on: {environment_line(board.environment)}.",
        *([f"Command: {code_span(board.request.command_line)}"] if board.request else []),
    ]


def _corpus(board: DimensionBoard, corpus: RatedCorpus) -> list[str]:
    blocks = [f"## {markdown_text(corpus.corpus)}", f"{counted(corpus.clips, 'clip')}{_unreadable(corpus)}."]
    for dimension in DIMENSIONS:
        if dimension not in corpus.columns:
            continue
        rows = [row for row in board.rows if (row.corpus, row.dimension) == (corpus.corpus, dimension)]
        blocks += [f"### {dimension.capitalize()}", _of_dimension(corpus, dimension), markdown_table(rows, _COLUMNS)]
        notes = (f"{markdown_text(row.candidate)}: {markdown_text(row.note)}." for row in rows if row.note)
        blocks.append(bullets(notes))
    return blocks


def _unreadable(corpus: RatedCorpus) -> str:
    return f", of which {corpus.unreadable:,} cannot be read and are left out" if corpus.unreadable else ""


def _of_dimension(corpus: RatedCorpus, dimension: str) -> str:
    text = f"Ratings of the column {code_span(corpus.columns[dimension])}"
    if dimension in corpus.scales:
        low, high = corpus.scales[dimension]
        text += f", mapped from {low:g} to {high:g} to 0 to 1"
    else:
        text += "; `ccc` and `mae` are missing, as the range of the ratings was not declared: `--scale LOW..HIGH`"
    if unrated := corpus.unrated.get(dimension):
        text += f"; {counted(unrated, 'clip')} without a rating {'is' if unrated == 1 else 'are'} left out"
    return f"{text}."


def _reasons(reasons: Iterable[tuple[str, str]]) -> Sequence[str]:
    return [f"{markdown_text(name)}: {markdown_text(reason)}" for name, reason in reasons]


def _with(name: str) -> Column[DimensionRow]:
    def cell(row: DimensionRow) -> str:
        value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
        return with_interval(value, low, high, signed)

    return Column(name, cell, numeric=True)


def _range(row: DimensionRow) -> str:
    known = is_known(row.answer_low) and is_known(row.answer_high)
    return f"{signed(row.answer_low)} to {signed(row.answer_high)}" if known else ""


_COLUMNS: tuple[Column[DimensionRow], ...] = (
    Column("candidate", lambda row: markdown_text(row.candidate)),
    _with("ccc"),
    _with("pearson"),
    _with("mae"),
    Column("clips", lambda row: f"{row.clips:,}", numeric=True),
    Column("answered", lambda row: f"{row.answered:,}", numeric=True),
    Column("speakers", lambda row: f"{row.speakers:,}" if row.speakers else "", numeric=True),
    Column("intervals over", lambda row: row.interval or ""),
    Column("answers", _range, numeric=True),
    Column("head", lambda row: markdown_text(row.head or "")),
)
