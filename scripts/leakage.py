"""Measure what a leaky split adds to a score: `python -m scripts.leakage CORPUS [RECIPE]`, where CORPUS is a table.

The same recipe is scored with three splits of the same recordings: speaker-disjoint folds; random folds of clips; and
random folds of clips and of copies at other speeds, made before the split. Recipes with a linear model are also scored
with vectors that are centred by some clips of each speaker. Prints a row of docs/leakage.md each.
"""

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

import benchmark
from benchmark.progress import Silent

FOLDS = 5
SPEEDS = (0.9, 1.1)
ALLOWED = ("shared-speakers", "near-copies")
ENROLLED = 8
LINEAR = ("functionals", "ensemble")


def main() -> None:
    """Train three times, and print the scores."""
    corpus, recipe = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "functionals"  # noqa: PLR2004
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = read_rows(corpus)
        tables = {
            "speaker-disjoint": write_table(folder / "disjoint.csv", rows),
            "random clips": write_table(folder / "random.csv", rows),
            "random clips, copies made before": write_table(folder / "copies.csv", [*rows, *copies(rows, folder)]),
        }
        for split, table in tables.items():
            is_leaky = split != "speaker-disjoint"
            outcome = benchmark.train(
                f"table:{table}",
                recipe=recipe,
                folds="column:random" if is_leaky else str(FOLDS),
                allow=ALLOWED if is_leaky else (),
                enrol=ENROLLED if recipe in LINEAR and not is_leaky else None,
                output=folder / table.stem,
                progress=Silent(),
            )
            enrolled = [score for pair in outcome.record.enrolled for score in (pair.normalised, pair.plain)]
            for score in (outcome.record.scores[0], *enrolled):
                row = split if score.name == recipe else f"{split}, {score.name}"
                print(f"| {row} | {score.uar:.3f} | {score.macro_f1:.3f} | {score.clips} |", flush=True)


def read_rows(table: Path) -> list[dict[str, str]]:
    """Read the rows of a table, with absolute paths and a random fold each."""
    draw = np.random.default_rng(1)
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["file"] = str((table.parent / row.pop("file_name", row.get("file", ""))).resolve())
        row["random"] = str(draw.integers(FOLDS))
    return rows


def copies(rows: list[dict[str, str]], folder: Path) -> list[dict[str, str]]:
    """Write a copy of each recording at each speed; its fold is drawn anew."""
    draw, made = np.random.default_rng(2), []
    for row in rows:
        samples, rate = soundfile.read(row["file"], dtype="float32")
        for speed in SPEEDS:
            path = folder / f"{Path(row['file']).stem}-{speed}.wav"
            soundfile.write(path, soxr.resample(samples, rate * speed, rate), rate)
            made.append({**row, "file": str(path), "random": str(draw.integers(FOLDS))})
    return made


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write rows as a table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


if __name__ == "__main__":
    main()
