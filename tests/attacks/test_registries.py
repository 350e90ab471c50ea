"""Hostile registries: YAML that explodes, runs code, contradicts itself or never ends."""

import os
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.support.attacks import Arena, Attack, Kind, draw
from tests.support.hostile_tables import lay_out
from tests.support.hostile_texts import ADDRESSES, ENDING_PATHS, NUMBERS, PATHS, TEXTS, mutated

HEAD = "version: 1\ncandidates:\n"
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"a": 1},
    ["a", 1],
    {"a": {"b": []}},
    "2026-01-01",
    "0xfff",
    "1_0",
    "~",
    "!",
    "&a",
    "*a",
    *TEXTS[:40],
    *PATHS[:30],
)
FIELDS = (
    *(
        "id",
        "name",
        "revision",
        "expect",
        "languages",
        "trained_on",
        "labels",
        "head",
        "preprocessor",
        "published",
        "note",
    ),
    *(
        "source",
        "language",
        "speakers",
        "columns",
        "merge",
        "only_labels",
        "sample",
        "kind",
        "pooling",
        "sampling_rate",
    ),
)
BOMB = "z: &z x\n" + "".join(f"{name}: &{name} [{','.join([f'*{last}'] * 9)}]\n" for last, name in pairwise("zabcd"))
TAGS = (
    "!!python/object/apply:os.system ['touch {}']",
    "!!python/object/new:os.system [touch {}]",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object/apply:subprocess.check_output [[touch, {}]]",
    "!!python/tuple [1]",
    "!!binary aGk=",
    "!!set {{a}}",
    "!!omap [a: 1]",
    "!x y",
    "!<tag:yaml.org,2002:int> 1",
    "!!timestamp 9999-99-99",
    "!!int 0x",
    "!!float .",
    "!!bool x",
    "!!null x",
    "!!merge '<<'",
    "!!value '='",
)


def reading(random: Random, folder: Path, content: str | bytes) -> Attack:
    """Write a registry and have a command read it."""
    path = folder / "hostile.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return command(random, "hostile.yaml")


def command(random: Random, name: str) -> Attack:
    words = random.choice(
        (
            ("candidates",),
            ("candidates",),
            ("labels", "model", "calls"),
            ("verify", "--depth", "inspect"),
            ("corpus", "calls"),
            ("run", "--latency-seconds", "0"),
            ("predict", "model", "ok.wav"),
            ("report",),
        )
    )
    return Attack((*words, "--candidates", name, "--json"))


def document(random: Random) -> dict[str, Any]:
    """A registry with a few wrong values in any place."""
    made: dict[str, Any] = {
        "version": 1,
        "candidates": [
            {
                "id": "./model",
                "labels": {"a": "anger"},
                "head": {"kind": "dense-out"},
                "preprocessor": {"sampling_rate": 16_000},
            },
            {"id": "org/model", "published": {"corpus": "x", "uar": 0.5}, "languages": ["en"], "trained_on": ["x"]},
        ],
        "corpora": {
            "calls": {
                "source": "folder:.",
                "labels": {"x": "joy"},
                "merge": {"calm": "neutral"},
                "columns": {"file": "clip"},
            }
        },
    }
    for _ in range(random.choice((1, 1, 2, 5))):
        place: Any = random.choice((made, made["candidates"][0], made["candidates"][1], made["corpora"]["calls"]))
        keys = [key for key, value in place.items() if isinstance(value, dict)]
        if keys and random.random() < 0.4:
            place = place[random.choice(keys)]
        key = random.choice((*place, *FIELDS)) if random.random() < 0.9 else random.choice(TEXTS)
        place[key] = random.choice(VALUES)
        if not isinstance(made.get("candidates"), list) or not isinstance(made.get("corpora"), dict):
            break
        if (
            not all(isinstance(item, dict) for item in (*made["candidates"], *made["corpora"].values()))
            or "calls" not in made["corpora"]
        ):
            break
    return made


def wrong_values(random: Random, folder: Path) -> Attack:
    text = yaml.safe_dump(document(random), allow_unicode=random.random() < 0.5)
    return reading(random, folder, text)


def sources(random: Random, folder: Path) -> Attack:
    lay_out(folder)
    kind = random.choice(("folder:", "table:", "ravdess:", "hf:", "demo:", "", "iemocap:", "unknown:", "savee:"))
    source = kind + random.choice((*PATHS, *ADDRESSES))
    text = yaml.safe_dump({"version": 1, "candidates": [{"id": "./model"}], "corpora": {"calls": {"source": source}}})
    path = folder / "hostile.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return Attack(("corpus", "calls", "--candidates", "hostile.yaml", "--json", "--no-find-speech", "--limit", "5"))


