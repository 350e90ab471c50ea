"""The tables of `leaderboard.md` about candidates: how right, how varied, how fast, and what computed the answers.

Their columns are declared in `results/leaderboard_columns.py`. This module adds what depends on several fields of a
row.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import (
    Column,
    all_the_same,
    bullets,
    columns_of,
    joined,
    mark_repaired,
    markdown_table,
    section,
)
from benchmark.reporting.numbers import counted, formatted, fraction, is_known, quantity, rank_range, with_interval
from benchmark.results.inference_record import InferenceRecord
from benchmark.results.leaderboard import ALL_CORPORA, Leaderboard, LeaderboardRow
from benchmark.results.leaderboard_columns import COLUMNS, Format, Shown, shown_in
from benchmark.results.leaderboard_columns import Column as DeclaredColumn
from benchmark.results.predictions import FOREIGN, IMPORTED, ONNX, ZERO_SHOT
from benchmark.results.training_record import TRAINED_HERE
from benchmark.scoring.flags import FLAG_MEANINGS

RowColumn = Column[LeaderboardRow]
_SETUP = ("device", "backend", "dtype")


def corpus_table(rows: Sequence[LeaderboardRow], *tables: Shown, shared_flags: Collection[str] = ()) -> str:
    """Write a table of the candidates on one corpus.

    Args:
        rows: Rows of one corpus.
        tables: The declared tables whose columns it has, one after the other.
        shared_flags: Flags of all rows, which the table leaves out.
    """
    columns = _table_columns(rows, [column for table in tables for column in shown_in(table)], shared_flags)
    lines = {tuple(column.cell(row) for column in columns) for row in rows}
    if len(lines) > len({row.candidate for row in rows}):
        # Scores that differ by device would look as if a candidate were listed twice.
        after_name = [column.title for column in columns].index("candidate") + 1
        columns[after_name:after_name] = _table_columns(rows, [COLUMNS[name] for name in _SETUP])
    return markdown_table(rows, columns)


def page_table(rows: Sequence[LeaderboardRow]) -> str:
    """Write the table of the page, of rows on several corpora."""
    return markdown_table(rows, _table_columns(rows, shown_in(Shown.PAGE)))


def speed_section(leaderboard: Leaderboard) -> list[str]:
    """Write how fast and how large the candidates are, by device, the fastest first.

    Latency does not depend on the corpus: a candidate has one line per device, backend and dtype.
    """
    rows = sorted(
        evaluated_rows(leaderboard),
        key=lambda row: (row.device or "", row.latency_p50_ms is None, row.latency_p50_ms or 0.0),
    )
    if not any(row.latency_p50_ms is not None or row.size_mb is not None for row in rows):
        return []
    table = markdown_table(rows, _table_columns(rows, shown_in(Shown.SPEED)))
    if not any(is_known(row.latency_p50_ms) for row in rows):
        return ["## How large", "No latency was measured.", table]
    setup = ", ".join(markdown_text(shared) for name in _SETUP if (shared := _shared(rows, name)))
    segments = "segments" if leaderboard.segment_s is None else f"segments of {leaderboard.segment_s:g} s"
    sentence = f"One call at a time on {segments}" + (f"; {setup}" if setup else "")
    if leaderboard.threads is not None:
        sentence += f"; {counted(leaderboard.threads, 'thread')}"
    if leaderboard.price_per_hour is not None:
        sentence += f"; an hour of this machine costs {quantity(leaderboard.price_per_hour)}"
    return [
        "## How fast and how large",
        f"{sentence}. The fastest first.{_latency_precision(evaluated_rows(leaderboard))}",
        table,
    ]


def inference_section(leaderboard: Leaderboard) -> list[str]:
    """Name the engines and their differences from torch in float32; no blocks if torch computed everything."""
    faster = [record for record in leaderboard.inference if record.largest_difference is not None]
    fallbacks = bullets(
        f"{markdown_text(record.candidate)}: {markdown_text(reason)}"
        for record in leaderboard.inference
        for reason in record.fallbacks
    )
    comparison = section(
        "The reference is torch in float32, one clip at a time. What is faster answered some clips beside it "
        "first; afterwards the clips whose two best answers were close were done again in the reference, or in "
        "float32 that was held against it, so that no decision rests on the difference (see `docs/speed.md`).",
        markdown_table(faster, _INFERENCE_COLUMNS),
    )
    return section("## What computed the answers", joined([*comparison, fallbacks]))


def declared_column(name: str) -> RowColumn:
    """The declared column of a field of a row."""
    return _row_column(COLUMNS[name], ())


def is_rebuilt(row: LeaderboardRow) -> bool:
    """Whether the head of a row's candidate was rebuilt from the weights of the checkpoint."""
    return row.head not in {None, "", "standard", TRAINED_HERE, IMPORTED, FOREIGN, ONNX, ZERO_SHOT}


