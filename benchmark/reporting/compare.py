"""What `bench compare` says: the changes between two runs, as Markdown for a pull request and as JSON."""

from collections.abc import Callable, Sequence

from benchmark.reporting.escaping import json_text, markdown_text
from benchmark.reporting.markdown import Column, bullets, document, markdown_table
from benchmark.reporting.numbers import UNKNOWN, counted, fraction, milliseconds, moment
from benchmark.results.comparison import Change, GateResult, RowChange, RunComparison, StatusChange

_SHOWN_FINDINGS = 20


def comparison_json(comparison: RunComparison) -> str:
    """Write a comparison for programs: a JSON document that ends in a line end."""
    return json_text(comparison.model_dump_json(indent=2) + "\n")


def comparison_markdown(comparison: RunComparison) -> str:
    """Write a comparison for people.

    Args:
        comparison: The two runs side by side.

    Returns:
        A document in Markdown that is as readable in a terminal.
    """
    rows = [row for row in comparison.rows if row.presence == "both"]
    return document(
        [
            "# What changed",
            f"From **{markdown_text(comparison.old)}** ({moment(comparison.old_created)}) to "
            f"**{markdown_text(comparison.new)}** ({moment(comparison.new_created)}).",
            _summary(comparison),
            *_gates(comparison.gates),
            *_section("## Before you compare", [markdown_text(warning) for warning in comparison.warnings]),
            *_section("## Candidates", [_status(change) for change in comparison.statuses]),
            *_scores(rows),
            *_latencies(rows),
            *_section("## Flags and revisions", [line for row in rows for line in _marks(row)]),
            *_section("## Rows that only one run has", _lonely(comparison.rows)),
        ]
    )


def _summary(comparison: RunComparison) -> str:
    if comparison.nothing_changed:
        return "Nothing changed."
    both = [row for row in comparison.rows if row.presence == "both"]
    if not both:
        return "Nothing can be compared: no candidate was evaluated on the same corpus and device in both runs."
    better = [row for row in both if (change := row.numbers.get("uar")) and change.is_beyond_chance]
    up = sum((row.numbers["uar"].difference or 0.0) > 0 for row in better)
    if not any(_scores_changed(row) for row in both):
        return "No score changed."
    return (
        f"Of {counted(len(both), 'row')} that both runs have, UAR rose beyond chance in {up} and fell in "
        f"{len(better) - up}."
    )


def _scores_changed(row: RowChange) -> bool:
    return any(_moved(row.numbers.get(name)) for name in ("uar", "accuracy"))


def _moved(change: Change | None) -> bool:
    return change is not None and (change.old != change.new or bool(change.difference))


def _gates(gates: Sequence[GateResult]) -> list[str]:
    if not gates:
        return []
    lines = []
    for gate in gates:
        word = "passed" if gate.passed else "**failed**"
        lines.append(f"`{gate.gate.replace('`', '')}` {word} ({counted(gate.checked, 'row')} looked at)")
        lines += [f"  {markdown_text(finding)}" for finding in gate.findings[:_SHOWN_FINDINGS]]
        if len(gate.findings) > _SHOWN_FINDINGS:
            lines.append(f"  … and {len(gate.findings) - _SHOWN_FINDINGS} more.")
    listed = "\n".join(f"- {line}" if not line.startswith("  ") else f"  - {line.strip()}" for line in lines)
    return ["## Gates", listed]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, bullets(lines)] if lines else []


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
    shown = [row for row in rows if _scores_changed(row)]
    scored = [row for row in rows if "uar" in row.numbers]
    if not shown:
        return []
    columns = [
        *_names(),
        Column[RowChange]("UAR", _from_to("uar", fraction)),
        Column[RowChange]("change", _difference("uar")),
        Column[RowChange]("accuracy", _from_to("accuracy", fraction)),
        Column[RowChange]("change", _difference("accuracy")),
        Column[RowChange]("compared on", _compared_on),
    ]
    same = len(scored) - len(shown)
    rest = f" {counted(same, 'other row')} {'is' if same == 1 else 'are'} unchanged." if same > 0 else ""
    sentence = (
        "Changes with their 95 % intervals; bold where chance does not explain them. Those on common clips are paired, "
        f"and can differ from the difference of the scores, each of which is about all clips of its run.{rest}"
    )
    return ["## Scores", sentence, markdown_table(shown, columns)]


