"""Behaviour at a terminal, for which pseudo-terminals stand in."""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.cli.main import app
from scripts.command_reference import commands
from tests.support.command_line import Bench

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals here", allow_module_level=True)

import fcntl
import pty
import struct
import termios

ROOT = Path(__file__).parents[2]
NOTHING: Mapping[str, str] = {}
DUMB = {"NO_COLOR": "1", "TERM": "dumb"}
LIST = ("candidates", "--candidates", "demo")

# Variables of the machine that would change the output.
UNSET = frozenset({"CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR"})


def at_terminal(
    *arguments: str,
    folder: Path,
    width: int = 80,
    program: str = "",
    environment: Mapping[str, str] = NOTHING,
    typed: str = "",
) -> str:
    """Run `bench`, or another program, at a terminal, and give its output."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
    settings = {**inherited, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environment}
    script = program or "from benchmark.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=folder, env=settings, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    with suppress(OSError):  # of Linux, when the other end is closed
        while piece := os.read(ours, 65_536):
            shown += piece
    os.close(ours)
    assert process.wait(60) == 0, shown
    return shown.decode()


def test_a_terminal_gets_colour_unless_somebody_does_not_want_it(tmp_path: Path) -> None:
    assert "\x1b[" in at_terminal(*LIST, folder=tmp_path)
    assert "\x1b[3" not in at_terminal(*LIST, folder=tmp_path, environment=DUMB)


def test_a_narrow_terminal_breaks_no_name(tmp_path: Path) -> None:
    shown = at_terminal(*LIST, folder=tmp_path, width=40, environment=DUMB)
    assert "hubert-always-neutral\r\n" in shown
    assert max(map(len, shown.splitlines())) <= 40


STAGES = """
from benchmark.cli.console import ConsoleProgress
progress = ConsoleProgress()
with progress.stage("Listening", total=3, unit="clips") as stage:
    for _ in range(3):
        stage.advance()
"""


@pytest.mark.parametrize(
    ("environment", "redraws"),
    [({}, True), ({"CI": "true"}, False), ({"CI": "false"}, True), ({"TERM": "dumb"}, False)],
)
def test_bars_are_drawn_again_and_again_only_for_people(
    tmp_path: Path, environment: dict[str, str], redraws: bool
) -> None:
    shown = at_terminal(folder=tmp_path, program=STAGES, environment=environment)
    assert ("\x1b[2K" in shown) is redraws
    if not redraws:
        assert shown == "Listening (3 clips)\r\n"


def in_pipe(program: str, *, typed: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    settings = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=settings, input=typed, capture_output=True, text=True, check=True)


def test_forced_colour_draws_no_bars_into_a_pipe() -> None:
    assert in_pipe(STAGES, FORCE_COLOR="1").stderr == "Listening (3 clips)\n"


def test_a_long_stage_prints_its_progress_from_time_to_time() -> None:
    program = STAGES.replace("progress = ", "import benchmark.api.progress as p; p._LINE_EVERY_S = 0\nprogress = ")
    assert in_pipe(program).stderr.splitlines()[1:] == [f"Listening: {done} of 3 clips" for done in (1, 2, 3)]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bench verif", ["verify"]),
        ("bench verify --candidates demo -m hub", ["hubert-german", "hubert-always-neutral"]),
        ("bench run --candidates demo --corpus demo-", ["demo-unlabelled", "demo-long"]),
        ("bench verify --candidates gone.yaml -m a", []),
    ],
)
def test_the_shell_completes_commands_candidates_and_corpora(bench: Bench, line: str, offered: list[str]) -> None:
    # The completion scripts pass the words of the line, each ended by a unit separator.
    words = "".join(f"{word}\x1f" for word in line.split()[1:])
    ended = bench("__complete", CYCLOPTS_COMPLETION_WORDS=words)
    lines = ended.stdout.split("\x1fbegin\n", 1)[1].splitlines()
    assert [line.partition("\t")[0] for line in lines] == offered
    assert (ended.returncode, ended.stderr) == (0, "")


def test_every_command_has_json_output() -> None:
    for name, command in commands(app):
        assert any("--json" in argument.names for argument in command.assemble_argument_collection()), name


def test_help_fits_a_narrow_pipe_without_a_traceback(bench_process: Bench) -> None:
    ended = bench_process("predict", "--help", COLUMNS="40", TERM="dumb", NO_COLOR="1", LC_ALL="C")
    assert ended.returncode == 0, ended.stderr
    assert "--window S" in ended.stdout
    assert "--max-download-gb GB" in ended.stdout
    assert "\x1b" not in ended.stdout
    # The library makes nothing narrower than this.
    assert max(map(len, ended.stdout.splitlines())) <= 50


WAITS = """
import pathlib, sys, time
from benchmark.cli.process import end_as_on_ctrl_c, prepare_streams
prepare_streams()
end_as_on_ctrl_c()
try:
    print("ready", flush=True)
    # A signal that comes just before a sleep begins does not shorten it, so one long sleep could outlast it.
    for _ in range(600):
        time.sleep(0.1)
