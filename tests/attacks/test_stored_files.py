"""Caches, records of runs and reports that somebody else has prepared."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.attacks import Arena, Attack, Kind, draw
from tests.support.hostile_texts import NUMBERS, PATHS, TEXTS, mutated

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("report",),
    ("recommend",),
    ("plan",),
    ("ensemble", "best:2"),
    ("compare", "reports", "reports"),
    ("cache", "ls"),
    ("cache", "prune", "--all", "--yes"),
    ("cache", "prune", "--stale", "--yes"),
    ("verify", "--candidates", "demo"),
    ("labels", "wav2vec2-four", "--candidates", "demo"),
    ("run", "--candidates", "demo", "--min-emotions", "5", "--latency-seconds", "0", "--corpus", "demo"),
    ("publish", "--repo", "a/b"),
)
CHEAP = COMMANDS[:-2]
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    1e308,
    "",
    [],
    {},
    [[]],
    {"a": 1},
    "\u202e",
    *TEXTS[:40],
    *PATHS[:20],
    *NUMBERS[:15],
)
KINDS_OF_FILES = ("*.json", "*.meta", "*.parquet", "logs/*.log", "*")


def laid_out(folder: Path) -> list[Path]:
    """Copy the demo's run into the folder; give its files, in order."""
    shutil.copytree(DEMO[0] / ".bench", folder / ".bench")
    shutil.copytree(DEMO[0] / "reports", folder / "reports")
    return sorted(path for path in (folder / ".bench").rglob("*") if path.is_file())


DEMO: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def _demo(demo_run: Path) -> None:
    DEMO[:] = [demo_run]


def chosen(random: Random, files: list[Path]) -> Path:
    pattern = random.choice(KINDS_OF_FILES)
    return random.choice([path for path in files if path.match(pattern)] or files)


def command(random: Random) -> Attack:
    words = random.choice(COMMANDS if random.random() < 0.2 else CHEAP)
    return Attack((*words, "--json"))


