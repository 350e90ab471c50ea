"""A table of clips: one row each, in CSV, TSV, JSON lines or Parquet, with paths relative to the table."""

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from benchmark.corpora.audio_sources import AudioAddress, AudioFile, UnusableAudio
from benchmark.corpora.clips import CorpusContents
from benchmark.corpora.rows import Columns, Located, find_columns, is_usual_name, read_rows
from benchmark.corpora.spec_syntax import TABLE_SUFFIXES
from benchmark.errors import RequestError, shorten
from benchmark.registry.locations import is_address
from benchmark.settings import expanded

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Content = TypeVar("Content")
MOST_COLUMNS = 10_000
"""Each clip of a run keeps all of them."""
MOST_ROWS = 1_000_000
"""A clip takes about a kilobyte of memory."""
MOST_BYTES = 250_000_000
_SEPARATORS = (",", ";", "\t")
# A first line for Excel, which it neither shows nor writes, and which is no row.
_SEPARATOR_LINE = re.compile(r'"?sep=([,;|\t])"?[,;\s]*', re.IGNORECASE)
# What pandas calls the numbers of rows, where it writes them.
_PANDAS_INDEX = "__index_level_"


def read_table(path: Path, *, columns: Mapping[str, str] | None = None) -> CorpusContents:
    """Read a table of clips.

    Start and stop (or duration), in seconds, make a clip of a stretch of its file. Columns `votes_<label>`, or one row
    for each `rater` of a clip, count what several raters chose.

    Relative paths of clips are relative to the table's folder; addresses (`https://…`) are fetched.

    Args:
        columns: Role (`file`, `label`, `speaker`, …) → the column that has it; others are found by name.

    Returns:
        One clip per row, or per clip that is rated, in the table's order; and notes.

    Raises:
        RequestError: The table is missing, is not what its name says, is empty, or has no column of paths.
    """
    roles, rows = read_table_rows(path, columns=columns or {})
    return read_rows(str(path), roles, rows, lambda location: locate(location, path.parent))


def read_table_rows(path: Path, *, columns: Mapping[str, str]) -> tuple[Columns, list[dict[str, str]]]:
    """Read the texts of a table that names recordings: what its columns hold, and its rows (column → text).

    Raises:
        RequestError: As `read_table`.
    """
    texts = _read(path)
    roles = find_columns(str(path), list(texts), columns)
    file = roles.by_role["file"]
    if not texts[file]:
        raise RequestError(f"{path} has no rows: it needs one per clip.")
    if missing := [str(number) for number, name in enumerate(texts[file], start=1) if not name.strip()]:
        raise RequestError(
            f"{path}: {len(missing)} of {len(texts[file])} rows name no file in the column '{file}' (row "
            f"{shorten(missing)} below the heading): fill it in, or delete them."
        )
    return roles, [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]