except KeyboardInterrupt:
    print("is written into the void", flush=True)
    print("and so is this", file=sys.stderr, flush=True)
    pathlib.Path("saved").touch()
"""


@pytest.mark.usefixtures("hangup_ends_processes")
def test_a_terminal_that_is_closed_interrupts_and_hinders_no_saving(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", f"import fcntl; fcntl.ioctl(0, {termios.TIOCSCTTY}, 0)\n{WAITS}"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    assert b"ready" in os.read(ours, 100)
    os.close(ours)
    assert process.wait(60) == 0
    assert (tmp_path / "saved").exists()


ASK = "from benchmark.cli.console import ConsoleProgress as C; print('answer:', C(quiet={}).confirm('Fetch [9 GB]?'))"


@pytest.mark.parametrize(("typed", "answer"), [("y\n", True), ("YES\n", True), ("\n", False), ("maybe\n", False)])
def test_a_person_at_a_terminal_is_asked_and_only_yes_is_yes(tmp_path: Path, typed: str, answer: bool) -> None:
    shown = at_terminal(folder=tmp_path, program=ASK.format(False), typed=typed)
    assert "Fetch [9 GB]? [y/N]" in shown
    assert f"answer: {answer}" in shown


def test_no_question_is_asked_under_quiet_or_without_a_terminal(tmp_path: Path) -> None:
    assert "answer: None" in at_terminal(folder=tmp_path, program=ASK.format(True), typed="y\n")
    assert in_pipe(ASK.format(False), typed="y\n").stdout.strip() == "answer: None"


REPORT = r"""# Recommendation

On **calls** the best is `org/model`, \*as\* far as 8 speakers tell.

- **first-candidate**: expect about 0.61 on new speakers, which is a sentence that is longer than a narrow terminal
- second

| candidate | UAR (at least) on ravdess-heldout | cost | why | flags |
| --- | --- | ---: | --- | --- |
| first-candidate | 0.61 (≥ 0.50) | 0.22 | it has the highest lower bound within the limits | few-speakers, noisy |
"""
SHOW = "import sys; from benchmark.cli.markdown import print_markdown; print_markdown(sys.argv[1])"


@pytest.mark.parametrize("width", [60, 80, 100, 110, 120, 160, 200])
def test_a_report_is_rendered_in_a_terminal_without_a_broken_word(tmp_path: Path, width: int) -> None:
    shown = at_terminal(REPORT, folder=tmp_path, width=width, program=SHOW, environment=DUMB)
    lines = shown.replace("\r", "").splitlines()
    assert lines[0] == "Recommendation"
    assert max(map(len, lines)) <= width
    assert not [mark for mark in ("**", "| ", "`", "\\", "---") if mark in shown]
    words = {word.rstrip(":") for word in shown.split()}
    wanted = (
        "best is org/model, *as* far first-candidate expect sentence narrow terminal highest limits ravdess-heldout"
    )
    assert set(wanted.split()) <= words
    assert "• second" in shown


def test_a_report_is_markdown_in_a_pipe(tmp_path: Path) -> None:
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", SHOW, REPORT], cwd=tmp_path, env=settings, capture_output=True, text=True, check=True
    )
    assert ended.stdout == REPORT
