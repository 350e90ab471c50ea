"""The structure of the code: short modules with docstrings, tests that mirror them, no slow imports at the start."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "benchmark").rglob("*.py"))

LONGEST = 450

MIRRORS_NO_MODULE: dict[str, str] = {
    **{
        f"tests/attacks/test_{entry}.py": "attacks the whole program at one entry"
        for entry in (
            *("addresses", "checkpoints", "kills", "recordings", "registries", "settings", "stored_files", "tables"),
        )
    },
    "tests/docs/test_pages.py": "the pages of docs/ are no modules",
    "tests/docs/test_scale.py": "the files of docs/scale are no modules",
    "tests/docs/test_notebook.py": "executes docs/notebook.ipynb",
    "tests/docs/test_adapters.py": "the adapters of docs/guides are no modules",
    "tests/cli/test_native_candidates.py": "runs models that other toolkits saved",
    "tests/cli/test_onnx_candidates.py": "runs ONNX files beside models",
    "tests/cli/test_zero_shot_candidates.py": "runs models with prompts beside classifiers",
    "tests/cli/test_plugin_files.py": "runs plugins that are a file",
    "tests/cli/test_dimensions.py": "runs candidates that rate dimensions",
    "tests/cli/test_foreign_programs.py": "runs programs of the user's beside models",
    "tests/cli/test_imported_answers.py": "runs tables of answers beside models",
    "tests/cli/test_terminal.py": "tests all commands at a terminal",
    "tests/cli/test_untidy_corpus.py": "goes from an untidy corpus to a recommendation",
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
    """Standard error of a program, or its exit code."""
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    return ended.stderr or (f"exit code {ended.returncode}" if ended.returncode else "")


def test_every_module_has_a_docstring() -> None:
    assert [dotted(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def test_no_module_is_too_long() -> None:
    lengths = {dotted(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_test_modules_mirror_modules() -> None:
    strays = []
    for path in sorted((ROOT / "tests").glob("*/**/test_*.py")):
        test = path.relative_to(ROOT)
        home = ROOT if test.parts[1] in {"scripts", "performance"} else ROOT / "benchmark"
        tested = home / test.parent.relative_to("tests") / test.name.removeprefix("test_")
        if not tested.exists() and not tested.with_suffix("").is_dir():
            strays.append(test.as_posix())
    assert strays == sorted(MIRRORS_NO_MODULE)


def test_importing_benchmark_and_every_help_page_are_fast() -> None:
    assert complaints(HELP_AND_WATCH, ",".join(SLOW_TO_IMPORT)) == ""


def test_what_only_reads_or_counts_never_imports_what_runs_models() -> None:
    modules = [path for path in MODULES if path.relative_to(ROOT / "benchmark").parts[0] in ONLY_READS_AND_COUNTS]
    assert {path.relative_to(ROOT / "benchmark").parts[0] for path in modules} == set(ONLY_READS_AND_COUNTS)
    assert complaints(IMPORT_AND_WATCH, ",".join(RUNS_MODELS), *map(dotted, modules)) == ""
