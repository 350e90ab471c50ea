"""A table of clips: one row each, in CSV, TSV, JSON lines or Parquet, with paths relative to the table."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchmark.corpora.clips import AudioFile, Clip
from benchmark.errors import RequestError

COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "file_name", "path", "audio"),
    "label": ("label", "emotion"),
    "speaker": ("speaker", "speaker_id", "actor"),
    "sex": ("sex", "gender"),
    "language": ("language", "lang"),
    "text_id": ("text_id", "text"),
}
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".parquet"})
_SEPARATORS = (",", ";", "\t")


def read_table(path: Path, *, columns: Mapping[str, str] | None = None) -> tuple[Clip, ...]:
    """Read a table of clips.

    Columns are found by name, whatever their case; the first of the usual names wins.

    Args:
        path: The table. Relative paths of clips in it are relative to its folder.
        columns: For a role (`file`, `label`, `speaker`, `sex`, `language`, `text_id`), the column that has it.

    Returns:
        One clip per row, in the table's order.

    Raises:
        RequestError: The table is missing, is not what its name says, is empty, or has no column of paths.
    """
    frame = _read(path)
    roles = _roles(path, list(frame.columns), columns or {})
    if frame.empty:
        raise RequestError(f"{path} has no rows: it needs one per clip.")
    if missing := (frame[roles["file"]].str.strip() == "").sum():
        raise RequestError(f"{path}: {missing} of {len(frame)} rows name no file in the column '{roles['file']}'.")
    records = frame[list(roles.values())].itertuples(index=False, name=None)
    return tuple(_clip(dict(zip(roles, values, strict=True)), path.parent) for values in records)


def _clip(values: dict[str, str], folder: Path) -> Clip:
    file = values.pop("file").strip()
    known = {role: value.strip() or None for role, value in values.items()}
    return Clip(name=file, audio=AudioFile(folder / Path(file).expanduser()), **known)


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
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
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
        separator = "\t" if suffix == ".tsv" else max(_SEPARATORS, key=header.count)
        # Everything is text: speaker 01 is not the number 1, and a label "None" or "NA" is not a missing one.
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    if suffix == ".jsonl":
        # pandas' own reader turns texts that look like dates or numbers into them.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return _as_text(pd.DataFrame.from_records([_record(line) for line in lines if line.strip()]))
    if suffix == ".parquet":
        return _as_text(pd.read_parquet(path))
    known = ", ".join(sorted(TABLE_SUFFIXES))
    raise RequestError(f"{path}: a table's name ends in one of {known}.")


def _record(line: str) -> dict[str, object]:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError(f"a line holds {line[:20]!r} and not an object")
    return record


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.fillna("").map(str)


def _roles(path: Path, present: list[str], chosen: Mapping[str, str]) -> dict[str, str]:
    if unknown := set(chosen) - set(COLUMN_NAMES):
        raise RequestError(
            f"Unknown role {sorted(unknown)[0]!r} under `columns:`: known are {', '.join(COLUMN_NAMES)}."
        )
    if absent := [column for column in chosen.values() if column not in present]:
        raise RequestError(f"{path} has no column {absent[0]!r}; it has {', '.join(present)}.")
    by_lower_name = {column.lower(): column for column in reversed(present)}
    roles = {
        role: column
        for role, names in COLUMN_NAMES.items()
        if (column := chosen.get(role) or next((by_lower_name[n] for n in names if n in by_lower_name), None))
    }
    if "file" not in roles:
        raise RequestError(
            f"{path} has no column of audio paths ({', '.join(COLUMN_NAMES['file'])}); it has "
            f"{', '.join(present)}. Rename one, or say which under `columns: {{file: …}}` in the registry."
        )
    return roles
