"""The tables of `leaderboard.md`: how right, how varied, how fast; one wide table would be read by nobody."""

from collections import Counter
from collections.abc import Collection, Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, all_the_same, bullets, mark_repaired, markdown_table
from benchmark.reporting.numbers import (
    counted,
    fraction,
    is_known,
    milliseconds,
    parameter_count,
    quantity,
    with_interval,
)
from benchmark.results.inference import InferenceRecord
from benchmark.results.leaderboard import ALL_CORPORA, Leaderboard, LeaderboardRow

RowColumn = Column[LeaderboardRow]


def rightness_table(rows: Sequence[LeaderboardRow], *, said: Collection[str] = ()) -> str:
    """Write how right the candidates are on a labelled corpus.

    Args:
        rows: Those of one corpus, in the order of the ranking.
        said: Flags that are said of all rows together, and not again in each.

    Returns:
        A table in Markdown.
    """
    columns = [
        RowColumn("rank", lambda row: "" if row.rank is None else str(row.rank), numeric=True),
        RowColumn("candidate", candidate_name),
        RowColumn("UAR", lambda row: with_interval(row.uar, row.uar_low, row.uar_high)),
        RowColumn("accuracy", lambda row: with_interval(row.accuracy, row.accuracy_low, row.accuracy_high)),
        RowColumn("majority", lambda row: fraction(row.majority_accuracy), numeric=True),
        RowColumn("macro-F1", lambda row: fraction(row.macro_f1), numeric=True),
        RowColumn("common UAR", lambda row: fraction(row.common_uar), numeric=True),
        RowColumn("shared UAR", lambda row: fraction(row.shared_uar), numeric=True),
        RowColumn("coverage", lambda row: fraction(row.coverage), numeric=True),
        *_rater_columns(rows),
        *(_metric_column(name) for name in dict.fromkeys(name for row in rows for name in row.metrics)),
        *_clip_columns(rows),
        RowColumn("seen", lambda row: markdown_text(row.seen or "")),
        RowColumn("flags", lambda row: _flags(row, said)),
    ]
    return _by_device_where_it_matters(rows, columns)


def variety_table(rows: Sequence[LeaderboardRow], *, with_flags: bool = False, said: Collection[str] = ()) -> str:
    """Write how varied the answers of the candidates are, and how well their probabilities are calibrated.

    Args:
        rows: Those of one corpus.
        with_flags: Whether flags, clips and emotions stand here, because without labels no table above shows them.
        said: Flags that are said of all rows together, and not again in each.

    Returns:
        A table in Markdown.
    """
    columns = [
        RowColumn("candidate", candidate_name),
        RowColumn("emotions", lambda row: _count(row.emotions), numeric=True),
        RowColumn("effective", lambda row: quantity(row.effective_emotions), numeric=True),
        RowColumn("informative", lambda row: quantity(row.informative_emotions), numeric=True),
        RowColumn(
            "top answer", lambda row: f"{markdown_text(row.top_emotion or '')} {fraction(row.top_share)}".strip()
        ),
        RowColumn("collapsed", lambda row: "yes" if row.collapsed else ""),
        RowColumn("ECE", lambda row: fraction(row.ece), numeric=True),
    ]
    if with_flags:
        columns += [*_clip_columns(rows), RowColumn("seen", lambda row: markdown_text(row.seen or ""))]
        columns += [RowColumn("flags", lambda row: _flags(row, said))]
    return _by_device_where_it_matters(rows, columns)


def speed_table(leaderboard: Leaderboard) -> str:
    """Write how fast and how large the candidates are, the fastest first, by device.

    Latency does not belong to a corpus, so that a candidate stands here once per device, backend and dtype.

    Args:
        leaderboard: The scored run.

    Returns:
        A table in Markdown; empty where nothing was measured.
    """
    rows = sorted(evaluated_rows(leaderboard), key=_speed_order)
    if not any(row.latency_p50_ms is not None or row.size_mb is not None for row in rows):
        return ""
    columns = [
        RowColumn("candidate", candidate_name),
        *_setup_columns(rows),
        RowColumn("p50 ms", _median, numeric=True),
        RowColumn("p90 ms", lambda row: milliseconds(row.latency_p90_ms), numeric=True),
        RowColumn("p99 ms", lambda row: milliseconds(row.latency_p99_ms), numeric=True),
        RowColumn("RTFx", lambda row: quantity(row.rtfx), numeric=True),
        RowColumn("load s", lambda row: quantity(row.load_s), numeric=True),
        RowColumn("memory MB", lambda row: quantity(row.peak_memory_mb), numeric=True),
        RowColumn("weights", lambda row: parameter_count(row.parameters), numeric=True),
        RowColumn("size MB", lambda row: quantity(row.size_mb), numeric=True),
    ]
    return markdown_table(rows, columns)


def candidate_name(row: LeaderboardRow) -> str:
    """Write the name of a row's candidate, marked where its head had to be rebuilt.

    Examples:
        >>> candidate_name(LeaderboardRow(candidate="a", head="standard"))
        'a'
        >>> candidate_name(LeaderboardRow(candidate="a", head="dense-out"))
        'a (repaired)'
    """
    is_foreign = row.head not in {None, "", "standard"}
    return mark_repaired(row.candidate, repaired=is_foreign or "repaired" in row.flags)


def evaluated_rows(leaderboard: Leaderboard) -> tuple[LeaderboardRow, ...]:
    """List the rows of candidates that have heard a corpus; summaries over several are not among them."""
    return tuple(row for row in leaderboard.rows if row.corpus not in {None, ALL_CORPORA})


