"""Hostile tables of clips: CSV, TSV, JSON lines and Parquet."""

import io
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.attacks import Arena, Attack, Kind, draw
from tests.support.hostile_tables import as_csv, corpus, lay_out, written
from tests.support.hostile_texts import NUMBERS, PATHS, TEXTS, mutated

HEADING = ["file", "label", "speaker", "start", "stop"]
ROLES = (
    "file", "path", "label", "emotion", "speaker", "sex", "language", "start", "stop", "duration", "rater",
    "votes_anger",
)  # fmt: skip


def rows_with(random: Random, texts: Sequence[str], column: int, count: int = 8) -> list[list[str]]:
    """Rows of which most hold hostile texts in one column."""
    rows = [["ok.wav", "anger", "s1", "", ""] for _ in range(count)]
    for row in rows[1:]:
        row[column] = random.choice(texts)
    random.shuffle(rows)
    return [HEADING, *rows]


def hostile_paths(random: Random, folder: Path) -> Attack:
    return written(folder, as_csv(rows_with(random, PATHS, 0)))


def hostile_texts(random: Random, folder: Path) -> Attack:
    return written(folder, as_csv(rows_with(random, TEXTS, random.choice((1, 2)))))


def hostile_times(random: Random, folder: Path) -> Attack:
    rows = rows_with(random, NUMBERS, 3)
    for row in rows[1:]:
        row[4] = random.choice(NUMBERS)
    return written(folder, as_csv(rows))


def hostile_headings(random: Random, folder: Path) -> Attack:
    names = [random.choice((*ROLES, *ROLES, *TEXTS)) for _ in range(random.randrange(1, 12))]
    rows = [[random.choice(("ok.wav", "anger", *TEXTS, *NUMBERS)) for _ in names] for _ in range(5)]
    return written(folder, as_csv([names, *rows]))


def hostile_votes(random: Random, folder: Path) -> Attack:
    rows = [["ok.wav", random.choice(NUMBERS), random.choice((*NUMBERS, "1"))] for _ in range(random.randrange(1, 9))]
    return written(folder, as_csv([["file", "votes_anger", "votes_" + random.choice(("sadness", *TEXTS[:40]))], *rows]))


def hostile_raters(random: Random, folder: Path) -> Attack:
    rows = [["ok.wav", random.choice(TEXTS), random.choice(TEXTS)] for _ in range(200)]
    return written(folder, as_csv([["file", "label", "rater"], *rows]))


def ragged(random: Random, folder: Path) -> Attack:
    rows = [["ok.wav", "anger", "s1"] * random.randrange(4) for _ in range(20)]
    return written(folder, as_csv([HEADING[: random.randrange(1, 5)], *rows]))


def quotes(random: Random, folder: Path) -> Attack:
    pieces = [
        '"', '""', ",", ";", "\t", "\n", "\r", "\r\n", "ok.wav", "anger", "\\", "'", "sep=;", "\ufeff", "\x00", "\x1a",
    ]  # fmt: skip
    body = "".join(random.choice(pieces) for _ in range(random.choice((10, 100, 2_000))))
    return written(folder, "file,label\nok.wav,anger\n" + body, random.choice(("clips.csv", "clips.tsv")))


