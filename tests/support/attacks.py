"""Hostile inputs: how they are drawn, how a command meets them, and what must hold afterwards.

`BENCH_ATTACKS` is the number of inputs of a whole run (600); a shorter run takes the first ones of the same sequence.
`BENCH_ATTACK_SEED` chooses another sequence. The name of a test holds kind, seed and turn, which determine the input.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from faulthandler import register
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from tests.support.command_line import bench_here

ATTACKS = int(os.environ.get("BENCH_ATTACKS") or 600)
SEED = os.environ.get("BENCH_ATTACK_SEED") or "0"

PROGRAM = Path(sys.executable).with_name("bench")
"""The installed program: unlike `python -c`, it takes no modules from the current folder."""

LONGEST_S = 60.0
LARGEST_BYTES = 1_500_000_000
# Ended before it takes the memory of the machine.
_UNBEARABLE_BYTES = 2_500_000_000
_POLLS_S = 0.01
# In one of so many attacks a process of its own runs the command.
_ONE_PROCESS_IN = 10
_SHOWN_CHARACTERS = 6_000
_LONG_WORD = re.compile(r"(\S{150})\S{50,}")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Attack:
    """A command that reads a hostile input.

    Attributes:
        words: What follows `bench`.
        environment: Variables that are hostile themselves.
        usable: Whether the command's JSON, given exit code 0, holds something usable.
        own_process: Needs a process of its own, such as for variables that Python reads when it starts.
    """

    words: tuple[object, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    usable: Callable[[Any], object] = bool
    own_process: bool = False


Kind = Callable[[Random, Path], Attack]
"""Writes a hostile input into the working folder, and returns the command that reads it."""


def draw(kinds: Mapping[str, Kind], share: float) -> list[Any]:
    """Parameters `make` and `seed` of a share of all attacks: the kinds in turn, in an order that the seed decides."""
    names = sorted(kinds)
    Random(SEED).shuffle(names)  # noqa: S311 - repeatable, not secret
    numbered = (divmod(number, len(names)) for number in range(max(1, round(ATTACKS * share))))
    ids = {f"{names[at]}-{SEED}.{turn}": kinds[names[at]] for turn, at in numbered}
    return [pytest.param(kind, id, id=id, marks=pytest.mark.slow) for id, kind in ids.items()]


@dataclass(frozen=True)
class Ended:
    """How a command ended; a code of None says that it was killed after `LONGEST_S`, or for its memory."""

    code: int | None
    out: str
    err: str
    seconds: float
    peak_bytes: int


class Arena:
    """A folder to attack in, and the processes that run the commands.

    Attributes:
        work: The current folder of the command, with its inputs.
        precious: A folder of the user's that inputs may point at and nothing may change.
        canary: What no attack can create unless its code runs.
    """

    def __init__(self, root: Path, server: "AttackServer") -> None:
        self.work, self.precious, self.canary = root / "work", root / "precious", root / "canary"
        self._root, self._server = root, server
        self.work.mkdir(parents=True)
        self.precious.mkdir()
        (self.precious / "diary.txt").write_text("dear diary\n")

    def withstands(self, make: Kind, seed: str) -> None:
        """Make an attack, and hold that bench withstands it."""
        random = Random(seed)  # noqa: S311 - as above
        attack = make(random, self.work)
        before = self._listing()
        if attack.own_process or random.randrange(_ONE_PROCESS_IN) == 0:
            ended = self._server.run_process(attack, self.work)
        else:
            ended = self._server.run(attack, self.work)
        after = self._listing()
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        if found := [*_problems(attack, ended), *(f"{path} was changed" for path in changed)]:
            variables = "".join(f"{name}={shlex.quote(text)} " for name, text in attack.environment.items())
            words = shlex.join(map(str, attack.words))
            story = (
                f"{seed}: {'; '.join(found)}\nin {self.work}: {variables}bench {words}\n"
                f"exit code {ended.code} after {ended.seconds:.1f} s, {ended.peak_bytes / 1e6:.0f} MB\n"
                f"{ended.out[-_SHOWN_CHARACTERS:]}\n{ended.err[-_SHOWN_CHARACTERS:]}"
            )
            pytest.fail(_LONG_WORD.sub(r"\1…", story), pytrace=False)

    def _listing(self) -> dict[str, str]:
        """Everything outside output, cache and temporary folder, by path."""
        may_change = {self.work / "reports", self.work / ".bench", self._server.temporary, self._server.cache}
        listing: dict[str, str] = {}
        for top in (self._root, self._server.home):
            for folder, folders, files in os.walk(top):
                folders[:] = [name for name in folders if Path(folder, name) not in may_change]
                for name in (*folders, *files):
                    status = Path(folder, name).lstat()
                    facts = () if stat.S_ISDIR(status.st_mode) else (status.st_size, status.st_mtime_ns)
                    listing[str(Path(folder, name))] = f"{status.st_mode} {facts}"
        return listing


def _problems(attack: Attack, ended: Ended) -> list[str]:
    """Name what bench promises and this command did not keep."""
    text = ended.out + ended.err
    found = []
    if ended.code is None:
        found.append("did not end")
    elif ended.code not in {0, 1, 2, 3}:
        found.append(f"exit code {ended.code}")
    if "Traceback" in text:
        found.append("a traceback")
    if ended.peak_bytes > LARGEST_BYTES:
        found.append(f"{ended.peak_bytes / 1e6:.0f} MB")
    if "\x1b" in text or "\x07" in text:
        found.append("control characters for the terminal")
    if ended.code and "Error: " not in ended.err:
        found.append("no sentence")
    if ended.code == 0 and "--json" in attack.words:
        try:
            if not attack.usable(json.loads(ended.out)):
                found.append("exit code 0 with nothing usable")
        except (ValueError, LookupError, TypeError) as error:
            found.append(f"JSON that cannot be used ({type(error).__name__}: {error})")
    return found


class AttackServer:
    """A process that runs one command after another, with a watch on time and memory; killed, it starts again."""

    def __init__(self, root: Path) -> None:
        self.home, self.temporary, self.cache = root / "home", root / "tmp", root / "huggingface"
        for folder in (self.home, self.temporary, self.cache):
            folder.mkdir(parents=True)
        self._answer, self._errors = root / "answer.json", root / "errors.txt"
        self._process: subprocess.Popen[str] | None = None
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "HF_HOME": str(self.cache),
        }

    def run(self, attack: Attack, folder: Path) -> Ended:
        """Run a command in the server's process."""
        if self._process is None or self._process.poll() is not None:
            with self._errors.open("w") as errors:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.support.attacks"],
                    cwd=_ROOT, env=self.environment, stdin=subprocess.PIPE, stderr=errors, text=True,
                )  # fmt: skip
        self._answer.unlink(missing_ok=True)
        request = {
            "words": list(map(str, attack.words)),
            "environment": dict(attack.environment),
            "folder": str(folder),
            "answer": str(self._answer),
        }
        assert self._process.stdin is not None
        _reset_peak(self._process.pid)
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        seconds, peak, bearable = _watch(self._process, self._answer.exists)
        if bearable and self._answer.exists():
            answer = json.loads(self._answer.read_text("utf-8"))
            return Ended(answer["code"], answer["out"], answer["err"], seconds, peak)
        code = self._process.poll() if bearable else None
        self.close()
        return Ended(code, "", self._errors.read_text("utf-8", "replace"), seconds, peak)

    def run_process(self, attack: Attack, folder: Path) -> Ended:
        """Run a command in a process of its own."""
        out, err = self.temporary.parent / "out.txt", self.temporary.parent / "err.txt"
        environment = {**self.environment, "BENCH_CACHE": str(folder / ".bench"), **attack.environment}
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [str(PROGRAM), *map(str, attack.words)],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file, text=True,
            )  # fmt: skip
            seconds, peak, bearable = _watch(process, lambda: process.poll() is not None)
        code = process.returncode if bearable else None
        texts = [path.read_text("utf-8", "backslashreplace") for path in (out, err)]
        return Ended(code, texts[0], texts[1], seconds, peak)

    def close(self) -> None:
        """End the process and all that it has started."""
        if self._process is not None:
            _kill_all(self._process)
            self._process = None


