"""Folds that a user gives in a file, such as published ones: which speaker or which clip is in which fold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from benchmark.corpora.emobox import read_manifests
from benchmark.errors import RequestError, shorten
from benchmark.settings import expanded
from benchmark.training.training_clips import TrainingClips

FOLD_FILES = (".csv", ".tsv", ".json", ".txt")
_LARGEST_FILE_BYTES = 50_000_000
_CLIP_COLUMNS = ("clip", "file", "file_name", "path")
_LISTED = 3
_SEPARATORS = (",", ";", "\t")
_REMEDY = "it needs the columns speaker and fold, or clip and fold"


@dataclass(frozen=True)
class FoldFile:
    """The folds of a file.

    Attributes:
        names: What is in folds: `speaker` or `clip`.
        folds: Speaker or clip → the name of its fold.
    """

    names: str
    folds: Mapping[str, str]


def read_fold_file(path: Path) -> FoldFile:
    """Read folds from a file.

    - CSV or TSV with the columns speaker and fold, or clip and fold.
    - JSON: a list of such rows, or an object fold → speakers, or an object speaker → fold.
    - TXT: speakers, separated by commas, and folds, separated by `|` or ends of lines: `2,5,14 | 3,6,7`.

    Raises:
        RequestError: It is no such file, or gives a speaker or a clip two folds.
    """
    path = expanded(path)
    readers = {".csv": _read_table, ".tsv": _read_table, ".json": _read_json, ".txt": _read_text}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise RequestError(
            f"{path} is no file of folds: --folds takes a number, loso, column:NAME, emobox:DIR, or a file "
            f"({', '.join(readers)})."
        )
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise RequestError(f"{path} is too large for a file of folds: {_REMEDY}.")
        return reader(path)
    except OSError as error:
        raise RequestError(f"The folds {path} cannot be read ({error.strerror}): check the path.") from error
    except (ValueError, RecursionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise RequestError(f"{path} is no file of folds: {reason}.") from error


def read_emobox_folds(folder: Path) -> FoldFile:
    """Read the folds of EmoBox's manifests: which clip, by its key or its recording, is in the test part of which fold.

    Raises:
        RequestError: There are no such manifests, or a clip is in the test parts of several folds.
    """
    manifests = read_manifests(folder)
    if manifests.several_folds:
        raise RequestError(
            f"{len(manifests.several_folds):,} clips are in the test parts of several folds of {folder} "
            f"({shorten(manifests.several_folds, _LISTED)}): leave each in one."
        )
    entries = [entry for entry in manifests.entries.values() if entry.fold is not None]
    if not entries:
        raise RequestError(f"{folder} is one manifest and has no folds: name the dataset's folder.")
    pairs = [(name, str(entry.fold)) for entry in entries for name in (entry.key, entry.wav)]
    return FoldFile("clip", dict(pairs))


def _read_table(path: Path) -> FoldFile:
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    separator = max(_SEPARATORS, key=first.count)
    frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    rows = [{str(name): str(value) for name, value in row.items()} for row in frame.to_dict("records")]
    return _from_rows(rows)


def _read_json(path: Path) -> FoldFile:
    content = json.loads(path.read_text("utf-8-sig"))
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return _from_rows([{str(name): str(value) for name, value in row.items()} for row in content])
    if not isinstance(content, dict) or not content:
        raise ValueError(_REMEDY)
    if all(isinstance(value, list) for value in content.values()):
        return FoldFile("speaker", _unique([(str(name), fold) for fold, names in content.items() for name in names]))
    return FoldFile("speaker", _unique([(name, str(fold)) for name, fold in content.items()]))


def _read_text(path: Path) -> FoldFile:
    parts = [part for line in path.read_text("utf-8-sig").splitlines() for part in line.split("|") if part.strip()]
    names = [[name.strip() for name in part.split(",") if name.strip()] for part in parts]
    return FoldFile("speaker", _unique([(name, str(fold)) for fold, row in enumerate(names, start=1) for name in row]))


def _from_rows(rows: Sequence[Mapping[str, str]]) -> FoldFile:
    if not rows:
        raise ValueError(f"it has no rows; {_REMEDY}")
    columns = {name.strip().lower(): name for name in rows[0]}
    clip = next((columns[name] for name in _CLIP_COLUMNS if name in columns), None)
    key = clip or columns.get("speaker")
    if key is None or "fold" not in columns:
        raise ValueError(f"it has the columns {', '.join(rows[0])}; {_REMEDY}")
    pairs = [(row.get(key, "").strip(), row.get(columns["fold"], "").strip()) for row in rows]
    if empty := [number for number, pair in enumerate(pairs, start=1) if not all(pair)]:
        raise ValueError(f"row {empty[0]} names no {'clip' if clip else 'speaker'} or no fold; fill it in")
    return FoldFile("clip" if clip else "speaker", _unique(pairs))


def _unique(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    folds: dict[str, str] = {}
    for name, fold in pairs:
        if folds.setdefault(name, fold) != fold:
            raise ValueError(f"{name} is in the folds {folds[name]} and {fold}; leave it in one")
    return folds


def folds_of_clips(file: FoldFile, clips: TrainingClips) -> tuple[str | None, ...]:
    """Find the fold of each clip; None where the file names none.

    Speakers match by name or by number (`2` is `02`), clips by name or by the name of the file without its ending.
    """
    keys = clips.speakers if file.names == "speaker" else clips.names
    simplify = _number if file.names == "speaker" else _stem
    simple: dict[str, set[str]] = {}
    for name, fold in file.folds.items():
        simple.setdefault(simplify(name), set()).add(fold)
    # Names that differ in the file and not when they are simplified say nothing, unless they share a fold.
    certain = {name: next(iter(folds)) for name, folds in simple.items() if len(folds) == 1}
    return tuple(None if key is None else file.folds.get(key, certain.get(simplify(key))) for key in keys)


def _number(speaker: str) -> str:
    return speaker.lstrip("0") or "0" if speaker.isdecimal() else speaker


def _stem(clip: str) -> str:
    return PurePosixPath(clip.replace("\\", "/")).stem
