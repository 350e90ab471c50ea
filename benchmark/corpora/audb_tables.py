"""Tables and schemes of audformat as rows of clips: labels, votes, speakers, ratings and splits."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.corpora.audb_repositories import Database
from benchmark.corpora.rows import COLUMN_NAMES, usual_name
from benchmark.corpora.streaming import SpooledRow
from benchmark.errors import RequestError, shorten
from benchmark.results.dimensions import dimension_columns

TEXT_COLUMN = "transcription"
"""What audformat usually calls the column with the text."""
_START, _STOP, _SPLIT = "start", "end", "split"
_JOINED_ROLES = ("speaker", "sex", "language", "text_id", "intensity")
_LISTED = 20
Key = tuple[str, str, str]
"""File, start and end in seconds; empty where a table is about whole files, or a segment ends with its file."""


@dataclass(frozen=True)
class FlatRows:
    """The rows of a database in one table, without audio; what is felt is in the column `label`."""

    rows: tuple[SpooledRow, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Layout:
    """Which tables and columns of a header are read.

    Attributes:
        tables: Those whose rows are clips.
        label: Table → its column with the emotion.
    """

    tables: list[str]
    label: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def flatten(database: Database, name: str, table: str | None, label: str | None) -> FlatRows:
    """Make rows of clips of the tables of a database.

    Args:
        name: What the user calls the database.
        table: The table whose rows are the clips; None for the one with emotions.
        label: The column of labels; None for the usual ones.

    Raises:
        RequestError: There is no such table or column, or no table at all.
    """
    layout = _layout(database.header, name, table, label)
    rows: dict[Key, dict[str, str]] = {}
    for table_id in layout.tables:
        _add_table(rows, database, table_id, layout.label.get(table_id))
    for table_id, column in _joined(database.header, layout):
        _join(rows, database, table_id, column)
    languages = list(database.header.languages)
    for values in rows.values():
        if len(languages) == 1:
            values.setdefault("language", str(languages[0]))
        if "language" in values:
            values["language"] = _two_letters(values["language"])
    notes = (*layout.notes, *dict.fromkeys(_scales(database.header)))
    return FlatRows(tuple(SpooledRow(key[0], None, None, values) for key, values in rows.items()), notes)


def _layout(header: Any, name: str, table: str | None, label: str | None) -> _Layout:
    """Choose the tables whose rows are clips: that of the user, those with emotions, with ratings, or the largest."""
    labels = {table_id: column for table_id in header.tables if (column := _label_column(header, table_id, label))}
    if label is not None and not labels:
        columns = sorted({column for table_id in header.tables for column in header[table_id].columns})
        raise RequestError(
            f"In the database {name} no column of labels is called {label!r}; it has {shorten(columns, _LISTED)}."
        )
    if table is not None:
        if table not in header.tables:
            raise RequestError(
                f"The database {name} has no table {table!r}; it has {shorten(sorted(header.tables), _LISTED)}."
            )
        return _Layout([table], labels)
    rated = [table_id for table_id in header.tables if dimension_columns(header[table_id].columns)]
    voted = [table_id for table_id in header.tables if _vote_columns(header, table_id)]
    candidates = list(labels) or voted or rated or list(header.tables)
    if not candidates:
        raise RequestError(f"The database {name} has no tables of recordings.")
    # Parts of a database may have a table each, beside one of all.
    whole = [table_id for table_id in candidates if header[table_id].split_id is None]
    chosen = whole[:1] or candidates
    notes = []
    if len(candidates) > len(chosen):
        others = [table_id for table_id in candidates if table_id not in chosen]
        notes.append(
            f"The clips of {name} are those of its table {chosen[0]}; {shorten(others, _LISTED)} might be meant "
            f"as well: write `audb:{name}@VERSION:TABLE`."
        )
    return _Layout(chosen, labels, notes)


def _usual_names(header: Any, table_id: str, column: str) -> set[str]:
    scheme = header[table_id].columns[column].scheme_id
    return {usual_name(column), *([usual_name(scheme)] if scheme else [])}


def _label_column(header: Any, table_id: str, label: str | None) -> str | None:
    columns = header[table_id].columns
    if label is not None:
        return label if label in columns else None
    votes = _vote_columns(header, table_id)
    names = COLUMN_NAMES["label"]
    likely = [
        column for column in columns if column not in votes and _usual_names(header, table_id, column) & set(names)
    ]
    return min(likely, key=lambda column: usual_name(column) not in names, default=None)


def _vote_columns(header: Any, table_id: str) -> list[str]:
    """The columns in which several people say what they hear: those of human raters with one scheme of emotions."""
    by_people = [
        column
        for column, described in header[table_id].columns.items()
        if described.rater_id is not None
        and str(header.raters[described.rater_id].type) == "human"
        and _usual_names(header, table_id, column) & set(COLUMN_NAMES["label"])
    ]
    schemes = Counter(header[table_id].columns[column].scheme_id for column in by_people)
    return [column for column in by_people if schemes[header[table_id].columns[column].scheme_id] > 1]


def _add_table(rows: dict[Key, dict[str, str]], database: Database, table_id: str, label: str | None) -> None:
    table = database.load(table_id)
    votes = [column for column in _vote_columns(database.header, table_id) if column != label]
    keys = _keys(table)
    for key in keys:
        rows.setdefault(key, {_START: key[1], _STOP: key[2]} if key[1] or key[2] else {})
        if table.split_id is not None:
            rows[key].setdefault(_SPLIT, str(table.split_id))
    for column in table.columns:
        texts = [_text(value) for value in table.df[column].tolist()]
        for key, text in zip(keys, texts, strict=True):
            if text and column in votes:
                name = f"votes_{text}"
                rows[key][name] = str(int(rows[key].get(name, "0")) + 1)
            elif text:
                rows[key].setdefault("label" if column == label else column, text)
        if column != label and column not in votes:
            _add_described(rows, database, table_id, column, dict(zip(keys, texts, strict=True)))


def _joined(header: Any, layout: _Layout) -> Iterator[tuple[str, str]]:
    """The columns of other tables that describe clips: of each role and dimension, the first."""
    wanted = {role: set(COLUMN_NAMES[role]) for role in _JOINED_ROLES}
    wanted["text_id"].add(TEXT_COLUMN)
    columns = [(table_id, column) for table_id in layout.tables for column in header[table_id].columns]
    own = {name for table_id, column in columns for name in _usual_names(header, table_id, column)}
    missing = {role: names for role, names in wanted.items() if not names & own}
    rated = {name for table_id in layout.tables for name in dimension_columns(header[table_id].columns)}
    for table_id in header.tables:
        if table_id in layout.tables:
            continue
        for role, names in list(missing.items()):
            column = next((c for c in header[table_id].columns if _usual_names(header, table_id, c) & names), None)
            if column is not None:
                del missing[role]
                yield table_id, column
        for dimension, column in dimension_columns(header[table_id].columns).items():
            if dimension not in rated:
                rated.add(dimension)
                yield table_id, column


def _join(rows: dict[Key, dict[str, str]], database: Database, table_id: str, column: str) -> None:
    table = database.load(table_id)
    texts = dict(zip(_keys(table), (_text(value) for value in table.df[column].tolist()), strict=True))
    found = {key: texts.get(key) or texts.get((key[0], "", "")) or "" for key in rows}
    for key, text in found.items():
        if text:
            rows[key].setdefault(column, text)
    _add_described(rows, database, table_id, column, found)


def _add_described(
    rows: dict[Key, dict[str, str]], database: Database, table_id: str, column: str, texts: Mapping[Key, str]
) -> None:
    """Add what a scheme says of its labels, such as the sex and the age of a speaker."""
    scheme_id = database.header[table_id].columns[column].scheme_id
    labels = None if scheme_id is None else database.header.schemes[scheme_id].labels
    if isinstance(labels, str):
        frame = database.load(labels).df
        labels = {str(label): row for label, row in zip(frame.index, frame.to_dict("records"), strict=True)}
    if not isinstance(labels, dict):
        return
    described = {str(label): facts for label, facts in labels.items() if isinstance(facts, dict)}
    for key, text in texts.items():
        for name, value in described.get(text, {}).items():
            if fact := _text(value):
                rows[key].setdefault(str(name), fact)


def _keys(table: Any) -> list[Key]:
    if table.type == "filewise":
        return [(str(file), "", "") for file in table.df.index]
    return [(str(file), _text(start), _text(stop)) for file, start, stop in table.df.index]


def _text(value: Any) -> str:
    import pandas as pd  # noqa: PLC0415 - half a second, which a mistyped name of a corpus must not cost

    if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - not a number
        return ""
    return f"{value.total_seconds():.6g}" if isinstance(value, pd.Timedelta) else str(value)


def _two_letters(language: str) -> str:
    """The code of two letters, as elsewhere in bench; what has none stays."""
    import iso639  # noqa: PLC0415 - comes with audformat

    try:
        return str(iso639.Lang(language).pt1 or language)
    except iso639.exceptions.InvalidLanguageValue:
        return language


def _scales(header: Any) -> Iterable[str]:
    """Say what the schemes of ratings say of their range."""
    for table_id in header.tables:
        for dimension, column in dimension_columns(header[table_id].columns).items():
            scheme_id = header[table_id].columns[column].scheme_id
            scheme = None if scheme_id is None else header.schemes[scheme_id]
            if scheme is not None and all(isinstance(end, int | float) for end in (scheme.minimum, scheme.maximum)):
                low, high = f"{scheme.minimum:g}", f"{scheme.maximum:g}"
                yield f"{dimension} is rated from {low} to {high}: `--scale {dimension}={low}..{high}`."
