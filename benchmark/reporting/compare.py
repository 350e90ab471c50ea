"""What `bench compare` writes: the changes between two runs, as Markdown for a pull request."""

from collections.abc import Callable, Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import Column, bullets, document, first_of, markdown_table, section
from benchmark.reporting.numbers import UNKNOWN, counted, fraction, milliseconds, moment, quantity
from benchmark.results.comparison import Change, GateResult, RowChange, RunComparison, StatusChange
from benchmark.results.leaderboard_columns import stopped_after

_MOST_FINDINGS = 20
RowColumn = Column[RowChange]


def comparison_markdown(comparison: RunComparison) -> str:
    """Write a comparison for people, as a document in Markdown that is as readable in a terminal."""
    rows = [row for row in comparison.rows if row.presence == "both"]
    return document(
        [
            "# What changed",
            " ".join(f"**{markdown_text(gap)}**" for gap in comparison.gaps),
            f"From **{markdown_text(comparison.old)}** ({moment(comparison.old_created)}) to "
            f"**{markdown_text(comparison.new)}** ({moment(comparison.new_created)}).",
            comparison_summary(comparison),
            *section("## Gates", "\n".join(map(_gate, comparison.gates))),
            *section("## Before you compare", bullets(map(markdown_text, comparison.warnings))),
            *section("## Candidates", bullets(map(_status, comparison.statuses))),
            *_scores(rows),
            *_latencies(rows),
            *section("## Flags and revisions", bullets(filter(None, map(_flags_and_revisions, rows)))),
            *section(
                "## Rows that only one run has",
                bullets(_single_row(row) for row in comparison.rows if row.presence != "both"),
            ),
        ]
    )


def comparison_summary(comparison: RunComparison) -> str:
    """What changed, in a sentence."""
    rows = [row for row in comparison.rows if row.presence == "both"]
    if comparison.nothing_changed:
        return "Nothing changed."
    if not rows:
        return "Nothing can be compared: no candidate was evaluated on the same corpus and device in both runs."
    if not any(map(_has_new_scores, rows)):
        return "No score changed."
    beyond_chance = [change for row in rows if (change := row.numbers.get("uar")) and change.is_beyond_chance]
    rose = sum((change.difference or 0.0) > 0 for change in beyond_chance)
    return (
        f"Of {counted(len(rows), 'row')} that both runs have, UAR rose beyond chance in {rose} and fell in "
        f"{len(beyond_chance) - rose}."
    )


def _gate(gate: GateResult) -> str:
    outcome = {True: "passed", False: "**failed**", None: "**cannot be judged**"}[gate.passed]
    findings = first_of(list(map(markdown_text, gate.findings)), _MOST_FINDINGS, rest="… and {} more.")
    lines = [
        f"- `{gate.gate.replace('`', '')}` {outcome} ({counted(gate.checked, 'row')} looked at)",
        *(f"  - {finding}" for finding in findings),
    ]
    return "\n".join(lines)


def _status(change: StatusChange) -> str:
    name = f"**{markdown_text(change.candidate)}**"
    if change.old is None:
        text = f"{name} came: {markdown_text(change.new or '')}"
    elif change.new is None:
        text = f"{name} is gone; it was {markdown_text(change.old)}"
    else:
        text = f"{name} was {markdown_text(change.old)} and is {markdown_text(change.new)}"
    return f"{text}. {markdown_text(change.reason)}" if change.reason else f"{text}."


def _scores(rows: Sequence[RowChange]) -> list[str]:
    changed = [row for row in rows if _has_new_scores(row)]
    columns = [
        RowColumn("candidate", lambda row: markdown_text(row.candidate)),
        RowColumn("corpus", lambda row: markdown_text(row.corpus or "")),
        *_SETUP_COLUMNS,
        _old_and_new("UAR", "uar", fraction),
        RowColumn("change", lambda row: _difference(row.numbers.get("uar"), _points)),
        _old_and_new("accuracy", "accuracy", fraction),
        RowColumn("change", lambda row: _difference(row.numbers.get("accuracy"), _points)),
        RowColumn("compared on", _compared_on),
    ]
    same = sum("uar" in row.numbers for row in rows) - len(changed)
    rest = f" {counted(same, 'other row')} {'is' if same == 1 else 'are'} unchanged." if same > 0 else ""
    sentence = (
        "Changes with their 95 % intervals; bold where chance does not explain them. Those on common clips are paired, "
        f"and can differ from the difference of the scores, each of which is about all clips of its run. "
        f"Without speakers, intervals are at least so wide.{rest}"
    )
    return section("## Scores", sentence, markdown_table(changed, columns))