def shared_setup(rows: Sequence[LeaderboardRow]) -> str:
    """Write the device, backend and dtype that all rows share, to say it once instead of in a column.

    Examples:
        >>> shared_setup([LeaderboardRow(candidate="a", device="cpu", backend="torch", dtype="float32")])
        'cpu, torch, float32'
    """
    shared = (all_the_same(getattr(row, name) for row in rows) for name in ("device", "backend", "dtype"))
    return ", ".join(markdown_text(value) for value in shared if value)


def _by_device_where_it_matters(rows: Sequence[LeaderboardRow], columns: Sequence[RowColumn]) -> str:
    """Say once what is the same on every device, and name the device where a candidate would look listed twice."""
    seen_lines = {tuple(column.cell(row) for column in columns) for row in rows}
    distinct_names = {row.candidate for row in rows}
    if len(seen_lines) > len(distinct_names):
        place = next(index for index, column in enumerate(columns) if column.title == "candidate") + 1
        columns = [*columns[:place], *_setup_columns(rows), *columns[place:]]
    return markdown_table(rows, columns)


def _setup_columns(rows: Sequence[LeaderboardRow]) -> list[RowColumn]:
    columns = {
        "device": RowColumn("device", lambda row: markdown_text(row.device or "")),
        "backend": RowColumn("backend", lambda row: markdown_text(row.backend or "")),
        "dtype": RowColumn("dtype", lambda row: markdown_text(row.dtype or "")),
    }
    return [column for name, column in columns.items() if all_the_same(getattr(row, name) for row in rows) is None]


def _rater_columns(rows: Sequence[LeaderboardRow]) -> list[RowColumn]:
    """How far from several raters, where the corpus has them."""
    if all(row.soft_jensen_shannon is None for row in rows):
        return []
    return [
        RowColumn("soft CE", lambda row: quantity(row.soft_cross_entropy), numeric=True),
        RowColumn("soft JSD", lambda row: fraction(row.soft_jensen_shannon), numeric=True),
    ]


def _metric_column(name: str) -> RowColumn:
    """A number of the user's own metrics."""
    return RowColumn(markdown_text(name), lambda row: _signed(row.metrics.get(name)), numeric=True)


def _signed(value: float | None) -> str:
    return f"{value:.3g}" if is_known(value) else ""


def _clip_columns(rows: Sequence[LeaderboardRow]) -> list[RowColumn]:
    """Numbers of clips only where they tell candidates apart, or where something failed."""
    columns = []
    if len(Counter(row.clips for row in rows)) > 1:
        columns.append(RowColumn("clips", lambda row: _count(row.clips), numeric=True))
    if any(row.failed_clips for row in rows):
        columns.append(RowColumn("failed", lambda row: _count(row.failed_clips), numeric=True))
    if len(Counter(row.interval for row in rows if row.interval)) > 1:
        columns.append(RowColumn("interval", lambda row: markdown_text(row.interval or "")))
    return columns


def _median(row: LeaderboardRow) -> str:
    text = milliseconds(row.latency_p50_ms)
    if not is_known(row.latency_p50_low_ms) or not is_known(row.latency_p50_high_ms):
        return text
    return f"{text} [{milliseconds(row.latency_p50_low_ms)}–{milliseconds(row.latency_p50_high_ms)}]"


def _speed_order(row: LeaderboardRow) -> tuple[str, bool, float]:
    return row.device or "", row.latency_p50_ms is None, row.latency_p50_ms or 0.0


def _flags(row: LeaderboardRow, said: Collection[str]) -> str:
    return ", ".join(markdown_text(flag) for flag in row.flags if flag not in said)


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def inference_sections(leaderboard: Leaderboard) -> list[str]:
    """Say what computed the answers, and how far that was held against torch in float32.

    Args:
        leaderboard: A finished run.

    Returns:
        Blocks of Markdown; none where torch answered in float32 and nobody asked for anything else.
    """
    fast = [record for record in leaderboard.inference if record.largest_difference is not None]
    fallen = [(record, reason) for record in leaderboard.inference for reason in record.fallbacks]
    blocks: list[str] = []
    if fast:
        blocks += [
            "The reference is torch in float32, one clip at a time. What is faster answered some clips beside it "
            "first; afterwards the clips whose two best answers were close were done again in the reference, or in "
            "float32 that was held against it, so that no decision rests on the difference (see `docs/speed.md`).",
            markdown_table(fast, _COLUMNS),
        ]
    if fallen:
        blocks.append(bullets(f"{markdown_text(record.candidate)}: {markdown_text(text)}" for record, text in fallen))
    return ["## What computed the answers", *blocks] if blocks else []


def _engine(record: InferenceRecord) -> str:
    together = f", {record.batch} at a time" if record.batch > 1 else ""
    return f"{record.backend} {record.dtype}{together}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


_COLUMNS = (
    Column[InferenceRecord]("candidate", lambda record: markdown_text(record.candidate)),
    Column[InferenceRecord]("backend", lambda record: markdown_text(_engine(record))),
    Column[InferenceRecord]("compared on", lambda record: counted(record.checked_clips, "clip"), numeric=True),
    Column[InferenceRecord]("largest difference", lambda record: _ratio(record.largest_difference), numeric=True),
    Column[InferenceRecord]("allowed", lambda record: _ratio(record.allowed), numeric=True),
    Column[InferenceRecord]("done again", lambda record: counted(record.redone_clips, "clip"), numeric=True),
    Column[InferenceRecord]("conversion (s)", lambda record: _seconds(record.conversion_s), numeric=True),
    Column[InferenceRecord]("comparison (s)", lambda record: _seconds(record.check_s), numeric=True),
)
