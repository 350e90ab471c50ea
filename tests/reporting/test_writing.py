import resource
from pathlib import Path

import pytest

from benchmark.errors import RequestError, UnavailableError
from benchmark.reporting.writing import write_leaderboard, write_verification
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.verification import VerificationReport


def test_both_reports_write_their_files_and_nothing_else(
    tmp_path: Path, every_status: VerificationReport, realistic_board: Leaderboard
) -> None:
    written = [*write_verification(every_status, tmp_path / "a" / "b")]
    written += write_leaderboard(realistic_board, tmp_path / "a" / "b")
    names = [f"{name}.{ending}" for name in ("verification", "leaderboard") for ending in ("md", "csv", "json")]
    names.append("leaderboard.html")
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted(names)
    for path in written:
        content = path.read_bytes()
        assert content.endswith(b"\n")
        assert b"\r" not in content
    markdown, *_ = write_verification(every_status, tmp_path, fallback_below=7)
    assert "Fallback: usable, with fewer than 7 emotions (3)" in markdown.read_text(encoding="utf-8")


def test_a_folder_that_is_a_file_is_a_wrong_request(tmp_path: Path, realistic_board: Leaderboard) -> None:
    (tmp_path / "reports").write_text("mine")
    with pytest.raises(RequestError, match="choose another folder with --output"):
        write_leaderboard(realistic_board, tmp_path / "reports")
    assert (tmp_path / "reports").read_text() == "mine"


def test_a_report_that_does_not_fit_on_the_disk_leaves_the_former_one_whole(
    tmp_path: Path, every_status: VerificationReport, realistic_board: Leaderboard
) -> None:
    write_verification(every_status, tmp_path)
    write_leaderboard(realistic_board, tmp_path)
    (tmp_path / "robustness.csv").write_text("of the former run")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["leaderboard.html"]) // 2, limits[1]))
    try:
        with pytest.raises(UnavailableError, match=r"leaderboard\.html: the disk is full"):
            write_leaderboard(realistic_board.model_copy(update={"registry": "another"}), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
