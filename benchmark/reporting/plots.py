"""Plots of scores and verdicts by matplotlib, which is optional: nothing but the notebook's `plot()` imports this."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from benchmark.errors import RequestError, did_you_mean
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.leaderboard_tables import is_at_least
from benchmark.reporting.numbers import is_known
from benchmark.reporting.verification_markdown import status_counts
from benchmark.results.display import PlotKind
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow, deciding_rows
from benchmark.results.status import Verdict
from benchmark.results.verification import VerificationReport
from benchmark.scoring.constraints import DISQUALIFYING
from benchmark.scoring.recommendation import pareto_front

_FRONT, _BEATEN, _USELESS = "#2a5db0", "#777777", "#c4c4c4"  # readable on white, also for the colour-blind
_WIDTH, _PARETO_HEIGHT = 7.0, 4.2  # inches
_ROW_HEIGHT, _FRAME_HEIGHT = 0.32, 1.2
_DOTS_PER_INCH = 144
_NAME_OFFSET = 5  # points between a mark and its name


class Plot(Figure):
    """A figure that notebooks show without pyplot, whose state is the user's."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=_DOTS_PER_INCH)
        return picture.getvalue()


def draw(leaderboard: Leaderboard, kind: PlotKind, corpus: str | None) -> Plot:
    """Draw a picture for each corpus, or for one.

    Raises:
        RequestError: There is no such kind or corpus, or nothing to draw.
    """
    if kind not in {"pareto", "intervals"}:
        raise RequestError(f"There is no plot {kind!r}: choose 'pareto' or 'intervals'.")
    scored = [(own, _rows_on(leaderboard, own, kind)) for own in _chosen(leaderboard, corpus)]
    drawn = [(own, rows) for own, rows in scored if rows]
    if not drawn:
        raise RequestError(
            "Nothing to draw: no candidate has a UAR"
            + (" and a latency; plot('intervals') needs no latency." if kind == "pareto" else ".")
        )
    heights = [_PARETO_HEIGHT if kind == "pareto" else _FRAME_HEIGHT + _ROW_HEIGHT * len(rows) for _, rows in drawn]
    figure = Plot(figsize=(_WIDTH, sum(heights)), layout="constrained", facecolor="white")
    pictures = figure.subplots(len(drawn), squeeze=False, height_ratios=heights)[:, 0]
    for axes, (own, rows) in zip(pictures, drawn, strict=True):
        axes.set_title(_text(own.name), loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        (_draw_pareto if kind == "pareto" else _draw_intervals)(axes, rows, 1 / len(own.compared_emotions))
    return figure


def draw_statuses(report: VerificationReport) -> Plot:
    """Draw how many candidates have each status, in the order and the colours of the verdicts.

    Raises:
        RequestError: There is no candidate.
    """
    counts = status_counts(report.candidates)
    if not counts:
        raise RequestError("Nothing to draw: no candidate was verified.")
    colours = {Verdict.USABLE: _FRONT, Verdict.UNDECIDED: _USELESS, Verdict.REJECTED: _BEATEN}
    figure = Plot(figsize=(_WIDTH, _FRAME_HEIGHT + _ROW_HEIGHT * len(counts)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    bars = axes.barh(list(counts), list(counts.values()), color=[colours[status.verdict] for status in counts])
    axes.bar_label(bars, padding=_NAME_OFFSET)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("candidates\nblue: usable; pale: undecided; grey: rejected")
    return figure


def _chosen(leaderboard: Leaderboard, corpus: str | None) -> Sequence[CorpusSummary]:
    names = [own.name for own in leaderboard.corpora]
    if corpus is not None and corpus not in names:
        raise RequestError(f"The run has no corpus {corpus!r}{did_you_mean(corpus, names, otherwise='it has')}")
    return [own for own in leaderboard.corpora if own.emotion_clips and corpus in {None, own.name}]


def _rows_on(leaderboard: Leaderboard, corpus: CorpusSummary, kind: PlotKind) -> list[LeaderboardRow]:
    rows = [row for row in leaderboard.rows if row.corpus == corpus.name and is_known(row.ranking_uar)]
    if kind == "pareto":
        return [row for row in rows if is_known(row.latency_p50_ms)]
    return sorted(deciding_rows(rows).values(), key=lambda row: -(row.ranking_uar or 0.0))


def _draw_pareto(axes: Axes, rows: Sequence[LeaderboardRow], guessing: float) -> None:
    """Draw UAR against latency, and the front of those that nobody else beats in both."""
    colours = _colours(rows)
    steps = sorted(_place(row) for row, colour in zip(rows, colours, strict=True) if colour == _FRONT)
    axes.step(
        [ms for ms, _ in steps], [uar for _, uar in steps], where="post", color=_FRONT, linestyle="--", linewidth=1
    )
    devices = {row.device for row in rows}
    for row, colour in zip(rows, colours, strict=True):
        place = _place(row)
        _draw_score(axes, row, along=place[0], upright=True, colour=colour)
        name = row.candidate if len(devices) == 1 else f"{row.candidate} ({row.device})"
        axes.annotate(_text(name), place, xytext=(_NAME_OFFSET, _NAME_OFFSET), textcoords="offset points", fontsize=9)
    axes.axhline(guessing, color=_BEATEN, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    axes.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    axes.margins(x=0.2)
    notes = "dashed: nobody beats these in both; dotted: guessing; pale: never recommended"
    axes.set_xlabel(f"median latency in ms (left is faster)\n{notes}")
    axes.set_ylabel("UAR (up is better)")


def _colours(rows: Sequence[LeaderboardRow]) -> list[str]:
    """The colours of rows by their place: on the front of the useful ones, behind it, or useless."""
    is_useful = np.array([not DISQUALIFYING.keys() & set(row.flags) for row in rows])
    costs = np.array([(latency, -uar) for latency, uar in map(_place, rows)])
    is_on_front = np.zeros(len(rows), dtype=np.bool_)
    is_on_front[is_useful] = pareto_front(costs[is_useful])
    return list(map(str, np.select([is_on_front, is_useful], [_FRONT, _BEATEN], _USELESS)))


def _place(row: LeaderboardRow) -> tuple[float, float]:
    return row.latency_p50_ms or 0.0, row.ranking_uar or 0.0


def _draw_intervals(axes: Axes, rows: Sequence[LeaderboardRow], guessing: float) -> None:
    """Draw UAR with its intervals, the best on top."""
    for place, row in enumerate(rows):
        _draw_score(axes, row, along=place, upright=False, colour=_FRONT if row.may_be_best else _BEATEN)
    axes.set_yticks(range(len(rows)), [_text(row.candidate) for row in rows])
    axes.invert_yaxis()
    axes.axvline(guessing, color=_BEATEN, linestyle=":", linewidth=1)
    axes.set_xlim(0, 1)
    notes = "blue: may be the best; dotted line: guessing"
    if any(is_at_least(row.interval) for row in rows):
        notes += "; dotted interval: at least so wide"
    axes.set_xlabel(f"UAR with its 95 % interval\n{notes}")


def _draw_score(axes: Axes, row: LeaderboardRow, *, along: float, upright: bool, colour: str) -> None:
    """Draw a score as a point, and its interval as a line, dotted if it is at least so wide."""
    line = ":" if is_at_least(row.interval) else "-"
    if is_known(row.uar_low) and is_known(row.uar_high):
        (axes.vlines if upright else axes.hlines)(along, row.uar_low, row.uar_high, color=colour, linestyle=line)
    axes.plot(*((along, row.ranking_uar) if upright else (row.ranking_uar, along)), "o", color=colour)


def _text(name: str) -> str:
    """A name from outside, of which matplotlib takes nothing for a formula."""
    return plain_text(name).replace("$", r"\$")