def locate(location: str, folder: Path) -> Located:
    """Find the audio that a table in a folder names: a path relative to the folder, or an address."""
    if location.lower().startswith("file://"):
        return AudioFile(Path(unquote(urlsplit(location).path)))
    if is_address(location):
        return AudioAddress(location)
    path = folder / expanded(location)
    if "\\" in location and os.name != "nt" and not _exists(path):
        windows = PureWindowsPath(location)
        if windows.drive:
            return UnusableAudio(f"It lies at {location}, on a drive of Windows: write paths relative to the table.")
        path = folder / windows.as_posix()
    return AudioFile(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for the file system, or a zero byte
        return False


def read_file(
    path: Path, readers: Mapping[str, Callable[[Path], Content]], *, what: str = "a table of clips"
) -> Content:
    """Read a table by the reader of its suffix, and say in one sentence what is wrong with it.

    Args:
        readers: By the lower-case end of the name, such as `.csv`.
        what: What the table is, for the message on its size.

    Raises:
        RequestError: The table is missing, too large, or not what its name says.
    """
    import pandas as pd  # noqa: PLC0415 - half a second, which a mistyped name of a corpus must not cost
    import pyarrow as pa  # noqa: PLC0415

    if not path.is_file():
        problem = "is a folder, not a table" if path.is_dir() else "does not exist"
        raise RequestError(f"The table {path} {problem}: give a file ({', '.join(sorted(TABLE_SUFFIXES))}).")
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise RequestError(f"{path}: a table's name ends in one of {', '.join(sorted(TABLE_SUFFIXES))}.")
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise ValueError(f"it has {size:,} bytes, and {what} may have {MOST_BYTES:,}; split it")
        return reader(path)
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8 and try again.") from error
    except pd.errors.EmptyDataError as error:
        raise RequestError(f"{path} is empty: it needs a line of column names and one row per clip.") from error
    except (ValueError, OverflowError, pd.errors.ParserError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise RequestError(f"{path} cannot be read as {path.suffix.lstrip('.')}: {reason}.") from error
    except OSError as error:
        raise RequestError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error


def _read(path: Path) -> dict[str, list[str]]:
    """The texts of each column."""
    readers = {".csv": _csv_texts, ".tsv": _csv_texts, ".jsonl": _json_texts, ".parquet": _parquet_texts}
    return {name.strip(): texts for name, texts in read_file(path, readers).items()}


def _csv_texts(path: Path) -> dict[str, list[str]]:
    frame = read_csv(path)
    return {name: frame.iloc[:, index].tolist() for index, name in enumerate(frame.columns)}


def read_csv(path: Path) -> "pd.DataFrame":
    """Read CSV or TSV, whatever separates its fields; all columns are texts, empty where there is nothing.

    Raises:
        ValueError: It is too wide or too long, or two columns with a role have one name.
    """
    import pandas as pd  # noqa: PLC0415

    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    stated = _SEPARATOR_LINE.fullmatch(first)
    separator = stated[1] if stated else "\t" if path.suffix.lower() == ".tsv" else max(_SEPARATORS, key=first.count)
    # pandas renames the second of two columns of one name, and takes its time with too many.
    names = Counter(_header(path, separator, skip=stated is not None))
    _refuse_too_wide(names.total())
    if doubled := [name for name, count in names.items() if count > 1 and is_usual_name(name)]:
        raise ValueError(f"two of its columns are called {doubled[0]!r}; rename one, or delete it")
    # Everything is text: speaker 01 is not the number 1, and a label "None" or "NA" is not a missing one.
    frame = pd.read_csv(
        path, sep=separator, skiprows=1 if stated else 0, dtype=str, keep_default_na=False, encoding="utf-8-sig",
        nrows=MOST_ROWS + 1,
    )  # fmt: skip
    _refuse_too_long(len(frame))
    fields, columns = frame, list(frame.columns)
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas takes the first fields of rows that are longer than the header for the names of rows.
        fields = frame.reset_index().fillna("")
        if any(str(text).strip() for text in fields.iloc[:, len(columns) :].to_numpy().ravel()):
            raise ValueError(
                "some rows have more fields than the header has columns; "
                "put a text that holds the separator into double quotes"
            )
    return fields.iloc[:, : len(columns)].set_axis([str(name) for name in columns], axis=1)


def _header(path: Path, separator: str, *, skip: bool) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if skip:
            file.readline()
        try:
            return [name.strip() for name in next(filter(None, csv.reader(file, delimiter=separator)), [])]
        except csv.Error as error:
            raise ValueError(str(error)) from error


def _json_texts(path: Path) -> dict[str, list[str]]:
    records = read_json_lines(path)
    names = dict.fromkeys(name for record in records for name in record)
    _refuse_too_wide(len(names))
    return {name: [_text(record.get(name)) for record in records] for name in names}


def read_json_lines(path: Path) -> list[dict[str, object]]:
    """Read the objects of a file with one in each line that is not empty.

    Raises:
        ValueError: A line holds something else, or there are too many.
    """
    import pandas as pd  # noqa: PLC0415

    # pandas' own reader turns texts that look like dates or numbers into them; `splitlines` cuts at characters that
    # JSON allows within a text, such as U+2028.
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    _refuse_too_long(len(lines) - 1)
    records = [_record(line, number) for number, line in enumerate(lines, start=1) if line.strip()]
    if not records:
        raise pd.errors.EmptyDataError
    return records


def _refuse_too_wide(columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise ValueError(
            f"it has {columns:,} columns, and a table of clips may have {MOST_COLUMNS:,}; keep what describes clips"
        )


def _refuse_too_long(rows: int) -> None:
    if rows > MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS:,} rows, the most that a table of clips may have; split it")


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


def read_parquet(path: Path) -> "pa.Table":
    """Read Parquet, but for what pandas adds to number rows.

    Raises:
        ValueError: It is too wide or too long.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415

    _refuse_too_wide(len(pq.read_schema(path)))
    # A small file can hold any number of equal rows.
    _refuse_too_long(pq.read_metadata(path).num_rows)
    table = pq.read_table(path)
    return table.drop_columns([name for name in table.column_names if name.startswith(_PANDAS_INDEX)])


def _parquet_texts(path: Path) -> dict[str, list[str]]:
    # Not by pandas, which makes 1.0 of 1 wherever another row says nothing; in files that it wrote, that is undone.
    texts = {}
    for name, values in read_parquet(path).to_pydict().items():
        present = [value for value in values if not _is_missing(value)]
        was_whole = len(present) < len(values) and all(isinstance(v, float) and v.is_integer() for v in present)
        texts[name] = [_text(int(value) if was_whole and not _is_missing(value) else value) for value in values]
    return texts


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if _is_missing(value) else str(value)


def _is_missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - not a number, and no time, are not themselves
