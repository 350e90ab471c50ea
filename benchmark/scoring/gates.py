"""Gates: changes that must not happen between two runs, such as `uar<-0.02` or `latency_p50_ms>+20%`."""

import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import get_args

from benchmark.errors import RequestError, did_you_mean
from benchmark.results.comparison import Change, GateResult, RowChange
from benchmark.results.leaderboard import LeaderboardRow

METRIC_PREFIX = "metric_"
COST_COLUMNS = frozenset(
    name
    for name in LeaderboardRow.model_fields
    if name.startswith("latency_") or name in {"rtfx", "load_s", "peak_memory_mb", "parameters", "size_mb"}
)
"""Columns that do not depend on the corpus."""
TIMED_COLUMNS = frozenset({"latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "latency_ratio", "rtfx"})
"""Columns that the speed of the machine changes."""
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_GRAMMAR = re.compile(
    r"\s*(?P<column>\w+)\s*(?P<operator><=|>=|<|>)\s*(?P<amount>[+-]?[0-9]*\.?[0-9]+)\s*(?P<unit>%?)\s*"
)
_EXAMPLES = 'write a column, < or >, and a change with its sign, such as "uar<-0.02" or "latency_p50_ms>+20%"'
NUMBER_COLUMNS = tuple(
    name
    for name, field in LeaderboardRow.model_fields.items()
    if {*(get_args(field.annotation) or [field.annotation])} - {NoneType} <= {int, float}
)
"""The columns that hold numbers, in the table's order."""


def numbers_of(row: LeaderboardRow) -> dict[str, float]:
    """The numbers of a row by column; the names of the user's own metrics get the prefix `metric_`."""
    numbers = {name: getattr(row, name) for name in NUMBER_COLUMNS}
    numbers |= {f"{METRIC_PREFIX}{name}": value for name, value in row.metrics.items()}
    return {name: float(value) for name, value in numbers.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A change that makes a comparison fail.

    Attributes:
        text: As the user wrote it.
        column: A column of the leaderboard that holds numbers, or `metric_NAME` for a metric of the user's own.
        operator: `<`, `<=`, `>` or `>=`.
        amount: The limit of the change, new − old; a fraction of the old value where `relative`.
    """

    text: str
    column: str
    operator: str
    amount: float
    relative: bool


def parse_gate(text: str) -> Gate:
    """Read a gate: COLUMN, one of < <= > >=, and a change: a number with its sign, and `%` for a relative one.

    Raises:
        RequestError: It is no gate, the column is unknown, or the change has no sign.

    Examples:
        >>> parse_gate("latency_p50_ms > +20%").amount
        0.2
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise RequestError(f"{text!r} is no gate: {_EXAMPLES}.")
    column, amount = match["column"], float(match["amount"])
    if column not in NUMBER_COLUMNS and not column.startswith(METRIC_PREFIX):
        hint = did_you_mean(column, NUMBER_COLUMNS) or f"; columns with numbers are {', '.join(NUMBER_COLUMNS)}."
        raise RequestError(f"{text!r}: the leaderboard has no column {column!r} with numbers{hint}")
    if amount and match["amount"][0] not in "+-":
        raise RequestError(
            f"{text!r}: a gate is about the change from old to new, and needs its sign: {column}"
            f"{match['operator']}+{match['amount']}{match['unit']} or -{match['amount']}{match['unit']}?"
        )
    relative = match["unit"] == "%"
    return Gate(
        text=text.strip(),
        column=column,
        operator=match["operator"],
        amount=amount / 100 if relative else amount,
        relative=relative,
    )


def judge_gate(gate: Gate, rows: Sequence[RowChange]) -> GateResult:
    """Check every row that both runs have, or that the old one had, against a gate.

    A number that one of the runs lacks cannot be judged, and fails: a candidate that crashes must not pass for one that
    got no worse. Rows that only the new run has are no change, and rows in which neither run has the number are
    ignored; where no row remains, the gate fails as well. A latency whose interval holds the limit is left to chance:
    if nothing else fails, the gate is neither passed nor failed.
    """
    relevant = [row for row in rows if row.presence != "new" and gate.column in row.numbers]
    if gate.column in COST_COLUMNS:
        # The cost of a call does not depend on the corpus: one row for each candidate and setting.
        by_name: dict[str, RowChange] = {}
        for row in relevant:
            without_corpus = row.model_copy(update={"corpus": None})
            by_name.setdefault(without_corpus.name, without_corpus)
        relevant = list(by_name.values())
    if not relevant:
        nothing = f"cannot be judged: no row of both runs has a number in the column {gate.column}."
        return GateResult(gate=gate.text, passed=False, findings=(nothing,))
    findings = [finding for row in relevant if (finding := _finding(gate, row)) is not None]
    ordered = sorted(findings, key=lambda finding: finding.is_noise)
    passed: bool | None = not findings
    if findings and all(finding.is_noise for finding in findings):
        passed = None
    return GateResult(
        gate=gate.text, passed=passed, findings=tuple(found.text for found in ordered), checked=len(relevant)
    )


@dataclass(frozen=True)
class _Finding:
    """Why a row does not pass; `is_noise` where it may pass or fail."""

    text: str
    is_noise: bool = False


def _finding(gate: Gate, row: RowChange) -> _Finding | None:
    if row.presence == "old":
        return _Finding(f"{row.name} cannot be judged: the new run has no such row.")
    change = row.numbers[gate.column]
    if change.old is None or change.new is None or change.difference is None:
        missing = "old" if change.old is None else "new"
        return _Finding(f"{row.name} cannot be judged: the {missing} run has no {gate.column}.")
    if gate.relative and not change.old:
        return _Finding(f"{row.name} cannot be judged: a change relative to {change.old:g} has no meaning.")
    if gate.column in TIMED_COLUMNS and row.latency_ratio is not None and change.old > 0 and change.new > 0:
        amounts = _latency_amounts(gate, row, row.latency_ratio, change)
    else:
        amounts = _Amounts(change.difference / abs(change.old) if gate.relative else change.difference)
    compare = _OPERATORS[gate.operator]
    verdicts = {compare(end, gate.amount) for end in (amounts.low, amounts.high) if end is not None}
    shown = f"{amounts.value:+.1%}" if gate.relative else f"{amounts.value:+.4g}"
    values = f"({change.old:.4g} → {change.new:.4g})"
    if gate.column in TIMED_COLUMNS and row.latency_ratio is not None:
        by_reference = row.latency_ratio.how == "reference"
        shown += " relative to the reference workload" if by_reference else ""
        if len(verdicts) != 1 or (row.noisy and not by_reference):
            text = f"{row.name} cannot be judged: {shown} {values}, {_uncertainty(gate, amounts, row)}."
            return _Finding(text, is_noise=True)
    return _Finding(f"{row.name}: {shown} {values}.") if compare(amounts.value, gate.amount) else None


def _uncertainty(gate: Gate, amounts: "_Amounts", row: RowChange) -> str:
    if amounts.low is None or amounts.high is None:
        return "with too few calls for an interval; --latency-seconds gives more"
    ends = [f"{end:+.1%}" if gate.relative else f"{end:+.4g}" for end in (amounts.low, amounts.high)]
    noisy = "; the measurement is noisy" if row.noisy else ""
    return f"which may be from {ends[0]} to {ends[1]}{noisy}"


@dataclass(frozen=True)
class _Amounts:
    """A change, and the ends of its interval where it has one."""

    value: float
    low: float | None = None
    high: float | None = None


def _latency_amounts(gate: Gate, row: RowChange, ratio: Change, change: Change) -> _Amounts:
    """The change of a timing, less what the reference workload shows of the machine, with the interval of the ratio."""
    old, new, difference = change.old or math.nan, change.new or math.nan, ratio.difference or 0.0
    medians, machine = row.numbers.get("latency_p50_ms"), 1.0
    if ratio.how == "reference" and gate.column != "latency_ratio" and medians and medians.old and medians.new:
        machine = medians.new / medians.old / (1 + difference)
    is_speed = gate.column == "rtfx"
    factor = new / old * (machine if is_speed else 1 / machine)
    factors = [factor]
    if ratio.low is not None and ratio.high is not None:
        reaches = [(1 + end) / (1 + difference) for end in (ratio.low, ratio.high)]
        factors += sorted(factor / reach if is_speed else factor * reach for reach in reaches)
    return _Amounts(*((factor - 1) * (1.0 if gate.relative else old) for factor in factors))
