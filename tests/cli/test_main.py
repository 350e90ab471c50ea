import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli.main import app
from scripts.command_reference import commands
from tests.support.command_line import Bench, failure


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"], ["run", "-h"], ["candidates", "--help"]])
def test_help_is_there(bench: Bench, arguments: list[str]) -> None:
    ended = bench(*arguments)
    assert ended.returncode == 0
    assert "Usage" in ended.stdout


def test_the_version_is_told(bench_process: Bench) -> None:
    assert bench_process("--version").stdout.startswith("bench ")


@pytest.mark.parametrize("arguments", [["verifi"], ["run", "--min-emotions", "many"], ["run", "--device", "tpu"]])
def test_a_wrong_use_of_the_command_line_is_exit_2(bench: Bench, arguments: list[str]) -> None:
    failure(bench(*arguments))


@pytest.mark.parametrize("arguments", [["candidates", "--candidates", "a/" * 3_000], ["corpus", "a" * 300]])
def test_a_path_that_is_too_long_is_one_line(bench: Bench, arguments: list[str]) -> None:
    assert "longer than a path can be" in failure(bench(*arguments))


def test_an_interruption_is_one_line_wherever_it_comes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.api.doctor.doctor", interrupt)
    ended = bench("doctor")
    assert (ended.returncode, ended.stderr) == (130, "Error: Interrupted; what was finished is kept.\n")


@pytest.mark.parametrize(
    "arguments",
    [["candidates", "--candidates", "demo"], ["candidates", "--candidates", "nowhere.yaml"], ["cache", "ls"]],
)
def test_in_the_process_of_the_tests_bench_says_and_does_what_it_does_in_its_own(
    bench: Bench, bench_process: Bench, arguments: list[str]
) -> None:
    here, there = bench(*arguments), bench_process(*arguments)
    assert (here.returncode, here.stdout, here.stderr) == (there.returncode, there.stdout, there.stderr)


def test_no_option_takes_an_empty_text_for_the_current_folder_or_for_any_name(bench: Bench, tmp_path: Path) -> None:
    options = {
        argument.name: name
        for name, command in commands(app)
        for argument in command.assemble_argument_collection()
        if argument.name.startswith("--") and argument.hint is not bool
    }
    assert options.pop("--search") == "discover"  # an empty one finds all
    assert {"--output", "--log-file", "--config", "--candidates", "--run", "--write"} < options.keys()
    for option, command_name in options.items():
        assert f"{option} is empty" in failure(bench(*command_name.split(), option, ""))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("compare", "", "b"), ("corpus", " "), ("labels", ""), ("predict", "m", "")])
def test_no_argument_is_empty(bench: Bench, arguments: tuple[str, ...]) -> None:
    assert "is empty" in failure(bench(*arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--candidates", "demo"),
        ("verify", "--candidates", "demo"),
        ("corpus", "demo:"),
        ("predict", "--candidates", "demo", "hubert-german", "call.wav"),
        ("discover",),
    ],
)
def test_a_cache_that_cannot_be_written_is_refused_before_anything_is_looked_at(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    def look(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("api.run.open_corpora", "api.corpus.open_corpora", "hub.client.Hub.search", "hub.local.local_facts"):
        monkeypatch.setattr(f"benchmark.{name}", look)
    (tmp_path / "call.wav").touch()
    (tmp_path / "file").touch()
    ended = bench(*arguments, BENCH_CACHE=str(tmp_path / "file" / "cache"))
    assert "choose another folder with BENCH_CACHE" in failure(ended)


def test_an_empty_variable_counts_as_unset(bench: Bench, tmp_path: Path) -> None:
    assert bench("cache", "ls", "--json", BENCH_CACHE=" ").stdout == bench("cache", "ls", "--json").stdout
    assert bench("candidates", BENCH_CANDIDATES="").returncode == 0


_INTERRUPTED_AT_AN_IMPORT = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "cyclopts":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from benchmark.cli.main import main
"""


def test_an_interruption_before_there_is_a_command_line_is_one_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED_AT_AN_IMPORT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (130, "Error: Interrupted; what was finished is kept.\n")


def test_whoever_imports_the_command_line_keeps_what_ctrl_c_does() -> None:
    program = (
        "import signal; from benchmark.cli.main import main; "
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--corpus", "~no-such-user/calls"),
        ("run", "--corpus", "table:~no-such-user/calls.csv"),
        ("run", "--candidates", "~no-such-user/candidates.yaml"),
        ("labels", "--candidates", "demo", "~no-such-user/calls"),
        ("compare", "~no-such-user/a", "b"),
        ("recommend", "--run", "~no-such-user/a"),
    ],
)
def test_the_home_of_a_user_who_does_not_exist_is_a_place_where_nothing_is(
    bench: Bench, arguments: tuple[str, ...]
) -> None:
    assert "~no-such-user" in failure(bench(*arguments))


@pytest.mark.parametrize(
    ("lost", "sentence"),
    [
        ("os.rmdir(os.getcwd())", "Error: The current folder does not exist any more: go to another one with cd.\n"),
        (
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",  # no file can be written anywhere
            "Error: No folder for temporary files can be written to: name one with TMPDIR.\n",
        ),
    ],
)
@pytest.mark.parametrize("arguments", [("run", "--candidates", "demo"), ("cache", "ls")])
@pytest.mark.skipif(sys.platform == "win32", reason="folders in use stay, and files have no limit")
def test_a_folder_without_which_nothing_can_run_is_one_sentence(
    tmp_path: Path, lost: str, sentence: str, arguments: tuple[str, ...]
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", f"import os; {lost}; from benchmark.cli.main import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (3, sentence)


@pytest.mark.parametrize("words", [["run", "--corpus"], ["corpus"], ["train", "--corpus"]], ids=" ".join)
def test_a_mistyped_corpus_is_found_before_heavy_libraries_are_imported(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom benchmark.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as error:\n    code = error.code\n"
        "print(code, sorted({'numpy', 'scipy', 'sklearn', 'pandas', 'pyarrow', 'torch'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, *words, "nope"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert ended.stdout == "2 []\n"
    assert ended.stderr.startswith("Error: There is no corpus and no path 'nope'")


def test_the_package_is_the_program(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "benchmark", "--version"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert ended.stdout.startswith("bench ")
