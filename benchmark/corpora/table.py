"""A table of clips: one row each, in CSV, TSV, JSON lines or Parquet, with paths relative to the table."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote, urlsplit

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.corpora.rows import Located, TableContents, find_columns, is_usual_name, read_rows
from benchmark.corpora.sources import AudioAddress, UnusableAudio
from benchmark.errors import RequestError
from benchmark.settings import expanded

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".parquet"})
_SEPARATORS = (",", ";", "\t")
# A first line for Excel, which it neither shows nor writes, and which is no row.
_SEPARATOR_SAID = re.compile(r'"?sep=([,;|\t])"?[,;\s]*', re.IGNORECASE)
_NAMED = 5
# What pandas calls the numbers of rows, where it writes them.
_PANDAS_INDEX = "__index_level_"
# Two letters at least: one is a Windows drive.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def read_table(path: Path, *, columns: Mapping[str, str] | None = None) -> TableContents:
    """Read a table of clips.

    Columns are found by name, whatever their case and with spaces or hyphens for `_`; the first of the usual names
    wins. Start and stop (or duration), in seconds, make a clip of a stretch of its file. Columns `votes_<label>`, or
    one row for each `rater` of a clip, count what several raters chose.

    Args:
        path: The table. Relative paths of clips in it are relative to its folder; addresses (`https://…`) are fetched.
        columns: Role (`file`, `label`, `speaker`, …) → the column that has it.

    Returns:
        One clip per row, or per clip that is rated, in the table's order; and notes.

    Raises:
        RequestError: The table is missing, is not what its name says, is empty, or has no column of paths.
    """
    frame = _read(path)
    found = find_columns(str(path), list(frame.columns), columns or {})
    if frame.empty:
        raise RequestError(f"{path} has no rows: it needs one per clip.")
    file = found.by_role["file"]
    missing = [place for place, name in enumerate(frame[file], start=1) if not name.strip()]
    if missing:
        which = ", ".join(map(str, missing[:_NAMED])) + (", …" if len(missing) > _NAMED else "")
        raise RequestError(
            f"{path}: {len(missing)} of {len(frame)} rows name no file in the column '{file}' (row {which} below the "
            "heading): fill it in, or delete them."
        )
    names = [str(name) for name in frame.columns]
    values = [dict(zip(names, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
    return read_rows(str(path), found, values, lambda written: _located(written, path.parent))


def _located(written: str, folder: Path) -> Located:
    if written.lower().startswith("file://"):
        return Path(unquote(urlsplit(written).path))
    if _ADDRESS.match(written):
        return AudioAddress(written)
    path = folder / expanded(written)
    if "\\" in written and os.name != "nt" and not _is_there(path):
        return _from_windows(written, folder)
    return path


def _from_windows(written: str, folder: Path) -> Located:
    """Where a path lies that a table of Windows names, and that is no name of a file here."""
    path = PureWindowsPath(written)
    if path.drive:
        return UnusableAudio(f"It lies at {written}, on a drive of Windows: write paths relative to the table.")
    return folder / path.as_posix()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for the file system, or a zero byte
        return False


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        what = "is a folder, not a table" if path.is_dir() else "does not exist"
        raise RequestError(f"The table {path} {what}: `table:` wants a file ({', '.join(sorted(TABLE_SUFFIXES))}).")
    try:
        frame = _parse(path)
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8 and try again.") from error
    except pd.errors.EmptyDataError as error:
        raise RequestError(f"{path} is empty: it needs a line of column names and one row per clip.") from error
    except (ValueError, pd.errors.ParserError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise RequestError(f"{path} cannot be read as {path.suffix.lstrip('.') or 'a table'}: {reason}.") from error
    except OSError as error:
        raise RequestError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame


def _parse(path: Path) -> pd.DataFrame:
    suffix = path.suffix.lower()
    if suffix in {".csv", ".tsv"}:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        said = _SEPARATOR_SAID.fullmatch(header)
        separator = said[1] if said else "\t" if suffix == ".tsv" else max(_SEPARATORS, key=header.count)
        # Everything is text: speaker 01 is not the number 1, and a label "None" or "NA" is not a missing one.
        skipped = 1 if said else 0
        frame = pd.read_csv(
            path, sep=separator, skiprows=skipped, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
        first = pd.read_csv(
            path, sep=separator, skiprows=skipped, dtype=str, header=None, nrows=1, encoding="utf-8-sig"
        )
        _refuse_doubled(first.iloc[0])
        return _without_blank_ends(frame)
    if suffix == ".jsonl":
        # pandas' own reader turns texts that look like dates or numbers into them; `splitlines` cuts at characters that
        # JSON allows within a text, such as U+2028.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
        records = [_record(line, number) for number, line in enumerate(lines, start=1) if line.strip()]
        if not records:
            raise pd.errors.EmptyDataError
        names = dict.fromkeys(name for record in records for name in record)
        return _as_text({name: [record.get(name) for record in records] for name in names})
    if suffix == ".parquet":
        # Not by pandas, which makes 1.0 of 1 wherever another row says nothing.
        stored = pq.read_table(path)
        columns = (name for name in stored.column_names if not name.startswith(_PANDAS_INDEX))
        return _as_text({name: _whole(stored[name].to_pylist()) for name in columns})
    known = ", ".join(sorted(TABLE_SUFFIXES))
    raise RequestError(f"{path}: a table's name ends in one of {known}.")


def _refuse_doubled(header: Iterable[str]) -> None:
    """Refuse two columns of one name, of which pandas renames the second, where one of them would be read."""
    names = [str(name).strip() for name in header]
    if doubled := [name for name in names if names.count(name) > 1 and is_usual_name(name)]:
        raise ValueError(f"two of its columns are called {doubled[0]!r}; rename one, or delete it")


def _without_blank_ends(frame: pd.DataFrame) -> pd.DataFrame:
    """Undo what pandas does with rows longer than the header: it takes their first fields for the names of rows."""
    if isinstance(frame.index, pd.RangeIndex):
        return frame
    names, extra = list(frame.columns), frame.index.nlevels
    fields = frame.reset_index().fillna("")
    if any(str(text).strip() for row in fields.to_numpy() for text in row[-extra:]):
        raise ValueError(
            "some rows have more fields than the header has columns; "
            "put a text that holds the separator into double quotes"
        )
    return fields.iloc[:, :-extra].set_axis(names, axis=1)


def _record(line: str, number: int) -> dict[str, object]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {number}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise ValueError(f"line {number} is nested too deeply") from error
    if not isinstance(record, dict):
        raise ValueError(f"line {number} holds {line[:20]!r} and not an object")
    return record


def _whole(values: list[object]) -> list[object]:
    """Undo what pandas does before it writes whole numbers of which some are missing: it makes fractions of them."""
    said = [value for value in values if not _is_nothing(value)]
    if len(said) == len(values) or not all(isinstance(value, float) and value.is_integer() for value in said):
        return values
    return [int(value) if isinstance(value, float) and value.is_integer() else None for value in values]


def _as_text(columns: Mapping[str, list[object]]) -> pd.DataFrame:
    return pd.DataFrame({name: [_text(value) for value in values] for name, values in columns.items()}, dtype=str)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if _is_nothing(value) else str(value)


def _is_nothing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - not a number, and no time, are not themselves
