"""Every command and every example of the README and of docs/ is run as it stands there."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.hub_server import HubServer
from tests.support.pages import Block, blocks_of, prose_of
from tests.support.plugins import install

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_NAMES = {page: page.relative_to(_ROOT).as_posix() for page in _PAGES}
_EXIT = re.compile(r"#\s*exit (\d+)\b")
# Setting up an environment is what `make` and `.ci/run` do before any test runs: it is not done again inside one.
_SET_UP = re.compile(r"^(git clone |python3 -m venv |source |\S*pip install |\S+/pre-commit )")
_MAKE = re.compile(r"^make\b")
_PATIENT_S = 300
# A script that measures no latency, as most commands here; `benchmark.run` asks no environment for its defaults.
_EXAMPLE = (
    "import functools, runpy, benchmark; "
    "benchmark.run = functools.partial(benchmark.run, latency_seconds=0); "
    'runpy.run_path("example.py", run_name="__main__")'
)


@pytest.mark.parametrize("page", [page for page in _PAGES if blocks_of(page)], ids=_NAMES.get)
def test_the_commands_and_examples_of_a_page_work_as_they_stand(
    page: Path, desk: Path, kept: Path, hub: HubServer
) -> None:
    environment = _with_bench_on_the_path() | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(kept / "hf"),
        "BENCH_CACHE": str(kept / "bench"),
        "OMP_NUM_THREADS": "1",
        "BENCH_LATENCY_SECONDS": "0",
        "PYTHONPATH": str(_ROOT),
    }
    environment.pop("HF_HUB_OFFLINE", None)
    blocks = blocks_of(page)
    files = {block.file: block.content for block in blocks if block.file is not None}
    commands = [command for block in blocks for command in block.commands]
    for name, content in files.items():
        path = desk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    for block in blocks:
        if block.language == "python" and block.file is None:
            (desk / "example.py").write_text(block.content, encoding="utf-8")
            _run(f"python -c '{_EXAMPLE}'", desk, environment)
        for command in block.commands:
            if command.startswith("pip install -e ."):
                environment["PYTHONPATH"] = f"{_ROOT}{os.pathsep}{_installed(desk, files)}"
            elif _MAKE.match(command):
                _run(f"make -n {command.partition('#')[0].removeprefix('make')}", _ROOT, environment)
            elif not _SET_UP.match(command):
                _run(command, desk, environment | _measured(command, commands))


@pytest.mark.parametrize("page", _PAGES, ids=_NAMES.get)
def test_commands_stand_in_blocks_that_are_run(page: Path) -> None:
    strays = re.findall(r"^(?: {4,}|\$ ?)(?:bench|ser-bench|make|pip|python) .*$", prose_of(page), re.MULTILINE)
    assert strays == [], "write commands in ```bash blocks"
    assert {block.language for block in blocks_of(page)} <= {"bash", "python", "yaml", "toml", "json", "csv", "text"}


def test_a_command_that_fails_would_be_noticed(tmp_path: Path) -> None:
    environment = _with_bench_on_the_path()
    with pytest.raises(AssertionError, match="exit 2"):
        _run("bench candidates --candidates nowhere.yaml", tmp_path, environment)
    _run("bench candidates --candidates nowhere.yaml  # exit 2", tmp_path, environment)


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
    """Have latency measured, briefly, for who is asked for it later: where nobody is, a warm run needs no worker."""
    asked = any("--max-latency" in later for later in page[page.index(command) + 1 :])
    return {"BENCH_LATENCY_SECONDS": "0.1"} if asked and "--candidates demo" not in command else {}


def _with_bench_on_the_path() -> dict[str, str]:
    """The environment of a reader who has activated the one that bench is installed in."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def _run(command: str, folder: Path, environment: dict[str, str]) -> None:
    expected = _EXIT.search(command)
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENT_S,
        check=False,
    )
    said = f"{command}\nexit {ended.returncode}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    assert ended.returncode == (int(expected[1]) if expected else 0), said
    assert "Traceback" not in ended.stderr, said


def _installed(desk: Path, files: dict[str, str]) -> Path:
    """Do what pip would: with no network it can't build, so that the package is laid down as it would be."""
    pyproject = files["pyproject.toml"]
    modules = {value.partition(":")[0] for entries in _entry_points(pyproject) for value in entries.values()}
    part = {name: text for name, text in files.items() if Path(name).parts[0].removesuffix(".py") in modules}
    return install(desk / "site-packages", pyproject=pyproject, files=part)


def _entry_points(pyproject: str) -> list[dict[str, str]]:
    return list(tomllib.loads(pyproject)["project"]["entry-points"].values())