def _latencies(rows: Sequence[RowChange]) -> list[str]:
    # Latency does not depend on the corpus.
    timed = {(row.candidate, row.device, row.backend, row.dtype): row for row in rows if row.latency_ratio is not None}
    columns = [
        RowColumn("candidate", lambda row: markdown_text(row.candidate)),
        *_SETUP_COLUMNS,
        _old_and_new("p50 ms", "latency_p50_ms", milliseconds),
        _old_and_new("× reference", "latency_ratio", quantity),
        RowColumn("change", lambda row: _difference(row.latency_ratio, _percent)),
        RowColumn("compared by", _timed_by),
    ]
    return section(
        "## Latency",
        "The median time of one segment, and how many times that of the reference workload it is. The change is that "
        "of the ratio where both runs have it, since what slows the machine slows both; bold where chance does not "
        "explain it.",
        markdown_table([row for row in timed.values() if _has_changed(row.latency_ratio)], columns),
    )


_SETUP_COLUMNS = (
    RowColumn("device", lambda row: markdown_text(row.device or "")),
    RowColumn("backend", lambda row: markdown_text(row.backend or "")),
    RowColumn("dtype", lambda row: markdown_text(row.dtype or "")),
)


def _has_new_scores(row: RowChange) -> bool:
    return any(_has_changed(row.numbers.get(name)) for name in ("uar", "accuracy"))


def _has_changed(change: Change | None) -> bool:
    return change is not None and (change.old != change.new or bool(change.difference))


def _old_and_new(title: str, field: str, write: Callable[[float | None], str]) -> RowColumn:
    def cell(row: RowChange) -> str:
        change = row.numbers.get(field)
        if change is None:
            return ""
        old, new = write(change.old), write(change.new)
        if field == "uar":
            clips, of = (row.numbers.get(name, Change()) for name in ("stopped_after", "stopped_of"))
            old, new = old or stopped_after(clips.old, of.old), new or stopped_after(clips.new, of.new)
        old, new = old or UNKNOWN, new or UNKNOWN
        return old if old == new else f"{old} → {new}"

    return RowColumn(title, cell)


def _difference(change: Change | None, write: Callable[[float], str]) -> str:
    if change is None or change.difference is None:
        return ""
    text = write(change.difference)
    # Scores of the same answers have an interval without extent, which says nothing.
    is_empty = change.low == change.high and write is _points
    if change.low is not None and change.high is not None and not is_empty:
        text += f" [{write(change.low)}, {write(change.high)}]"
    return f"**{text}**" if change.is_beyond_chance else text


def _points(value: float) -> str:
    return "0" if value == 0 else f"{value:+.3f}".replace("-", "−")


def _percent(value: float) -> str:
    return f"{value:+.1%}".replace("-", "−")


def _compared_on(row: RowChange) -> str:
    if row.common_clips is not None:
        return f"{row.common_clips:,} common clips"
    return "unpaired" if row.numbers.get("uar", Change()).difference is not None else ""


def _timed_by(row: RowChange) -> str:
    by = "ratio" if row.latency_ratio is not None and row.latency_ratio.how == "reference" else "ms"
    return f"{by}, noisy" if row.noisy else by


def _flags_and_revisions(row: RowChange) -> str:
    parts = []
    if row.flags_came:
        parts.append(f"new flags: {', '.join(map(markdown_text, row.flags_came))}")
    if row.flags_went:
        parts.append(f"no longer: {', '.join(map(markdown_text, row.flags_went))}")
    if row.old_revision != row.new_revision:
        old, new = (markdown_text(sha[:10]) if sha else "none" for sha in (row.old_revision, row.new_revision))
        parts.append(f"revision {old} → {new}")
    rank = row.numbers.get("rank", Change())
    if rank.old != rank.new:
        old, new = ("none" if value is None else f"{value:.0f}" for value in (rank.old, rank.new))
        parts.append(f"rank {old} → {new}")
    return f"{markdown_text(row.name)}: {'; '.join(parts)}." if parts else ""


def _single_row(row: RowChange) -> str:
    change = row.numbers.get("uar")
    score = "" if change is None else f", UAR {fraction(change.new if row.presence == 'new' else change.old)}"
    return f"{markdown_text(row.name)}: only in the {row.presence} run{score}."
