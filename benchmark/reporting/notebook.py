"""Results in a notebook: the page's table as HTML, data frames and plots, and a line or two for a terminal.

The HTML takes its colours from the notebook around it, light or dark, loads nothing and runs no script; its tables are
those of the reports, in which everything from outside is escaped.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmark.errors import RequestError
from benchmark.reporting.data_frames import leaderboard_frame, verification_frame
from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.html_page.page import block_html, inline_html
from benchmark.reporting.leaderboard_markdown import answers, warnings
from benchmark.reporting.leaderboard_tables import evaluated_rows, legend, page_table
from benchmark.reporting.markdown import bullets, first_of, markdown_table
from benchmark.reporting.numbers import counted, moment, with_interval
from benchmark.reporting.verification_markdown import VERDICT_COLUMNS, by_verdict, frequent_statuses
from benchmark.results import display
from benchmark.results.display import PlotKind
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.status import Verdict
from benchmark.results.verification import VerificationReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """<style>
.bench-result { max-width: 100%; }
.bench-result .scrolling { overflow-x: auto; }
.bench-result table { border-collapse: collapse; color: inherit; background: none; margin: 0.5em 0; font-size: 90%; }
.bench-result th, .bench-result td {
  text-align: left; vertical-align: top; padding: 0.25em 0.6em; white-space: nowrap; background: none;
  border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent);
}
.bench-result .number { text-align: right; font-variant-numeric: tabular-nums; }
.bench-result td:last-child { white-space: normal; min-width: 16em; }
.bench-result caption { display: none; }
.bench-result blockquote { margin: 0.5em 0; padding-left: 0.8em; border-left: 3px solid currentColor; }
</style>"""
_MOST_NAMES = 5


Folded = tuple[str, Sequence[str]]
"""A title, and the blocks of Markdown that a click on it opens."""


def result_html(blocks: Sequence[str], *, folded: Sequence[Folded] = ()) -> str:
    """Write blocks of Markdown, with everything from outside escaped, as a part of a page that needs no other file."""
    details = [
        f"<details><summary>{inline_html(title)}</summary>{block_html(text, deeper=3)}</details>"
        for title, text in folded
        if any(text)
    ]
    shown = block_html(blocks, caption="Candidates", deeper=2)
    return "\n".join([f'<div class="bench-result">{_STYLE}', shown, *details, "</div>"])


def leaderboard_blocks(leaderboard: Leaderboard) -> list[str]:
    """The warnings, the answers and the table of a leaderboard."""
    blocks = [f"> {warning}" for warning in warnings(leaderboard)]
    return [*blocks, bullets(answers(leaderboard)), page_table(evaluated_rows(leaderboard))]


def leaderboard_details(leaderboard: Leaderboard) -> list[Folded]:
    """What a leaderboard shows after a click: who is not in it, and how to read it."""
    absent = bullets(
        f"**{markdown_text(candidate.candidate)}** ({markdown_text(candidate.status)}): "
        f"{markdown_text(candidate.reason)}"
        for candidate in leaderboard.not_evaluated
    )
    return [
        (f"Not evaluated: {len(leaderboard.not_evaluated)}", [absent]),
        ("How to read this", legend(evaluated_rows(leaderboard))[1:]),
    ]


def verification_blocks(report: VerificationReport) -> list[str]:
    """The counts of verdicts, and the table of the candidates."""
    counts = f"**{_counts(report)}** of {markdown_text(report.registry)}."
    return [counts, markdown_table(by_verdict(report.candidates), VERDICT_COLUMNS)]


def leaderboard_summary(leaderboard: Leaderboard) -> str:
    """Write when a run was made, on what, of whom, and who has the highest UAR."""
    names = ", ".join(first_of([plain_text(corpus.name) for corpus in leaderboard.corpora], _MOST_NAMES))
    candidates = counted(len({row.candidate for row in evaluated_rows(leaderboard)}), "candidate")
    text = f"{moment(leaderboard.created)}, {candidates} on {names or 'no corpus'}"
    best = {row.corpus: row for row in reversed(evaluated_rows(leaderboard)) if row.rank == 1}
    scores = [
        f"{plain_text(row.candidate)} on {plain_text(name or '')}, UAR "
        f"{with_interval(row.ranking_uar, row.uar_low, row.uar_high)}"
        for name, row in reversed(best.items())
    ]
    return f"{text}\nhighest: {'; '.join(first_of(scores, _MOST_NAMES)) or 'nothing is ranked'}"


def leaderboard_html(leaderboard: Leaderboard) -> str:
    """Write the warnings, the answers and the page's table."""
    return result_html(leaderboard_blocks(leaderboard), folded=leaderboard_details(leaderboard))


def plot_leaderboard(leaderboard: Leaderboard, kind: PlotKind, corpus: str | None) -> "Figure":
    """Draw a picture for each corpus, or for one.

    Raises:
        RequestError: matplotlib is not installed, there is no such corpus, or nothing to draw.
    """
    with _remedy():
        from benchmark.reporting.plots import draw  # noqa: PLC0415 - matplotlib is optional
    return draw(leaderboard, kind, corpus)


def plot_verification(report: VerificationReport) -> "Figure":
    """Draw how many candidates have each status.

    Raises:
        RequestError: matplotlib is not installed, or there is no candidate.
    """
    with _remedy():
        from benchmark.reporting.plots import draw_statuses  # noqa: PLC0415 - matplotlib is optional
    return draw_statuses(report)


@contextmanager
def _remedy() -> Iterator[None]:
    """Name what to install where matplotlib, which is optional, cannot be imported."""
    try:
        yield
    except ImportError as error:
        raise RequestError("plot() needs matplotlib: pip install 'ser-bench[plot]'.") from error


def verification_summary(report: VerificationReport) -> str:
    """Write when verdicts were made, and how many there are of each status."""
    return (
        f"{moment(report.created)}, {_counts(report)} of {plain_text(report.registry)}\n"
        f"{frequent_statuses(report.candidates)}"
    )


def verification_html(report: VerificationReport) -> str:
    """Write the counts and the table of the verdicts."""
    return result_html(verification_blocks(report))


def _counts(report: VerificationReport) -> str:
    usable = sum(candidate.verdict is Verdict.USABLE for candidate in report.candidates)
    return f"{usable} usable of {counted(len(report.candidates), 'candidate')}"


display.summary.register(Leaderboard, leaderboard_summary)
display.summary.register(VerificationReport, verification_summary)
display.html.register(Leaderboard, leaderboard_html)
display.html.register(VerificationReport, verification_html)
display.data_frame.register(Leaderboard, leaderboard_frame)
display.data_frame.register(VerificationReport, verification_frame)
display.plot.register(Leaderboard, plot_leaderboard)
display.plot.register(VerificationReport, plot_verification)
