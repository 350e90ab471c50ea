"""Hostile addresses in tables, and servers that break HTTP."""

import io
import json
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from random import Random

import fsspec
import numpy as np
import pytest
import soundfile

from tests.support.attacks import Arena, Attack, Kind, draw
from tests.support.hostile_server import BEHAVIOURS, hostile_server
from tests.support.hostile_tables import as_csv, corpus, lay_out
from tests.support.hostile_texts import ADDRESSES

SERVER = "http://server.invalid"
"""Stands for the address of the server until a test knows it."""
TEMPLATE = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}{% set _ = cycler.__init__.__globals__.os.system('touch CANARY') %}"
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    audio = io.BytesIO()
    soundfile.write(audio, np.random.default_rng(0).normal(0, 0.1, 8_000), 8_000, format="WAV")
    with hostile_server(audio.getvalue()) as url:
        yield url


def table(folder: Path, *addresses: str) -> Attack:
    """A table of a recording and some addresses; what can be read is usable."""
    lay_out(folder)
    rows = [["file", "label"], ["ok.wav", "anger"], *([address, "anger"] for address in addresses)]
    (folder / "clips.csv").write_text(as_csv(rows), encoding="utf-8")
    return corpus("table:clips.csv")


def behaviour(name: str, random: Random, folder: Path) -> Attack:
    """One address of a server that misbehaves, or several of them, some of which do not exist."""
    marks = [f"{SERVER}/{name}/{random.random()}.wav" for _ in range(random.choice((1, 1, 3)))]
    return table(folder, *marks, f"{SERVER}/whole/{random.random()}.wav")


def addresses(random: Random, folder: Path) -> Attack:
    return table(folder, *random.sample(ADDRESSES, 6))


@cache
def protocols() -> tuple[str, ...]:
    """All kinds of file systems that fsspec knows, and some that it may learn."""
    return (*fsspec.available_protocols(), "jdbc", "ldap", "expect", "php", "dict", "netdoc")


def protocol(random: Random, folder: Path) -> Attack:
    paths = (
        "/etc/passwd", "", "127.0.0.1:9/a.wav", "a/b/c.wav", "//x", "\x00", "..", "*", "a.wav?b=c#d", "[",
        "user:password@host/x",
    )  # fmt: skip
    made = [
        f"{random.choice(protocols())}{random.choice(('://', '://', ':', ':/'))}{random.choice(paths)}"
        for _ in range(6)
    ]
    return table(folder, *made)


def chain(random: Random, folder: Path) -> Attack:
    made = []
    for _ in range(5):
        links = [
            f"{random.choice(protocols())}://{random.choice(('a.wav', '', '*', '/dev/zero'))}"
            for _ in range(random.randrange(2, 5))
        ]
        made.append("::".join([*links, random.choice((f"{SERVER}/whole", "file:///etc/passwd", "/dev/zero"))]))
    return table(folder, *made)


def reference(random: Random, folder: Path) -> Attack:
    """A file of references whose templates run code in old versions of fsspec."""
    canary = str(folder.parent / "canary")
    content = {
        "version": 1,
        "templates": {"u": TEMPLATE.replace("CANARY", canary)},
        "refs": {"a": ["{{u}}", 0, random.randrange(9)]},
    }
    (folder / "refs.json").write_text(json.dumps(content))
    name = random.choice(("refs.json", f"file://{folder}/refs.json", f"{folder}/refs.json"))
    return table(
        folder, f"reference://a::{name}", f"reference://{name}", f"REFERENCE://a::{name}",
        f"filecache::reference://a::{name}",
    )  # fmt: skip


def many(random: Random, folder: Path) -> Attack:
    """Many clips of one dead host."""
    return table(folder, *(f"http://127.0.0.1:9/{random.random()}.wav" for _ in range(1_000)))


KINDS: dict[str, Kind] = {
    **{name: partial(behaviour, name) for name in BEHAVIOURS}, "addresses": addresses, "addresses-2": addresses,
    "protocol": protocol, "protocol-2": protocol, "chain": chain, "reference": reference, "many": many,
}  # fmt: skip


@pytest.mark.parametrize(("make", "seed"), draw(KINDS, 0.15))
def test_a_hostile_address_is_one_failed_clip(make: Kind, seed: str, arena: Arena, server: str) -> None:
    def with_server(random: Random, folder: Path) -> Attack:
        attack = make(random, folder)
        written = folder / "clips.csv"
        written.write_text(written.read_text(encoding="utf-8").replace(SERVER, server), encoding="utf-8")
        return attack

    arena.withstands(with_server, seed)