def candidate_name(row: LeaderboardRow) -> str:
    """Write the name of a row's candidate, marked if its head was rebuilt.

    Examples:
        >>> candidate_name(LeaderboardRow(candidate="a", head="standard"))
        'a'
        >>> candidate_name(LeaderboardRow(candidate="a", head="dense-out"))
        'a (repaired)'
    """
    return mark_repaired(row.candidate, repaired=is_rebuilt(row) or "repaired" in row.flags)


def evaluated_rows(leaderboard: Leaderboard) -> tuple[LeaderboardRow, ...]:
    """The rows of candidates on a corpus, without summaries over several."""
    return tuple(row for row in leaderboard.rows if row.corpus not in {None, ALL_CORPORA})


def ranked_rows(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """The ranked of some rows of one corpus in their order, a candidate once."""
    return list({row.candidate: row for row in rows if row.rank is not None}.values())


def possible_bests(ranked: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Those of the `ranked_rows` of a corpus that may be the best, among them the first."""
    return [row for row in ranked if row.may_be_best or row is ranked[0]]


def _table_columns(
    rows: Sequence[LeaderboardRow], declared: Sequence[DeclaredColumn], shared_flags: Collection[str] = ()
) -> list[RowColumn]:
    columns = []
    for column in declared:
        if column.field == "metrics":
            titles = {name: markdown_text(name) for row in rows for name in row.metrics}
            columns += columns_of(titles, _metric, numeric=True)
        elif _is_informative(column.field, rows):
            columns.append(_row_column(column, shared_flags))
    return columns


def _is_informative(name: str, rows: Sequence[LeaderboardRow]) -> bool:
    """Leave out what is equal in all rows or stands elsewhere; `markdown_table` drops empty columns."""
    if name in _SETUP:
        return _shared(rows, name) is None
    if name == "clips":
        return len({row.clips for row in rows}) > 1
    if name == "failed_clips":
        return any(row.failed_clips for row in rows)
    if name == "interval":
        return len({row.interval for row in rows if row.interval}) > 1
    return True


def _shared(rows: Sequence[LeaderboardRow], name: str) -> str | None:
    return all_the_same(getattr(row, name) for row in rows)


def _row_column(column: DeclaredColumn, shared_flags: Collection[str]) -> RowColumn:
    return RowColumn(column.title, lambda row: _cell(column, row, shared_flags), numeric=column.is_number)


def _cell(column: DeclaredColumn, row: LeaderboardRow, shared_flags: Collection[str]) -> str:
    if column.field == "candidate":
        return candidate_name(row)
    if column.field == "rank":
        return rank_range(row.rank, row.rank_high)
    if column.field == "top_emotion":
        return f"{markdown_text(row.top_emotion or '')} {fraction(row.top_share)}".strip()
    if column.field == "flags":
        return ", ".join(markdown_text(flag) for flag in row.flags if flag not in shared_flags)
    value = getattr(row, column.field)
    if column.interval is not None:
        low, high = column.ends(row)
        stopped = row.stopped if column.field == "uar" else ""
        return stopped or with_interval(value, low, high, lambda number: formatted(number, column.format))
    text = formatted(value, column.format)
    return markdown_text(text) if column.format is Format.TEXT else text


def _metric(row: LeaderboardRow, name: str) -> str:
    value = row.metrics.get(name)
    return f"{value:.3g}" if is_known(value) else ""


def _latency_precision(rows: Sequence[LeaderboardRow]) -> str:
    """Explain the interval of a median, and name the candidates whose median is less precise than intended."""
    timed = [row for row in rows if is_known(row.latency_p50_ms)]
    if not any(is_known(row.latency_p50_low_ms) for row in timed):
        return ""
    text = " In brackets: the 95 % interval of the median."
    imprecise = dict.fromkeys(candidate_name(row) for row in timed if row.latency_stopped_by in {"time", "calls"})
    if imprecise:
        text += f" Not within 3 % of it when the time was over: {', '.join(imprecise)}; `--latency-seconds` gives more."
    return text


def _engine(record: InferenceRecord) -> str:
    batch = f", {record.batch} at a time" if record.batch > 1 else ""
    return markdown_text(f"{record.backend} {record.dtype}{batch}")


def _number(value: float | None, digits: str) -> str:
    return "" if value is None else f"{value:{digits}}"


_INFERENCE_COLUMNS = (
    Column[InferenceRecord]("candidate", lambda record: markdown_text(record.candidate)),
    Column[InferenceRecord]("backend", _engine),
    Column[InferenceRecord]("compared on", lambda record: counted(record.checked_clips, "clip"), numeric=True),
    Column[InferenceRecord](
        "largest difference", lambda record: _number(record.largest_difference, ".1e"), numeric=True
    ),
    Column[InferenceRecord]("allowed", lambda record: _number(record.allowed, ".1e"), numeric=True),
    Column[InferenceRecord]("done again", lambda record: counted(record.redone_clips, "clip"), numeric=True),
    Column[InferenceRecord]("conversion (s)", lambda record: _number(record.conversion_s, ".1f"), numeric=True),
    Column[InferenceRecord]("comparison (s)", lambda record: _number(record.check_s, ".1f"), numeric=True),
)


class IntervalKind(NamedTuple):
    """The words for one kind of interval.

    Attributes:
        at_least: Whether it is too narrow by an unknown amount.
    """

    name: str
    meaning: str
    at_least: bool = False


INTERVALS: Mapping[str, IntervalKind] = MappingProxyType(
    {
        "speakers": IntervalKind("95 % interval over speakers", "what could change if other people spoke."),
        "speakers+texts": IntervalKind(
            "95 % interval over speakers and texts", "what could change if other people spoke and said something else."
        ),
        "wilson": IntervalKind("95 % interval by Wilson's formula", "for scores without any spread over speakers."),
        "clips": IntervalKind(
            "95 % interval over clips, at least so wide",
            "clips of one speaker are not independent, so that the true interval is wider, nobody knows by how much; "
            "nothing is ranked by it.",
            at_least=True,
        ),
    }
)
"""The kinds of intervals, by their names in the column `interval`."""


def is_at_least(interval: str | None) -> bool:
    """Whether intervals of this kind are too narrow by an unknown amount.

    Examples:
        >>> is_at_least("clips"), is_at_least("speakers"), is_at_least(None)
        (True, False, False)
    """
    kind = INTERVALS.get(interval or "")
    return kind is not None and kind.at_least


def legend(rows: Sequence[LeaderboardRow]) -> list[str]:
    """Explain the columns, intervals and flags that occur in tables of these rows."""
    tables = (Shown.RIGHTNESS, Shown.VARIETY, Shown.SPEED)
    columns = [
        f"**{column.legend_title or column.title}**: {column.meaning}"
        for column in dict.fromkeys(column for table in tables for column in shown_in(table))
        if Shown.LEGEND in column.shown and any(getattr(row, column.field) not in {None, 0} for row in rows)
    ]
    if not columns:
        return []
    intervals = [
        f"**[low–high]**, {kind}: {interval.name}: {interval.meaning}"
        for kind, interval in INTERVALS.items()
        if any(row.interval == kind for row in rows)
    ]
    repaired = [
        "**(repaired)**: a known non-standard head was rebuilt from the checkpoint's own weights; that it is the right "
        "one is an assumption."
    ]
    occurring = dict.fromkeys(flag for row in rows for flag in row.flags)
    flags = [f"**{markdown_text(flag)}**: {FLAG_MEANINGS[flag]}" for flag in occurring if flag in FLAG_MEANINGS]
    return [
        "## How to read this",
        bullets(columns + intervals + (repaired if any(map(is_rebuilt, rows)) else [])),
        *section("Flags in these tables:", bullets(flags)),
        "Fractions are 0 to 1. – is unknown, or not measured often enough to be said. `leaderboard.csv` and "
        "`leaderboard.json` have every number in full.",
    ]
