"""What is told of answers to perturbed audio."""

import csv
import io
import re
from pathlib import Path

import pytest

from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.robustness import ROBUSTNESS_COLUMNS, robustness_csv, robustness_sections
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.robustness import Robustness
from tests.reporting.conftest import HOSTILE, board, scored


def row(candidate: str = "a", perturbation: str = "noise:20dB", **changes: object) -> Robustness:
    """Build what is known of one candidate under one perturbation; `changes` replace fields."""
    base = {
        "candidate": candidate,
        "corpus": "ravdess",
        "perturbation": perturbation,
        "clips": 1440,
        "unchanged": 0.9123,
        "uar": 0.5,
        "perturbed_uar": 0.45,
        "uar_loss": 0.05,
        "uar_loss_low": 0.01,
        "uar_loss_high": 0.09,
        "interval": "speakers",
    }
    return Robustness.model_validate(base | changes)


def text(leaderboard: Leaderboard) -> str:
    return "\n\n".join(robustness_sections(leaderboard))


def test_a_run_that_perturbed_nothing_says_nothing_of_it(realistic_board: Leaderboard) -> None:
    assert robustness_sections(realistic_board) == []
    assert "How robust" not in leaderboard_markdown(realistic_board)


def test_candidates_stand_in_the_order_of_the_corpus_with_a_column_for_each_perturbation() -> None:
    rows = (row("a"), row("a", "telephone", unchanged=0.5), row("b", unchanged=0.8), row("b", "telephone"))
    found = leaderboard_markdown(board(scored("b"), scored("a"), robustness=rows))
    lines = found[found.index("## How robust") :].splitlines()
    table = [line for line in lines if line.startswith("|")][:4]
    assert [cell.strip() for cell in table[0].split("|")[1:-1]] == ["candidate", "noise:20dB", "telephone"]
    assert [cell.strip() for cell in table[2].split("|")[1:-1]] == ["b", "0.80", "0.91"]
    assert [cell.strip() for cell in table[3].split("|")[1:-1]] == ["a", "0.91", "0.50"]
    assert "1,440 clips" in found


def test_a_loss_is_bold_only_where_its_interval_excludes_zero() -> None:
    rows = (
        row("a"),
        row("b", uar_loss=-0.02, uar_loss_low=-0.05, uar_loss_high=0.01),
        row("c", uar_loss=-0.05, uar_loss_low=-0.09, uar_loss_high=-0.01),
    )
    found = text(board(scored("a"), scored("b"), scored("c"), robustness=rows))
    assert "**0.05 [0.01, 0.09]**" in found
    assert " −0.02 [−0.05, 0.01] " in found
    assert "**−0.05 [−0.09, −0.01]**" in found
    assert "over speakers" in found


def test_an_interval_over_clips_says_that_it_is_too_narrow() -> None:
    assert "too narrow" in text(board(scored("a"), robustness=(row(interval="clips"),)))


def test_without_labels_there_is_no_table_of_losses() -> None:
    bare = row(uar=None, perturbed_uar=None, uar_loss=None, uar_loss_low=None, uar_loss_high=None, interval=None)
    found = text(board(scored("a"), robustness=(bare,)))
    assert "0.91" in found
    assert "Loss of UAR" not in found


def test_what_failed_what_came_as_it_is_and_what_ended_early_is_said() -> None:
    ended: dict[str, object] = {"clips": 0, "unchanged": None, "uar_loss": None, "problem": "Its worker ended."}
    rows = (row("a", failed_clips=3), row("a", "lowpass:4k", untouched_clips=1200), row("b", "noise:20dB", **ended))
    found = text(board(scored("a"), scored("b"), robustness=rows))
    assert "**a**, noise:20dB: 3 of 1,440 clips could not be processed" in found
    assert "lowpass:4k has nothing to remove from 1,200 clips" in found
    assert "**b**, noise:20dB: Its worker ended." in found


def test_whoever_always_answers_the_same_is_not_called_robust() -> None:
    rows = (scored("a"), scored("b", collapsed=True, flags=("collapsed",)))
    found = text(board(*rows, robustness=(row("a"), row("b", unchanged=1.0))))
    assert "b answers nearly always the same" in found
    assert "a answers" not in found


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_from_outside_are_escaped(hostile: str) -> None:
    found = text(board(scored(hostile), robustness=(row(hostile, problem=hostile),)))
    assert "<script>" not in found
    assert re.search(r"(?<!\\)\]\(", found) is None
    (cells,) = csv.DictReader(io.StringIO(robustness_csv([row(hostile, problem=hostile)])))
    assert not cells["candidate"].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert "\n" not in cells["problem"]


def test_the_table_holds_every_number_in_full() -> None:
    (cells,) = csv.DictReader(io.StringIO(robustness_csv([row(uar_loss=1 / 3)])))
    assert tuple(cells) == ROBUSTNESS_COLUMNS
    assert float(cells["uar_loss"]) == 1 / 3
    assert cells["problem"] == ""


def test_the_table_of_a_former_run_is_not_left_beside_a_run_that_perturbed_nothing(tmp_path: Path) -> None:
    written = write_leaderboard(board(scored("a"), robustness=(row("a"),)), tmp_path)
    assert written.robustness == tmp_path / "robustness.csv"
    assert written.robustness in written.paths
    assert "noise:20dB" in written.robustness.read_text(encoding="utf-8")
    assert write_leaderboard(board(scored("a")), tmp_path).robustness is None
    assert not (tmp_path / "robustness.csv").exists()


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    leaderboard = board(scored("a"), robustness=(row("a"),))
    read = Leaderboard.read(write_leaderboard(leaderboard, tmp_path).json)
    assert read is not None
    assert read.robustness == leaderboard.robustness
