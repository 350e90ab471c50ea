"""The columns of a leaderboard that hold numbers, by the names that gates and comparisons know them by."""

from types import NoneType, UnionType
from typing import get_args

from benchmark.results.leaderboard import LeaderboardRow

METRIC_PREFIX = "metric_"
COST_COLUMNS = frozenset(
    name
    for name in LeaderboardRow.model_fields
    if name.startswith("latency_") or name in {"rtfx", "load_s", "peak_memory_mb", "parameters", "size_mb"}
)
"""What does not depend on the corpus."""


def number_columns() -> tuple[str, ...]:
    """Name the columns that hold numbers, in the table's order.

    Examples:
        >>> "uar" in number_columns(), "candidate" in number_columns(), "collapsed" in number_columns()
        (True, False, False)
    """
    return tuple(name for name, field in LeaderboardRow.model_fields.items() if _is_number(field.annotation))


def numbers_of(row: LeaderboardRow) -> dict[str, float]:
    """The numbers that a row has; the user's own metrics begin with `metric_`."""
    known = {name: value for name in number_columns() if (value := getattr(row, name)) is not None}
    own = {f"{METRIC_PREFIX}{name}": value for name, value in row.metrics.items() if value is not None}
    return {name: float(value) for name, value in (known | own).items()}


def _is_number(annotation: object) -> bool:
    parts = set(get_args(annotation)) if isinstance(annotation, UnionType) else {annotation}
    return bool(parts) and parts - {NoneType} <= {int, float}
