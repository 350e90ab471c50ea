"""Hostile configuration files, environment variables, option values, overrides of labels and merges."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmark.options.declare import Declared, Mark, declarations
from benchmark.options.model_commands import (
    DescribeRequest,
    DiscoverRequest,
    DriftRequest,
    LabelsRequest,
    RunRequest,
    VerifyRequest,
)
from benchmark.options.report_commands import (
    CacheRequest,
    CompareRequest,
    EnsembleRequest,
    NextRequest,
    PlanRequest,
    PublishRequest,
    RecommendRequest,
    ReportRequest,
)
from tests.support.attacks import Arena, Attack, Kind, draw
from tests.support.hostile_tables import lay_out
from tests.support.hostile_texts import ADDRESSES, ENDING_PATHS, NUMBERS, PATHS, TEXTS, mutated

COMMANDS: Mapping[str, tuple[type, tuple[str, ...]]] = {
    "corpus": (DescribeRequest, ("table:clips.csv", "--no-find-speech")), "discover": (DiscoverRequest, ()),
    "drift": (DriftRequest, ("table:clips.csv", "--no-find-speech")), "labels": (LabelsRequest, ("table:clips.csv",)),
    "run": (RunRequest, ("-m", "./model", "--corpus", "table:clips.csv", "--latency-seconds", "0")),
    "verify": (VerifyRequest, ("-m", "./model")), "cache ls": (CacheRequest, ()),
    "compare": (CompareRequest, ("old", "new")), "ensemble": (EnsembleRequest, ("a", "b")), "plan": (PlanRequest, ()),
    "next": (NextRequest, ("4", "--write", "todo.csv")),
    "publish": (PublishRequest, ("--repo", "a/b")), "recommend": (RecommendRequest, ()), "report": (ReportRequest, ()),
}  # fmt: skip
EMOTIONS = ("anger", "happiness", "sadness", "neutral", "fear", "calm", "ANGER", "angry", "분노", "nothing", "a=b", "")
# What a command would write where the user says is the user's own.
OUTPUTS = frozenset({"output", "write", "edit-template", "log-file", "metric", "push"})
# Where no folder can be made.
NO_FOLDERS = (
    "ok.wav", "ok.wav/x", "loop", "loop/x", "fifo", "fifo/x", "a" * 300, "a/" * 3_000, "/proc/x", "/proc/self/x",
    "/dev/null/x",
)  # fmt: skip
DOCUMENTED = (
    'min-emotions = 5\n[run]\nseed = 3\nchannel = "left"\n', 'merge = ["calm=neutral"]\n', "[cache.ls]\njson = true\n",
    "[corpus]\nlimit = 2\n",
)  # fmt: skip


@cache
def options(command: str) -> Sequence[Declared]:
    declared = declarations(COMMANDS[command][0]).values()
    return tuple(option for option in declared if not option.is_positional and option.key not in OUTPUTS)


def words(command: str, *more: object) -> tuple[object, ...]:
    return (*command.split(), *COMMANDS[command][1], *more, "--json")


def prepared(folder: Path) -> None:
    lay_out(folder)
    (folder / "model").mkdir()
    (folder / "clips.csv").write_text("file,label,speaker\nok.wav,anger,s1\nok.wav,calm,s2\n")


def hostile_value(random: Random, option: Declared) -> str:
    if Mark.REGISTRY in option.marks or Mark.PATH in option.marks or Mark.SOURCE in option.marks:
        return random.choice((*ENDING_PATHS, *ADDRESSES, "table:clips.csv", "folder:.", "demo:x", "demo"))
    if option.choices:
        return random.choice((*option.choices, *TEXTS[:60]))
    return random.choice(
        (
            *NUMBERS,
            *TEXTS,
            *EMOTIONS,
            "anger=sadness",
            "noise:20dB",
            "noise:1e999dB",
            "clip:-1",
            "gain:nandB",
            "speed:0",
            "cuda:99999",
        )
    )


def safe(text: str) -> str:
    """What can stand in a command line or a variable."""
    return text.replace("\0", "\x01").replace("\ud800", "\udcff")


def option_values(random: Random, folder: Path) -> Attack:
    prepared(folder)
    command = random.choice(sorted(COMMANDS))
    chosen = random.sample(options(command), min(random.choice((1, 1, 2)), len(options(command))))
    made = [word for option in chosen for word in (f"--{option.key}", safe(hostile_value(random, option)))]
    return Attack(words(command, *made))


def variables(random: Random, folder: Path) -> Attack:
    prepared(folder)
    command = random.choice(sorted(COMMANDS))
    chosen = [option for option in options(command) if option.parameter.env_var]
    names = {
        f"BENCH_{option.key.upper().replace('-', '_')}": safe(hostile_value(random, option))
        for option in random.sample(chosen, min(2, len(chosen)))
    }
    return Attack(words(command), environment=names)


def surroundings(random: Random, folder: Path) -> Attack:
    """Variables that Python, libraries and bench read when they start."""
    prepared(folder)
    candidates = {
        "BENCH_CACHE": random.choice(NO_FOLDERS),
        "HOME": random.choice(("", "/nonexistent", "relative", "fifo", "loop", "ok.wav")),
        "TMPDIR": random.choice(("", "/nonexistent", "fifo", "ok.wav", "loop")),
        "LC_ALL": random.choice(("C", "xx_XX.UTF-8", "ko_KR.EUC-KR", "POSIX")),
        "PYTHONIOENCODING": random.choice(("ascii", "latin-1", "cp949")),
        "COLUMNS": random.choice(NUMBERS).replace("\0", ""),
        "TERM": random.choice(("", "dumb", "\x1b[31m", "x" * 9_000)),
        "HF_ENDPOINT": random.choice(
            ("", "x", "file:///etc", "http://[::1", "http://127.0.0.1:9", "ftp://127.0.0.1:9", "\x1b[31m")
        ),
        "HF_TOKEN": random.choice(("\n", "a\r\nX: y", "x" * 90_000, "\x1b[31m", "ключ")),
        "HF_HOME": random.choice(NO_FOLDERS),
        "http_proxy": random.choice(("x", "http://127.0.0.1:9", "socks5://127.0.0.1:9", "http://[")),
        "OMP_NUM_THREADS": random.choice(("x", "-1", "0", "99999999999")),
        "TZ": random.choice(("x", "../../etc/passwd", "UTC-99:99")),
        "PATH": random.choice(("", ".", "fifo")),
        "CUDA_VISIBLE_DEVICES": random.choice(("x", "-5", "99")),
        "HF_HUB_OFFLINE": random.choice(("1", "x", "")),
        "NO_COLOR": random.choice(("", "1")),
        "BENCH_JSON": random.choice(("maybe", "2", "on", "")),
    }
    chosen = {name: candidates[name] for name in random.sample(sorted(candidates), random.choice((1, 1, 2, 4)))}
    command = random.choice(
        (
            ("corpus", "table:clips.csv", "--no-find-speech"),
            ("candidates",),
            ("verify", "-m", "./model"),
            ("cache", "ls"),
            ("doctor",),
            ("labels", "a/b"),
        )
    )
    return Attack((*command, "--json"), environment=chosen, own_process=True)


def configured(random: Random, folder: Path, content: str | bytes, name: str = "bench.toml") -> Attack:
    prepared(folder)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return Attack(words(random.choice(sorted(COMMANDS)), "--config", name))


def config_values(random: Random, folder: Path) -> Attack:
    """Keys that exist with values that make no sense, and tables of commands within each other."""
    lines = []
    for _ in range(random.randrange(1, 6)):
        command = random.choice(sorted(COMMANDS))
        option = random.choice(options(command))
        value: Any = random.choice(
            (hostile_value(random, option), 10**30, -1, True, 1e308, [1, "a"], [[]], [True] * 99, {"a": 1}, "", 5)
        )
        table = random.choice(("", f"[{command.replace(' ', '.')}]\n", "[run.run]\n", "[a.b.c]\n"))
        lines.append(f"{table}{option.key} = {as_toml(value)}\n")
    return configured(random, folder, "".join(lines) + f"# {random.random()}\n")


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def config_syntax(random: Random, folder: Path) -> Attack:
    contents = (
        b"",
        b"\xff",
        b"a = " + b"[" * 100_000,
        b"a = {" * 5_000,
        b"x = " + b"9" * 5_000,
        b"a = 1\na = 2\n",
        b"[a]\n[a]\n",
        b"=\n",
        b"'" * 9_999,
        b"a." * 50_000 + b"b = 1",
        b"[" + b"a." * 2_000 + b"a]\n",
        b"\0" * 99,
        b"x = 1979-05-27T07:32:00Z\n",
        b"x = 9999-99-99\n",
        b"x = inf\nseed = nan\n",
        b"seed = 0x" + b"f" * 500,
        b"\xef\xbb\xbfseed = 1\n",
        b"seed = 1_0\n",
        b'"" = 1\n',
        b'"\\u0000" = 1\n',
        b"config = 'bench.toml'\n",
    )
    content = random.choice((*contents, *(mutated(text.encode(), random) for text in DOCUMENTED)))
    return configured(random, folder, content + f"\n# {random.random()}\n".encode())


def config_reports(random: Random, folder: Path) -> Attack:
    """Reports of other people, whose request is repeated."""
    given: dict[str, Any] = {
        random.choice((random.choice(options("run")).key, *TEXTS)): random.choice(
            (*TEXTS[:40], 1, None, [], {}, [[]], 10**30)
        )
        for _ in range(3)
    }
    contents: tuple[Any, ...] = (
        {"request": {"options": given, "folder": random.choice((*PATHS, 1, None, []))}}, {"request": given},
        {"request": {"options": []}}, [], None, 1, "x", {},
    )  # fmt: skip
    text = json.dumps(random.choice((contents[0], contents[0], contents[0], *contents)))
    return configured(
        random,
        folder,
        random.choice((text, text, text, text[:-1], "[" * 100_000, '{"request":' * 90_000, "1" * 5_000))
        + " " * random.randrange(99),
        "report.json",
    )


def no_config(random: Random, folder: Path) -> Attack:
    prepared(folder)
    name = random.choice(("bench.toml", "bench.json"))
    target = random.choice(
        ("/dev/zero", "/dev/random", "/proc/self/environ", "loop", "folder.wav", "/proc/self/mem", None)
    )
    if target is None:
        (folder / name).touch()
        os.truncate(folder / name, 60_000_000_000)
    else:
        (folder / name).symlink_to(target)
    return Attack(
        words(random.choice(sorted(COMMANDS)), "--config", random.choice((name, name, *map(safe, ENDING_PATHS))))
    )


def merges(random: Random, folder: Path) -> Attack:
    prepared(folder)
    pairs = [
        f"{random.choice((*EMOTIONS, *TEXTS[:40]))}={random.choice((*EMOTIONS, *TEXTS[:40]))}"
        for _ in range(random.choice((1, 3, 300)))
    ]
    made = [word for pair in pairs for word in ("--merge", safe(pair))]
    return Attack(words(random.choice(("corpus", "labels")), *made))


def overrides(random: Random, folder: Path) -> Attack:
    """Meanings of labels in a registry, for a corpus that has other ones."""
    prepared(folder)
    meanings = {
        random.choice((*EMOTIONS, *TEXTS)): random.choice((*EMOTIONS, *TEXTS)) for _ in range(random.choice((1, 3, 30)))
    }
    corpora = {"calls": {"source": "table:clips.csv", "labels": meanings}}
    content = json.dumps({"version": 1, "candidates": [{"id": "./model", "labels": meanings}], "corpora": corpora})
    (folder / "hostile.yaml").write_text(content, encoding="utf-8")
    return Attack(
        (
            *random.choice((("labels", "calls"), ("corpus", "calls", "--no-find-speech"), ("candidates",))),
            "--candidates",
            "hostile.yaml",
            "--json",
        )
    )


KINDS: dict[str, Kind] = {
    "options": option_values, "options-2": option_values, "options-3": option_values, "variables": variables,
    "variables-2": variables, "surroundings": surroundings, "config-values": config_values,
    "config-syntax": config_syntax, "config-reports": config_reports, "no-config": no_config, "merges": merges,
    "overrides": overrides,
}  # fmt: skip


@pytest.mark.parametrize(("make", "seed"), draw(KINDS, 0.1))
def test_a_hostile_setting_is_a_sentence(make: Kind, seed: str, arena: Arena) -> None:
    arena.withstands(make, seed)
