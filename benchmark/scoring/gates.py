"""Gates: changes that must not happen between two runs, such as `uar<-0.02` or `latency_p50_ms>+20%`."""

import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import get_args

from benchmark.errors import RequestError, did_you_mean
from benchmark.results.comparison import GateResult, RowChange
from benchmark.results.leaderboard import LeaderboardRow

METRIC_PREFIX = "metric_"
COST_COLUMNS = frozenset(
    name
    for name in LeaderboardRow.model_fields
    if name.startswith("latency_") or name in {"rtfx", "load_s", "peak_memory_mb", "parameters", "size_mb"}
)
"""Columns that do not depend on the corpus."""
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

    A number that one of the runs lacks cannot be judged, and what cannot be judged fails: a candidate that crashes must
    not pass for one that got no worse. Rows that only the new run has are no change, and rows in which neither run has
    the number are ignored; where no row remains, the gate fails as well.
    """
    relevant = [row for row in rows if row.presence != "new" and gate.column in row.numbers]
    if gate.column in COST_COLUMNS:
        # The cost of a call does not depend on the corpus: one row for each candidate and setting.
        by_name: dict[str, RowChange] = {}
        for row in relevant:
            without_corpus = row.model_copy(update={"corpus": None})
            by_name.setdefault(without_corpus.name, without_corpus)
        relevant = list(by_name.values())
    findings = tuple(finding for row in relevant if (finding := _finding(gate, row)) is not None)
    if not relevant:
        findings = (f"cannot be judged: no row of both runs has a number in the column {gate.column}.",)
    return GateResult(gate=gate.text, passed=not findings, findings=findings, checked=len(relevant))


def _finding(gate: Gate, row: RowChange) -> str | None:
    if row.presence == "old":
        return f"{row.name} cannot be judged: the new run has no such row."
    change = row.numbers[gate.column]
    if change.old is None or change.new is None or change.difference is None:
        missing = "old" if change.old is None else "new"
        return f"{row.name} cannot be judged: the {missing} run has no {gate.column}."
    amount = change.difference
    if gate.relative:
        amount = amount / abs(change.old) if change.old else math.nan
    if not math.isfinite(amount):
        return f"{row.name} cannot be judged: a change relative to {change.old:g} has no meaning."
    if not _OPERATORS[gate.operator](amount, gate.amount):
        return None
    shown = f"{amount:+.1%}" if gate.relative else f"{amount:+.4g}"
    return f"{row.name}: {shown} ({change.old:.4g} → {change.new:.4g})."