def models(random: Random, folder: Path) -> Attack:
    lay_out(folder)
    ids = random.sample((*PATHS, *TEXTS, *ADDRESSES), 3)
    text = yaml.safe_dump({"version": 1, "candidates": [{"id": id} for id in ids]})
    (folder / "hostile.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    return Attack(("verify", "--candidates", "hostile.yaml", "--json"), usable=lambda report: not accepted(report))


def accepted(report: Any) -> list[str]:
    return [verdict["candidate"] for verdict in report["candidates"] if verdict["verdict"] == "usable"]


def bombs(random: Random, folder: Path) -> Attack:
    place = random.choice(
        (BOMB + HEAD + "- id: *d\n", HEAD + "- &a {id: ./model, labels: *a}\n", HEAD + "- id: ./model\n  <<: *x\n")
    )
    return reading(random, folder, f"# {random.random()}\n" + place)


def tags(random: Random, folder: Path) -> Attack:
    tag = random.choice(TAGS).format(folder.parent / "canary")
    place = random.choice(
        (
            HEAD + f"- id: {tag}\n",
            HEAD + f"- {tag}\n",
            f"version: {tag}\n",
            f"{tag}\n",
            HEAD + f"- id: ./model\n  {tag}: x\n",
        )
    )
    return reading(random, folder, f"# {random.random()}\n" + place)


def numbers(random: Random, folder: Path) -> Attack:
    number = random.choice(
        (
            *NUMBERS,
            "0x" + "f" * 5_000,
            "0b" + "1" * 90_000,
            "0" + "7" * 9_000,
            "190:20:30",
            "." + "9" * 9_999,
            "1" * 100_000,
        )
    )
    place = random.choice(
        (
            f"version: {number}\ncandidates:\n- id: ./model\n",
            HEAD + f"- id: {number}\n",
            HEAD + f"- id: ./model\n  revision: {number}\n",
            HEAD + f"- id: ./model\n  preprocessor: {{sampling_rate: {number}}}\n",
            HEAD + f"- id: a/b\n  published: {{corpus: x, uar: {number}}}\n",
            HEAD + f"- id: a/b\ncorpora: {{calls: {{source: 'folder:.', sample: {number}}}}}\n",
            HEAD + f"- id: a/b\n  labels: {{x: {number}, {number}: y}}\n",
        )
    )
    return reading(random, folder, f"# {random.random()}\n" + place)


def doubled(random: Random, folder: Path) -> Attack:
    text = random.choice(
        (
            HEAD + "- id: a/b\n- id: A/B\n",
            HEAD + "- id: a/b\n  id: a/c\n",
            HEAD + "- id: a/b\nversion: 2\n",
            HEAD + "- id: ./x\n- id: x/../x\n- id: x/\n",
        )
    )
    return reading(random, folder, text + f"# {random.random()}\n")


def large(random: Random, folder: Path) -> Attack:
    count = random.choice((50_000, 5_000)) + random.randrange(100)
    entry = random.choice(
        ("- id: org/model{}\n", "- {{id: './models/{}', labels: {{a: anger}}}}\n", "- id: org/model\n  name: n{}\n")
    )
    return reading(random, folder, HEAD + "".join(entry.format(number) for number in range(count)))


def deep(random: Random, folder: Path) -> Attack:
    depth = random.choice((15, 17, 1_000, 200_000)) + random.randrange(3)
    text = random.choice(("[" * depth, "{a: " * depth, "- " * depth + "x", "[" * depth + "]" * depth, "? " * depth))
    return reading(random, folder, HEAD + "- id: " + text + "\n")


def syntax(random: Random, folder: Path) -> Attack:
    pieces = (
        ":", "- ", "? ", "|", ">", "%YAML 9.9\n", "---\n", "...\n", "\t", "\n", "{", "}", "[", "]", "&", "*", "!", "'",
        '"', "#", ",", "@", "`", "<<", "\x00", "\x85", "\ufeff", "a", "id", " ",
    )  # fmt: skip
    text = "".join(random.choice(pieces) for _ in range(random.choice((3, 20, 500))))
    return reading(random, folder, random.choice(("", HEAD, HEAD + "- id: a/b\n  ")) + text)


def damaged(random: Random, folder: Path) -> Attack:
    return reading(random, folder, mutated(yaml.safe_dump(document(Random(random.random()))).encode(), random))  # noqa: S311 - repeatable


def no_registry(random: Random, folder: Path) -> Attack:
    lay_out(folder)
    path = folder / "hostile.yaml"
    match random.randrange(5):
        case 0:
            path.symlink_to(
                random.choice(
                    ("/dev/zero", "/dev/random", "/etc/passwd", "/proc/self/environ", "loop", "/proc/self/mem")
                )
            )
        case 1:
            path.symlink_to(folder.parent / "precious" / "diary.txt")
        case 2:
            path.mkdir()
        case 3:
            path.touch()
            os.truncate(path, 60_000_000_000)
        case _:
            path.write_bytes(random.randbytes(random.choice((1, 100, 100_000))))
    return command(random, random.choice(("hostile.yaml", str(path), *ENDING_PATHS)).replace("\ud800", "x"))


KINDS: dict[str, Kind] = {
    "wrong-values": wrong_values, "wrong-values-2": wrong_values, "wrong-values-3": wrong_values, "sources": sources,
    "sources-2": sources, "models": models, "bombs": bombs, "tags": tags, "numbers": numbers, "doubled": doubled,
    "large": large, "deep": deep, "syntax": syntax, "damaged": damaged, "no-registry": no_registry,
}  # fmt: skip


@pytest.mark.parametrize(("make", "seed"), draw(KINDS, 0.13))
def test_a_hostile_registry_is_a_sentence(make: Kind, seed: str, arena: Arena) -> None:
    arena.withstands(make, seed)