def warp(value: Any, random: Random) -> Any:
    """Replace, remove, add or repeat something at any depth."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.15:
        return random.choice(VALUES)
    warped = value.copy()
    key = random.choice(sorted(value)) if isinstance(value, dict) else random.randrange(len(value))
    action = random.randrange(6)
    if action == 0:
        del warped[key]
    elif action > 1:
        warped[key] = warp(value[key], random)
    elif isinstance(warped, dict):
        warped[random.choice(TEXTS)] = random.choice(VALUES)
    else:
        warped += warped[key : key + 1] * random.choice((1, 9))
    return warped


def record(random: Random, folder: Path) -> Attack:
    """A record of a run with wrong values, which has no checksum, so that nobody can tell that it was altered."""
    laid_out(folder)
    path = next((folder / ".bench" / "runs").glob("*.json"))
    content = json.loads(path.read_text("utf-8"))
    for _ in range(random.choice((1, 3))):
        content = warp(content, random)
    (folder / "record.json").write_text(json.dumps(content), encoding="utf-8", errors="surrogatepass")
    words = random.choice(
        (
            ("report", "--run"),
            ("recommend", "--run"),
            ("ensemble", "best:2", "--run"),
            ("publish", "--repo", "a/b", "--run"),
        )
    )
    if random.random() < 0.2:
        return Attack(("compare", "record.json", "reports", "--json"))
    return Attack((*words, "record.json", "--json"))


def reports(random: Random, folder: Path) -> Attack:
    """A leaderboard of somebody else with wrong values."""
    laid_out(folder)
    for name in ("leaderboard.json", "predictions.parquet"):
        path = folder / "reports" / name
        if path.suffix == ".json":
            path.write_text(
                json.dumps(warp(json.loads(path.read_text("utf-8")), random)), encoding="utf-8", errors="surrogatepass"
            )
        elif random.random() < 0.7:
            path.write_bytes(mutated(path.read_bytes(), random))
    return Attack(
        (
            "compare",
            str(DEMO[0] / "reports"),
            "reports",
            "--json",
            "--fail-on",
            random.choice(("uar<-0.02", "uar<nan", "rank>1", "x<1", "latency_p50_ms>+20%")),
        )
    )


def damaged(random: Random, folder: Path) -> Attack:
    path = chosen(random, laid_out(folder))
    path.write_bytes(mutated(path.read_bytes(), random))
    return command(random)


def warped_sidecar(random: Random, folder: Path) -> Attack:
    path = random.choice([file for file in laid_out(folder) if file.suffix == ".meta"])
    content = json.loads(path.read_text("utf-8"))
    content = (
        content | {random.choice(sorted(content)): random.choice((*VALUES, 2, 99, "runs", "logs"))}
        if random.random() < 0.6
        else warp(content, random)
    )
    path.write_text(json.dumps(content), encoding="utf-8", errors="surrogatepass")
    return command(random)


def forged(random: Random, folder: Path) -> Attack:
    """A part that is not what it was, with a checksum that fits."""
    parts = [file for file in laid_out(folder) if file.with_name(file.name + ".meta").is_file()]
    path = random.choice(parts)
    content = path.read_bytes()
    if path.suffix == ".json":
        content = json.dumps(warp(json.loads(content), random)).encode("utf-8", "surrogatepass")
    else:
        content = mutated(content, random)
    path.write_bytes(content)
    sidecar = path.with_name(path.name + ".meta")
    described = json.loads(sidecar.read_text("utf-8")) | {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    sidecar.write_text(json.dumps(described), encoding="utf-8")
    return command(random)


def replaced(kind: str, random: Random, folder: Path) -> Attack:
    """A file or folder of the cache is something else: a link, a pipe, a folder, a giant."""
    files = laid_out(folder)
    folders = sorted({parent for path in files for parent in path.parents if parent.is_relative_to(folder / ".bench")})
    path = chosen(random, files) if random.random() < 0.7 else random.choice(folders)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    REPLACEMENTS[kind](path, random, folder)
    return command(random)


def as_link(path: Path, random: Random, folder: Path) -> None:
    precious = folder.parent / "precious"
    path.symlink_to(
        random.choice((precious, precious / "diary.txt", precious / "new.txt", "/dev/zero", "/dev/full", path.name))
    )


def as_other(path: Path, random: Random, folder: Path) -> None:
    match random.randrange(4):
        case 0:
            os.mkfifo(path)
        case 1:
            path.mkdir()
            (path / "inner.json").write_text("{}")
        case 2:
            path.touch()
        case _:
            path.touch()
            os.truncate(path, random.choice((1, 3, 60)) * 10**9)


REPLACEMENTS: dict[str, Callable[[Path, Random, Path], None]] = {"link": as_link, "other": as_other}


def planted(random: Random, folder: Path) -> Attack:
    """Files, links and sidecars that bench never made, whose names lead elsewhere."""
    laid_out(folder)
    precious = folder.parent / "precious"
    cache = folder / ".bench"
    sidecar = random.choice(list(cache.rglob("*.meta")))
    content = json.loads(sidecar.read_text("utf-8"))
    for number in range(random.randrange(1, 5)):
        name = random.choice(
            ("logs", "runs", "datasets", "speech", "x", ".", "converted", ".unfinished-1", ".bench-abcdefgh.part")
        )
        place = cache / name
        match random.randrange(4):
            case 0:
                if not place.exists():
                    place.symlink_to(precious)
            case 1:
                (cache / f"link{number}").symlink_to(precious)
                (cache / f"link{number}.meta").write_text(json.dumps(content))
            case 2:
                content["key"] = {
                    "candidate": random.choice(PATHS).replace("\ud800", "x"),
                    "revision": random.choice(TEXTS),
                }
                (cache / f"x{number}.json").write_text(json.dumps(random.choice(VALUES)))
                (cache / f"x{number}.json.meta").write_text(json.dumps(content))
            case _:
                (cache / f".{number}.0123456789ab.part").symlink_to(precious / "diary.txt")
    return command(random)


def run_names(random: Random, folder: Path) -> Attack:
    laid_out(folder)
    name = (
        random.choice((*PATHS, *TEXTS[:60], "2", "20", "runs/../runs", "*", "[", "../.bench/runs"))
        .replace("\0", "x")
        .replace("\ud800", "x")
    )
    words = random.choice(
        (("report", "--run"), ("recommend", "--run"), ("compare", "reports"), ("ensemble", "best:2", "--run"))
    )
    return Attack((*words, name, "--json"))


def selections(random: Random, folder: Path) -> Attack:
    """Names and patterns of candidates that a run does not have."""
    laid_out(folder)
    name = (
        random.choice(
            (
                *TEXTS[:60],
                *PATHS[:20],
                "*",
                "[!",
                "[" * 999,
                "best:-1",
                "best:999999999",
                "best:x",
                "best:",
                "a" * 9_000,
            )
        )
        .replace("\0", "x")
        .replace("\ud800", "x")
    )
    words = random.choice(
        (
            ("ensemble", name, "wav2vec2-english"),
            ("report", "-m", name),
            ("report", "--by", name),
            ("report", "--focus", name),
            ("recommend", "--corpus", name),
            ("cache", "ls", "--candidate", name),
            ("report", "--relabel", name),
        )
    )
    return Attack((*words, "--json"))


KINDS: dict[str, Kind] = {
    "record": record, "record-2": record, "reports": reports, "damaged": damaged, "sidecar": warped_sidecar,
    "forged": forged, "forged-2": forged, **{f"replaced-by-{kind}": partial(replaced, kind) for kind in REPLACEMENTS},
    "planted": planted, "run-names": run_names, "selections": selections,
}  # fmt: skip


@pytest.mark.parametrize(("make", "seed"), draw(KINDS, 0.1))
def test_hostile_stored_files_are_a_sentence_or_left_out(make: Kind, seed: str, arena: Arena) -> None:
    arena.withstands(make, seed)
