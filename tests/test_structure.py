"""The house keeps its shape: small files, a docstring each, tests that mirror the package, and nothing heavy early."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "benchmark").rglob("*.py"))

LONGEST = 450

MIRRORS_NO_MODULE: dict[str, str] = {
    "tests/docs/test_pages.py": "the pages of docs/ are no modules",
    "tests/cli/test_terminal.py": "how all commands behave at a terminal belongs to none of them",
}

SLOW_TO_IMPORT = ("torch", "transformers", "evaluate", "datasets", "pandas", "sklearn", "scipy", "huggingface_hub")
RUNS_MODELS = ("torch", "transformers", "evaluate")
ONLY_READS_AND_COUNTS = ("corpora", "emotions", "registry", "reporting", "results", "scoring")

IMPORT_AND_WATCH = """
import importlib, sys
unwanted = set(sys.argv[1].split(","))
for name in sys.argv[2:]:
    importlib.import_module(name)
    reached = unwanted & set(sys.modules)
    if reached:
        print(f"{name} imports {', '.join(sorted(reached))}", file=sys.stderr)
    unwanted -= reached
"""
HELP_AND_WATCH = """
import sys
from benchmark.cli.main import app
unwanted = set(sys.argv[1].split(","))
for arguments in [], *([name] for name in app if not name.startswith("-")):
    app.help_print(arguments)
    reached = unwanted & set(sys.modules)
    if reached:
        print(f"bench {' '.join(arguments)} --help imports {', '.join(sorted(reached))}", file=sys.stderr)
    unwanted -= reached
"""


def dotted(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def complaints(program: str, *arguments: str) -> str:
    """What a program tells on its standard error that it should not have done; an exception of its own as well."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stderr or (f"exit code {done.returncode}" if done.returncode else "")


def test_every_module_begins_with_a_sentence_that_says_what_it_is() -> None:
    assert [dotted(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def test_no_module_is_so_long_that_it_asks_to_become_two() -> None:
    lengths = {dotted(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_the_tests_of_a_room_mirror_its_modules() -> None:
    strays = []
    for test in sorted((ROOT / "tests").glob("*/**/test_*.py")):
        place = test.relative_to(ROOT)
        # tests/scripts/ stands for scripts/, so does performance/; every other folder for a room of the package.
        home = ROOT if place.parts[1] in {"scripts", "performance"} else ROOT / "benchmark"
        tested = home / place.parent.relative_to("tests") / place.name.removeprefix("test_")
        if not tested.exists() and not tested.with_suffix("").is_dir():
            strays.append(place.as_posix())
    assert strays == sorted(MIRRORS_NO_MODULE)


def test_importing_benchmark_and_building_the_command_line_is_instant() -> None:
    told = complaints(IMPORT_AND_WATCH, ",".join(SLOW_TO_IMPORT), "benchmark", "benchmark.cli.main")
    assert not told, told


def test_every_help_page_is_instant() -> None:
    told = complaints(HELP_AND_WATCH, ",".join(SLOW_TO_IMPORT))
    assert not told, told


@pytest.mark.parametrize("room", ONLY_READS_AND_COUNTS)
def test_what_only_reads_or_counts_never_imports_what_runs_models(room: str) -> None:
    modules = [dotted(module) for module in MODULES if module.is_relative_to(ROOT / "benchmark" / room)]
    assert modules
    told = complaints(IMPORT_AND_WATCH, ",".join(RUNS_MODELS), *modules)
    assert not told, told
