"""Results as data frames of pandas: the columns of the CSV reports, each with the type of its field."""

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from benchmark.reporting.csv_and_json import LEADERBOARD_COLUMNS, VERIFICATION_COLUMNS, verification_values
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.verification import Verification, VerificationReport

if TYPE_CHECKING:
    import pandas as pd

_TYPES: Mapping[type, str] = {bool: "boolean", int: "Int64", float: "float64", str: "str"}
# Those that follow from fields, or are counts of them.
_DERIVED = {"verdict": "str", "emotions": "Int64", "size_mb": "float64", "batches": "boolean", "pads": "boolean"}


def leaderboard_frame(leaderboard: Leaderboard) -> "pd.DataFrame":
    """The rows of `leaderboard.csv`; the user's own metrics are `metric_…`."""
    metrics = dict.fromkeys(name for row in leaderboard.rows for name in row.metrics)
    columns = {name: _type_of(LeaderboardRow, name) for name in LEADERBOARD_COLUMNS}
    rows = [
        {name: getattr(row, name) for name in LEADERBOARD_COLUMNS}
        | {f"metric_{name}": row.metrics.get(name) for name in metrics}
        for row in leaderboard.rows
    ]
    return _frame(rows, columns | {f"metric_{name}": "float64" for name in metrics})


def verification_frame(report: VerificationReport) -> "pd.DataFrame":
    """The rows of `verification.csv`."""
    columns = {name: _DERIVED.get(name) or _type_of(Verification, name) for name in VERIFICATION_COLUMNS}
    return _frame(list(map(verification_values, report.candidates)), columns)


def _type_of(model: type[BaseModel], field: str) -> str:
    if field not in model.model_fields:
        return "object"
    annotation = model.model_fields[field].annotation
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not NoneType]
    names = [name for kind, name in _TYPES.items() if len(kinds) == 1 and _is_a(kinds[0], kind)]
    return names[0] if names else "object"


def _is_a(kind: object, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _frame(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - slow to import, and few results become a data frame

    columns = {name: pd.Series([_cell(row[name]) for row in rows], dtype=kind) for name, kind in types.items()}
    return pd.DataFrame(columns)


def _cell(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
