"""Tables of clips for attacks, and what lies around them."""

import csv
import io
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.support.attacks import Attack

RATE = 8_000


def corpus(name: str, *words: object) -> Attack:
    """Describe the corpus of a table; usable is what has a clip that can be read."""
    return Attack(("corpus", name, "--no-find-speech", "--json", *words), usable=has_clip)


def has_clip(report: Any) -> bool:
    return any(clip["clip_hash"] for clip in report["clips"])


def written(folder: Path, content: bytes | str, name: str = "clips.csv") -> Attack:
    """Write a table beside a recording, and describe it."""
    lay_out(folder)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return corpus(f"table:{name}")


def lay_out(folder: Path) -> None:
    """Write a recording, and everything in a folder that is not one."""
    soundfile.write(folder / "ok.wav", np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    (folder / "empty.wav").touch()
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    (folder / "link-to-precious").symlink_to(folder.parent / "precious" / "diary.txt")
    (folder / "link-to-folder").symlink_to(folder.parent / "precious")
    with socket.socket(socket.AF_UNIX) as unix:
        name = Path.cwd()
        os.chdir(folder)  # names of sockets are short
        unix.bind("socket")
        os.chdir(name)


def as_csv(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()
