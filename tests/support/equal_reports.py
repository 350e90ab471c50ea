"""Reports of one request that two runs have written: the same files with the same content, apart from times."""

import csv
import difflib
import io
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

_TIMES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\.\d+)?(Z| UTC)?|in [\d.]+ (s|minutes) of work"
    r"|(?<=clips \|)[ \d.]+\|[ \d.]+(?=\|)|(?<=<td class=\"number\">)\d+\.\d(?=</td>)"
)
_MEASURED = re.compile(r"created|.*_ms|.*_s|seconds|rtfx|latency_.*|noise_.*|peak_memory_mb|machine_load|others_.*|log")


def report_differences(first: Path, second: Path, *same: str, ignored: Collection[str] = ()) -> list[str]:
    """List what two folders of reports differ in.

    Args:
        first: One folder.
        second: The other one.
        same: Names, such as those of the caches, that count as one.
        ignored: Keys of JSON documents that may differ.
    """
    names = [sorted(path.name for path in folder.iterdir()) for folder in (first, second)]
    if names[0] != names[1]:
        return [f"{names[0]} and {names[1]}"]
    return [
        f"{name}: {line}"
        for name in names[0]
        for line in _compare(*(_content(folder / name, same, ignored) for folder in (first, second)))
    ]


def _compare(first: list[str], second: list[str]) -> list[str]:
    return list(difflib.unified_diff(first, second, n=0, lineterm=""))[2:12]


def _content(path: Path, same: tuple[str, ...], ignored: Collection[str]) -> list[str]:
    if path.suffix == ".parquet":
        return [path.read_bytes().hex()]
    text = path.read_text("utf-8")
    for name in same:
        text = text.replace(name, "<same>")
    if path.suffix == ".json":
        return json.dumps(_without(json.loads(text), ignored), indent=1).splitlines()
    if path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(text))
        return [str({key: value for key, value in row.items() if not _MEASURED.fullmatch(key)}) for row in rows]
    return _TIMES.sub("<time>", text).splitlines()


def _without(content: Any, ignored: Collection[str]) -> Any:
    if isinstance(content, dict):
        return {
            key: _without(value, ignored)
            for key, value in content.items()
            if not _MEASURED.fullmatch(key) and key not in ignored
        }
    return [_without(item, ignored) for item in content] if isinstance(content, list) else content