def _watch(process: "subprocess.Popen[str]", has_ended: Callable[[], bool]) -> tuple[float, int, bool]:
    """Wait for the end of a command.

    Returns:
        Seconds, the peak of the process's memory in bytes, and False if it had to be killed.
    """
    start, peak = time.monotonic(), 0
    while not has_ended() and process.poll() is None:
        peak = max(peak, _peak_bytes(process.pid))
        if time.monotonic() - start > LONGEST_S * slowness() or peak > _UNBEARABLE_BYTES:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGUSR1)  # faulthandler writes where it is
            time.sleep(0.2)
            _kill_all(process)
            return time.monotonic() - start, peak, False
        time.sleep(_POLLS_S)
    return time.monotonic() - start, max(peak, _peak_bytes(process.pid)), True


def slowness() -> float:
    """How many processes wait for each core: where others compute too, everything takes longer."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def _reset_peak(pid: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _kill_all(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def _serve() -> None:
    register(signal.SIGUSR1)
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    # A hostile path may name standard input or output.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    for line in requests:
        request = json.loads(line)
        try:
            ended = bench_here(*request["words"], folder=Path(request["folder"]), **request["environment"])
            answer = {"code": ended.returncode, "out": ended.stdout, "err": ended.stderr}
        except BaseException:
            answer = {"code": -1, "out": "", "err": traceback.format_exc()}
        written = Path(request["answer"] + ".part")
        written.write_text(json.dumps(answer), encoding="utf-8")
        written.rename(request["answer"])


if __name__ == "__main__":
    _serve()