def encodings(random: Random, folder: Path) -> Attack:
    text = as_csv(rows_with(random, ("colère", "분노", "😡", "ярость"), 1))
    encoding = random.choice(
        ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "cp949", "cp1251", "utf-8")
    )
    content = random.choice((b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) + text.encode(encoding, "replace")
    return written(folder, content + random.choice((b"", text.encode("utf-16"), b"\xff")))


def damaged(random: Random, folder: Path) -> Attack:
    return written(folder, mutated(as_csv(rows_with(random, ("anger",), 1)).encode(), random))


def noise(random: Random, folder: Path) -> Attack:
    ending = random.choice(("csv", "tsv", "jsonl", "parquet"))
    return written(folder, random.randbytes(random.choice((1, 10, 1_000, 100_000))), f"clips.{ending}")


def many_columns(random: Random, folder: Path) -> Attack:
    columns = random.choice((20_000, 100_000)) + random.randrange(100)
    names = ["file", "label", *(f"c{number}" for number in range(columns))]
    return written(folder, as_csv([names, ["ok.wav", "anger", *("x" for _ in range(columns))]]))


def many_rows(random: Random, folder: Path) -> Attack:
    count = 20_000 + random.randrange(100)
    rows = [["ok.wav" if number == 0 else f"{random.random()}.wav", "anger"] for number in range(count)]
    return written(folder, as_csv([["file", "label"], *rows]))


def long_field(random: Random, folder: Path) -> Attack:
    size = 5_000_000 + random.randrange(1_000)
    content = f"file,label\nok.wav,anger\nok.wav,{random.choice(('', chr(34)))}{'a' * size}"
    return written(folder, content + random.choice(("", "\n", '"\n', '"x\n')))


def no_table(random: Random, folder: Path) -> Attack:
    lay_out(folder)
    name = f"clips.{random.choice(('csv', 'tsv', 'jsonl', 'parquet'))}"
    path = folder / name
    match random.randrange(6):
        case 0:
            path.symlink_to(
                random.choice(("/dev/zero", "/dev/random", "/proc/self/environ", "/proc/self/maps", "loop", "fifo"))
            )
        case 1:
            os.mkfifo(path)
        case 2:
            path.mkdir()
        case 3:
            path.touch()
            os.truncate(path, random.choice((1, 3_000_000_000, 60_000_000_000)))
        case 4:
            path.touch(mode=0)
        case _:
            path.symlink_to(folder.parent / "precious" / "diary.txt")
    return corpus(random.choice((f"table:{name}", name, f"table:../work/{name}", f"table:{path}")))


def json_value(random: Random, depth: int = 0) -> Any:
    if depth > 3 or random.random() < 0.6:
        return random.choice(
            (
                None,
                True,
                0,
                -1,
                10**400,
                math.nan,
                math.inf,
                1e308,
                "ok.wav",
                *random.sample(TEXTS, 3),
                *random.sample(PATHS, 3),
            )
        )
    if random.random() < 0.5:
        return [json_value(random, depth + 1) for _ in range(random.randrange(4))]
    return {random.choice((*ROLES, *TEXTS)): json_value(random, depth + 1) for _ in range(random.randrange(4))}


def json_lines(random: Random, folder: Path) -> Attack:
    lines = [json.dumps({"file": "ok.wav", "label": "anger"})]
    for _ in range(random.randrange(1, 10)):
        row = {random.choice(ROLES): json_value(random) for _ in range(4)} | {"file": json_value(random)}
        lines.append(json.dumps(random.choice((row, row, row, json_value(random)))))
    lines.append(
        random.choice(
            ("", "{", "[" * 200_000, '{"file":' * 90_000, '{"file": "ok.wav", "file": 1}', '"\\ud800"', "\x00")
        )
    )
    if random.random() < 0.5:
        random.shuffle(lines)
    return written(folder, "\n".join(lines), "clips.jsonl")


def parquet_types(random: Random, folder: Path) -> Attack:
    columns: list[Callable[[], pa.Array]] = [
        lambda: pa.array([random.choice((*PATHS, "ok.wav")).encode("utf-8", "replace").decode() for _ in range(3)]),
        lambda: pa.array([b"ok.wav", random.randbytes(9), None]), lambda: pa.array([["ok.wav"], [], None]),
        lambda: pa.array([{"path": "ok.wav", "bytes": b"x"}, None, {}]), lambda: pa.array([1, 2**62, None]),
        lambda: pa.array([math.nan, math.inf, -0.0]), lambda: pa.array([10**30, None, -1], pa.decimal128(38, 0)),
        lambda: pa.array([2**62, -(2**62), None], pa.timestamp("us")),
        lambda: pa.array([2**30, -(2**31), None], pa.date32()),
        lambda: pa.array(["ok.wav", "ok.wav", None]).dictionary_encode(), lambda: pa.nulls(3),
    ]  # fmt: skip
    names = ["file", *random.choices(ROLES, k=4)]
    table = pa.table([random.choice(columns)() for _ in names], names=names)
    lay_out(folder)
    pq.write_table(table, folder / "clips.parquet")
    return corpus("table:clips.parquet")


def parquet_damaged(random: Random, folder: Path) -> Attack:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"file": ["ok.wav"] * 50, "label": ["anger"] * 50}), buffer)
    return written(folder, mutated(buffer.getvalue(), random), "clips.parquet")


def parquet_bomb(random: Random, folder: Path) -> Attack:
    """A small file of many equal rows."""
    lay_out(folder)
    rows = random.choice((2_000_000, 30_000_000)) + random.randrange(100)
    name = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int8)), pa.array(["ok.wav" * random.randrange(1, 9)])
    )
    pq.write_table(pa.table({"file": name, "label": name}), folder / "clips.parquet", compression="zstd")
    return corpus("table:clips.parquet")


KINDS: dict[str, Kind] = {
    "paths": hostile_paths, "texts": hostile_texts, "times": hostile_times, "headings": hostile_headings,
    "votes": hostile_votes, "raters": hostile_raters, "ragged": ragged, "quotes": quotes, "encodings": encodings,
    "damaged": damaged, "noise": noise, "many-columns": many_columns, "many-rows": many_rows, "long-field": long_field,
    "no-table": no_table, "json-lines": json_lines, "parquet-types": parquet_types, "parquet-damaged": parquet_damaged,
    "parquet-bomb": parquet_bomb,
}  # fmt: skip


@pytest.mark.parametrize(("make", "seed"), draw(KINDS, 0.2))
def test_a_hostile_table_is_a_sentence_or_loses_only_its_bad_clips(make: Kind, seed: str, arena: Arena) -> None:
    arena.withstands(make, seed)