def _latencies(rows: Sequence[RowChange]) -> list[str]:
    shown = {(row.candidate, row.device, row.backend, row.dtype): row for row in rows if row.latency_ratio is not None}
    moved = [row for row in shown.values() if _moved(row.latency_ratio)]
    if not moved:
        return []
    columns = [
        Column[RowChange]("candidate", lambda row: markdown_text(row.candidate)),
        *_setting(),
        Column[RowChange]("p50 ms", _from_to("latency_p50_ms", milliseconds)),
        Column[RowChange]("change", lambda row: _percent(row.latency_ratio)),
    ]
    return [
        "## Latency",
        "The median time of one segment; bold where the calls of both runs do not explain the change by chance.",
        markdown_table(moved, columns),
    ]


def _names() -> list[Column[RowChange]]:
    return [
        Column[RowChange]("candidate", lambda row: markdown_text(row.candidate)),
        Column[RowChange]("corpus", lambda row: markdown_text(row.corpus or "")),
        *_setting(),
    ]


def _setting() -> list[Column[RowChange]]:
    return [
        Column[RowChange]("device", lambda row: markdown_text(row.device or "")),
        Column[RowChange]("backend", lambda row: markdown_text(row.backend or "")),
        Column[RowChange]("dtype", lambda row: markdown_text(row.dtype or "")),
    ]


def _from_to(name: str, written: Callable[[float | None], str]) -> Callable[[RowChange], str]:
    def cell(row: RowChange) -> str:
        change = row.numbers.get(name)
        if change is None:
            return ""
        old, new = written(change.old) or UNKNOWN, written(change.new) or UNKNOWN
        return old if old == new else f"{old} → {new}"

    return cell


def _difference(name: str) -> Callable[[RowChange], str]:
    return lambda row: _points(row.numbers.get(name))


def _points(change: Change | None) -> str:
    if change is None or change.difference is None:
        return ""
    text = _signed(change.difference)
    if change.low is not None and change.high is not None and change.low != change.high:
        text += f" [{_signed(change.low)}, {_signed(change.high)}]"
    return f"**{text}**" if change.is_beyond_chance else text


def _signed(value: float) -> str:
    text = f"{value:+.3f}".replace("-", "−")
    return "0" if value == 0 else text


def _percent(change: Change | None) -> str:
    if change is None or change.difference is None:
        return ""
    text = f"{change.difference:+.1%}"
    if change.low is not None and change.high is not None:
        text += f" [{change.low:+.1%}, {change.high:+.1%}]"
    text = text.replace("-", "−")
    return f"**{text}**" if change.is_beyond_chance else text


def _compared_on(row: RowChange) -> str:
    if row.common_clips is not None:
        return f"{row.common_clips:,} common clips"
    return "unpaired" if row.numbers.get("uar", Change()).difference is not None else ""


def _marks(row: RowChange) -> list[str]:
    parts = []
    if row.flags_came:
        parts.append(f"new flags: {', '.join(map(markdown_text, row.flags_came))}")
    if row.flags_went:
        parts.append(f"no longer: {', '.join(map(markdown_text, row.flags_went))}")
    if row.old_revision != row.new_revision:
        parts.append(f"revision {_short(row.old_revision)} → {_short(row.new_revision)}")
    ranks = row.numbers.get("rank", Change())
    if ranks.old != ranks.new:
        parts.append(f"rank {_rank(ranks.old)} → {_rank(ranks.new)}")
    return [f"{markdown_text(row.name)}: {'; '.join(parts)}."] if parts else []


def _rank(rank: float | None) -> str:
    return "none" if rank is None else f"{rank:.0f}"


def _short(revision: str | None) -> str:
    return markdown_text(revision[:10]) if revision else "none"


def _lonely(rows: Sequence[RowChange]) -> list[str]:
    return [
        f"{markdown_text(row.name)}: only in the {row.presence} run"
        + (f", UAR {fraction(change.new if row.presence == 'new' else change.old)}." if change else ".")
        for row in rows
        if row.presence != "both"
        for change in [row.numbers.get("uar")]
    ]
