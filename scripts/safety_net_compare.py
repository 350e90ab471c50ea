"""Compares two records of the safety net: exit codes, streams and files, apart from what differs in every run."""

import csv
import difflib
import html
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

TOLERANCE = 1e-6
MOST_LINES = 12

_VOLATILE_KEY = re.compile(
    r"created|started|finished|seconds|modified|bytes_read|load_s|rtfx|peak_memory_mb|free_gb|free_memory_gb|check_s|conversion_s|pid|log"
    r"|latency_(p\d+|calls|stopped|low|high).*|.*_ms|.*busy.*|path|bytes"
)
_NOISY = re.compile(r"(?:, |; |, and )?\bnoisy\b(?:: Other processes used[^;|]*)?|Other processes used [^.|]*\.\s*")
_PATTERNS = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\x1b\[[0-9;]*m", ""),
        (r"http://127\.0\.0\.1:\d+", "<HUB>"),
        (r"127\.0\.0\.1:\d+|port=\d+", "<PORT>"),
        (r"/(?:[\w.-]+/)*tmp[\w.-]{6,}", "<TMP>"),
        (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|\+00:00| UTC)?", "<TIME>"),
        (r"\d{8}T\d{6}\.\d+Z", "<TIME>"),
        (r"\b[\d.]+ (seconds|second|minutes|minute|hours|days)( ago)?\b", "<AGE>"),
        (r"\b[\d.]+ (MB|GB)( free| memory)?", "<SIZE>"),
        (r"in [\d.]+ (s|minutes|hours) of work", "in <AGE> of work"),
        (r"\(pid \d+\)|\bpid \d+|process \d+", "<PID>"),
        (r"0x[0-9a-f]{6,}", "<ADDRESS>"),
        (r" +(?=\|)|(?<=\|) +", " "),
        (r"[-─━═]{3,}:?", "---"),
        (r"[ \t]+", " "),
    )
)
# Lines on progress, on the load of the machine, and rows of latencies with their intervals.
_PROGRESS = re.compile(
    r"^.*: \d+ of \d+ .*$|^Timing on .*$|^.*\bnoisy\b: Other processes.*$"
    r"|^.*\b\d+\.\d \[\d+\.\d–\d+\.\d\].*$",
    re.MULTILINE,
)
_COUNTED = re.compile(r"^(Listening|Reading|Finding speech in) (.*)\(\d+ \w+\)$", re.MULTILINE)
# The last cells of the table of checks: seconds of conversion and of comparison.
_CHECK_TIMES = re.compile(r"(\d+ clips(?: \| |\n))\d+\.\d((?: \| |\n))\d+\.\d\b")
_SIZE_OR_AGE = re.compile(r"\b\d+\.\d+( (s|minutes|hours)\b)?|\b\d+ (s|minutes)\b")
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*|BENCH_[A-Z_]+")
_SCRIPT = re.compile(r"<(script|style|svg)\b[^>]*>.*?</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


def compare_records(before: Path, after: Path, sections: Sequence[str]) -> list[str]:
    """List the differences of the sections that both records have; a section that one lacks is one difference."""
    differences = []
    for section in sections:
        there = [(folder / section).is_dir() for folder in (before, after)]
        if not any(there):
            continue
        if not all(there):
            differences.append(f"{section}: only in {before if there[0] else after}")
            continue
        differences += _compare_section(before / section, after / section)
    return differences


def _compare_section(before: Path, after: Path) -> Iterator[str]:
    paths = [json.loads((folder / "paths.json").read_text(encoding="utf-8")) for folder in (before, after)]
    shared = [known.get("<SHARED>") for known in paths]
    if shared[0] != shared[1]:
        yield f"{before.name}: recorded with the recordings of {shared[0]} and of {shared[1]}; set BENCH_SHARED"
    cases = [{path.name for path in folder.iterdir() if path.is_dir()} for folder in (before, after)]
    for case in sorted(cases[0] ^ cases[1]):
        yield f"{before.name}/{case}: only {'before' if case in cases[0] else 'after'}"
    for case in sorted(cases[0] & cases[1]):
        for problem in _compare_case(before / case, after / case, paths):
            yield f"{before.name}/{case}: {problem}"


def _compare_case(before: Path, after: Path, paths: Sequence[dict[str, str]]) -> Iterator[str]:
    codes = [json.loads((case / "result.json").read_text(encoding="utf-8"))["exit"] for case in (before, after)]
    if codes[0] != codes[1]:
        yield f"exit code {codes[0]} -> {codes[1]}"
    names = [
        {path.relative_to(case).as_posix() for path in case.rglob("*") if path.is_file()} for case in (before, after)
    ]
    for name in sorted(names[0] ^ names[1]):
        yield f"{name}: only {'before' if name in names[0] else 'after'}"
    for name in sorted(names[0] & names[1] - {"result.json"}):
        first, second = (_content(case / name, known) for case, known in zip((before, after), paths, strict=True))
        for problem in _differences(first, second):
            yield f"{name}: {problem}"


def _content(path: Path, paths: dict[str, str]) -> Any:
    """Read a file as what is compared: a set of options, JSON, a table, or lines of text."""
    case = path.parents[0].name
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        columns = [f"{field.name}: {field.type}" for field in table.schema]
        return {"columns": columns, "rows": _plain(json.loads(json.dumps(table.to_pylist(), default=str)), paths)}
    text = _replaced(path.read_text(encoding="utf-8", errors="replace"), paths)
    if case.startswith("help"):
        return sorted(set(_OPTION.findall(text)))
    if path.suffix == ".html":
        # The data that the page's own script reads is no contract.
        return _lines(html.unescape(_TAG.sub("\n", _SCRIPT.sub("", text))))
    if path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        return {"columns": text.split("\n", 1)[0], "rows": [_plain(row, paths) for row in rows]}
    if path.suffix == ".json" or text.startswith(("{", "[")):
        return _as_json(text, paths)
    if case.startswith("cache"):
        text = _SIZE_OR_AGE.sub("<NUMBER>", text)
    # The order of keywords is no contract.
    return sorted(_lines(text)) if case == "signatures" else _lines(text)


def _as_json(text: str, paths: dict[str, str]) -> Any:
    try:
        content = json.loads(text)
    except ValueError:
        return _lines(text)
    return _plain(content, paths)


def _replaced(text: str, paths: dict[str, str]) -> str:
    for word, path in paths.items():
        text = text.replace(path, word)
    return text


def _plain(content: Any, paths: dict[str, str], key: str = "") -> Any:
    """Leave out what differs in every run; texts are normalised, so that paths and times in them do not count."""
    if isinstance(content, dict):
        kept = {name: _plain(value, paths, str(name)) for name, value in content.items()}
        return {name: "<any>" if _VOLATILE_KEY.fullmatch(name) else value for name, value in kept.items()}
    if isinstance(content, list):
        return [_plain(value, paths, key) for value in content if value != "noisy"]
    if isinstance(content, str):
        number = _number(content)
        return _normalised(_replaced(content, paths)) if number is None else number
    return content


def _number(text: str) -> float | None:
    try:
        return float(text) if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", text) else None
    except ValueError:
        return None


def _normalised(text: str) -> str:
    text = _COUNTED.sub(r"\1 \2", _PROGRESS.sub("", _NOISY.sub("", text)))
    for pattern, word in _PATTERNS:
        text = pattern.sub(word, text)
    return text.strip()


def _lines(text: str) -> list[str]:
    lines = "\n".join(line.strip() for line in _normalised(text).splitlines() if line.strip())
    return _CHECK_TIMES.sub(r"\1<S>\2<S>", lines).splitlines()


def _differences(first: Any, second: Any, at: str = "") -> Iterator[str]:
    if isinstance(first, dict) and isinstance(second, dict):
        for name in sorted(first.keys() ^ second.keys()):
            yield f"{at}.{name}: only {'before' if name in first else 'after'}"
        for name in first.keys() & second.keys():
            yield from _differences(first[name], second[name], f"{at}.{name}" if at else name)
        if list(first) != list(second) and first.keys() == second.keys():
            yield f"{at}: another order of keys"
    elif _is_text(first) and _is_text(second):
        changes = [
            line for line in difflib.unified_diff(first, second, lineterm="", n=0) if line[:2] not in ("--", "++", "@@")
        ]
        if changes:
            shown = "\n    ".join(changes[:MOST_LINES])
            more = f"\n    and {len(changes) - MOST_LINES} more lines" if len(changes) > MOST_LINES else ""
            yield f"{at}\n    {shown}{more}"
    elif isinstance(first, list) and isinstance(second, list):
        if len(first) != len(second):
            yield f"{at}: {len(first)} -> {len(second)} entries"
        for number, (one, other) in enumerate(zip(first, second, strict=False)):
            yield from _differences(one, other, f"{at}[{number}]")
    elif not _equal(first, second):
        yield f"{at}: {str(first)[:300]!r} -> {str(second)[:300]!r}"


def _is_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return bool(first is second)
    if isinstance(first, (int, float)) and isinstance(second, (int, float)):
        if math.isnan(first) and math.isnan(second):
            return True
        return bool(math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE))
    return bool(first == second)
