"""Every command and every example of the README and of docs/ is run as it stands there."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.support.command_server import CommandServer
from tests.support.pages import Block, blocks_of, prose_of
from tests.support.plugins import install

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_NAMES = {page: page.relative_to(_ROOT).as_posix() for page in _PAGES}
_EXIT = re.compile(r"#\s*exit (\d+)\b")
# Setting up an environment is what `make` and `.ci/run` do before any test runs: it is not done again inside one.
_SET_UP = re.compile(r"^(git clone |python3 -m venv |source |\S*pip install |\S+/pre-commit )")
_MAKE = re.compile(r"^make\b")
# What only a shell understands: redirections, pipes, variables, patterns.
_SHELL = re.compile(r"[<>|&;$`*?]")
_PATIENT_S = 300


@pytest.mark.parametrize("page", [page for page in _PAGES if blocks_of(page)], ids=_NAMES.get)
def test_the_commands_and_examples_of_a_page_work_as_they_stand(
    page: Path, desk: Path, kept: Path, reader: CommandServer
) -> None:
    blocks = blocks_of(page)
    files = {block.file: block.content for block in blocks if block.file is not None}
    commands = [command for block in blocks for command in block.commands]
    for name, content in files.items():
        path = desk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    with ExitStack() as servers:
        for block in blocks:
            if block.language == "python" and block.file is None:
                (desk / "example.py").write_text(block.content, encoding="utf-8")
                _check(reader.script(desk / "example.py"), "example.py")
            for command in block.commands:
                if command.startswith("pip install -e ."):
                    # A package that is installed is found by processes that start afterwards.
                    python_path = f"{_ROOT}{os.pathsep}{_installed(desk, files)}"
                    reader = servers.enter_context(CommandServer(**reader.environment | {"PYTHONPATH": python_path}))
                elif _MAKE.match(command):
                    _run(f"make -n {command.partition('#')[0].removeprefix('make')}", _ROOT, reader)
                elif not _SET_UP.match(command):
                    _run(command, desk, reader, _measured(command, commands) | {"BENCH_CACHE": str(kept / "bench")})


@pytest.mark.parametrize("page", _PAGES, ids=_NAMES.get)
def test_commands_stand_in_blocks_that_are_run(page: Path) -> None:
    strays = re.findall(r"^(?: {4,}|\$ ?)(?:bench|ser-bench|make|pip|python) .*$", prose_of(page), re.MULTILINE)
    assert strays == [], "write commands in ```bash blocks"
    assert {block.language for block in blocks_of(page)} <= {"bash", "python", "yaml", "toml", "json", "csv", "text"}


def test_a_command_that_fails_would_be_noticed(tmp_path: Path, reader: CommandServer) -> None:
    for shell in ("", " > out.txt"):
        with pytest.raises(AssertionError, match="exit 2"):
            _run(f"bench candidates --candidates nowhere.yaml{shell}", tmp_path, reader)
        _run(f"bench candidates --candidates nowhere.yaml{shell}  # exit 2", tmp_path, reader)


def test_the_blocks_of_a_page_are_taken_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n```bash\nbench a \\\n  b\n# c\n\nbench d\n```\n```yaml x.yaml\ny: 1\n```\n", encoding="utf-8")
    assert blocks_of(page) == (
        Block("bash", None, "bench a \\\n  b\n# c\n\nbench d\n"),
        Block("yaml", "x.yaml", "y: 1\n"),
    )
    assert blocks_of(page)[0].commands == ("bench a    b", "bench d")
    assert prose_of(page) == "a\n\n\n"


def _measured(command: str, page: list[str]) -> dict[str, str]:
    """Measure latency, briefly, where a later command needs it: without, a warm run needs no worker."""
    is_needed = any("--max-latency" in later for later in page[page.index(command) + 1 :])
    return {"BENCH_LATENCY_SECONDS": "0.1"} if is_needed and "--candidates demo" not in command else {}


def _run(
    command: str, folder: Path, reader: CommandServer, variables: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Run a command: `bench` by itself where the libraries are imported already, anything else by the shell."""
    expected = _EXIT.search(command)
    program, *arguments = shlex.split(command, comments=True)
    if program == "bench" and not _SHELL.search(command.partition(" #")[0]):
        ended = reader.bench(*arguments, folder=folder, **variables)
    else:
        # The environment of a reader who has activated the one that bench is installed in.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ended = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env={**reader.environment, "PATH": path, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENT_S,
            check=False,
        )
    _check(ended, command, int(expected[1]) if expected else 0)


def _check(ended: "subprocess.CompletedProcess[str]", command: str, expected: int = 0) -> None:
    report = f"{command}\nexit {ended.returncode}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    assert ended.returncode == expected, report
    assert "Traceback" not in ended.stderr, report


def _installed(desk: Path, files: dict[str, str]) -> Path:
    """Do what pip would: with no network it can't build, so that the package is laid down as it would be."""
    pyproject = files["pyproject.toml"]
    modules = {value.partition(":")[0] for entries in _entry_points(pyproject) for value in entries.values()}
    part = {name: text for name, text in files.items() if Path(name).parts[0].removesuffix(".py") in modules}
    return install(desk / "site-packages", pyproject=pyproject, files=part)


def _entry_points(pyproject: str) -> list[dict[str, str]]:
    return list(tomllib.loads(pyproject)["project"]["entry-points"].values())
