from pathlib import Path

import pytest

from benchmark.cli.console import ConsoleProgress, open_console, print_error, print_note
from benchmark.errors import RequestError
from benchmark.options.shared import ConsoleOptions


@pytest.mark.parametrize("inside", ["", "file/log.txt"])
def test_a_log_file_that_cannot_be_written_is_a_wrong_request(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="--log-file"):
        open_console(ConsoleOptions(log_file=tmp_path / inside))


def test_a_name_from_outside_is_one_harmless_line(capsys: pytest.CaptureFixture[str]) -> None:
    progress, name = ConsoleProgress(), "a\nb \x1b[31m[red].wav"
    with progress.stage(name, total=None):
        pass
    for show in (progress.note, progress.warn, print_note, print_error):
        show(name)
    assert capsys.readouterr().err.splitlines() == [
        "a b [red].wav", "a b [red].wav", "Warning: a b [red].wav", "a b [red].wav", "Error: a b [red].wav",
    ]  # fmt: skip


def test_one_clip_is_no_clips(capsys: pytest.CaptureFixture[str]) -> None:
    for total in (1, 2):
        with ConsoleProgress().stage("Reading c", total=total, unit="clips"):
            pass
    assert capsys.readouterr().err == "Reading c (1 clip)\nReading c (2 clips)\n"


def test_spaces_in_a_path_stay(capsys: pytest.CaptureFixture[str]) -> None:
    print_note("my  reports/x.md")
    assert capsys.readouterr().err == "my  reports/x.md\n"
