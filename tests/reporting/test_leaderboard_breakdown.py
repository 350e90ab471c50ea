"""What a person reads of parts of a corpus, and what a program does."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from benchmark.reporting.csv_and_json import GROUP_COLUMNS, ROBUSTNESS_COLUMNS, groups_csv, robustness_csv
from benchmark.reporting.leaderboard_breakdown import group_sections, robustness_sections
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.analyses import CandidateGroups, CorpusGroups, GroupScore, GroupSize, LeftOutGroup, Robustness
from benchmark.results.leaderboard import Leaderboard
from tests.reporting.conftest import board, scored


def candidate(
    name: str = "org/model", *uars: float, low: float = 0.0, groups: tuple[str, ...] = ("female", "male")
) -> CandidateGroups:
    scores = tuple(
        GroupScore(group=group, uar=uar, uar_low=uar - 0.05, uar_high=uar + 0.05, interval="speakers")
        for group, uar in zip(groups, uars or (0.6, 0.5), strict=False)
    )
    best, worst = max(scores, key=lambda score: score.uar), min(scores, key=lambda score: score.uar)
    return CandidateGroups(
        candidate=name, scores=scores, best=best.group, worst=worst.group, gap=best.uar - worst.uar, gap_low=low,
        gap_high=0.3,
    )  # fmt: skip


def parts(column: str = "sex", **changes: Any) -> CorpusGroups:
    base = {
        "corpus": "ravdess",
        "column": column,
        "emotions": ("anger", "fear"),
        "groups": (GroupSize(group="female", clips=720, speakers=12), GroupSize(group="male", clips=700, speakers=11)),
        "candidates": (candidate(),),
    }
    return CorpusGroups.model_validate(base | changes)


def text_of(*groups: CorpusGroups, **row: Any) -> str:
    return "\n\n".join(group_sections(board(scored(**row), groups=groups)))


def test_a_person_reads_scores_intervals_and_sizes() -> None:
    text = text_of(parts())
    assert "### Parts of ravdess" in text
    assert "female (720 clips, 12 speakers)" in text
    assert "0.60 [0.55–0.65]" in text
    assert "0.10 [0.00–0.30]" in text
    assert "over anger, fear. No gap is beyond chance." in text


def test_a_gap_beyond_chance_is_said_with_who_is_understood_better() -> None:
    assert "Beyond chance: org/model (female over male)." in text_of(parts(candidates=(candidate(low=0.02),)))


def test_small_parts_are_named_with_the_reason_and_counted_when_they_are_many() -> None:
    left_out = tuple(LeftOutGroup(group=f"g{n}", clips=n, reason="2 speakers, where 3 are needed") for n in range(7))
    text = text_of(parts(left_out=left_out, left_out_more=9_993, unknown_clips=3, omitted=("joy",)))
    assert "Not scored: g0 (0 clips; 2 speakers, where 3 are needed)" in text
    assert "and 9,995 more." in text
    assert "Of 3 clips nobody knows it." in text
    assert "(not joy: too few clips in one of the parts)" in text


def test_what_nobody_asked_for_and_no_corpus_tells_is_not_mentioned() -> None:
    untold = parts("language", groups=(), candidates=(), emotions=(), problem="the corpus does not tell")
    assert text_of(untold) == ""
    asked_for = parts("age", groups=(), candidates=(), emotions=(), problem="the corpus does not tell")
    assert "**By age**: the corpus does not tell." in text_of(asked_for)


def test_parts_that_are_all_too_small_are_said_to_be() -> None:
    small = (LeftOutGroup(group="male", clips=9, reason="1 speaker, where 3 are needed"),)
    text = text_of(parts(groups=(), candidates=(), problem="every group is too small", left_out=small))
    assert "**By sex**: every group is too small. Not scored: male (9 clips; 1 speaker, where 3 are needed)." in text


def test_many_parts_are_told_by_the_best_and_the_worst() -> None:
    names = tuple(f"room{place}" for place in range(8))
    sizes = tuple(GroupSize(group=name, clips=100, speakers=5) for name in names)
    many = parts(
        "room", groups=sizes, candidates=(candidate("org/model", *(0.1 * n for n in range(1, 9)), groups=names),)
    )
    text = text_of(many)
    assert "room7 0.80 [0.75–0.85]" in text
    assert "room0 0.10 [0.05–0.15]" in text
    assert "room4" not in text


def test_candidates_stand_in_the_order_of_the_ranking_and_repaired_ones_are_marked() -> None:
    rows = (scored("b", head="dense-out"), scored("a", rank=2))
    text = "\n".join(group_sections(board(*rows, groups=(parts(candidates=(candidate("a"), candidate("b"))),))))
    assert text.index("b (repaired)") < text.index("| a ")


def test_how_speakers_differ_is_told_without_any_other_part() -> None:
    text = text_of(speaker_measure="uar", speaker_tenth=0.31, speaker_spread=0.0)
    assert "unlucky tenth" in text
    assert "0.31" in text
    assert "share of right answers" in text_of(speaker_measure="accuracy", speaker_tenth=0.31, speaker_spread=0.1)


def test_a_run_without_parts_says_nothing() -> None:
    assert group_sections(board(scored())) == []


def test_the_table_has_a_row_per_candidate_and_part_and_one_for_each_that_is_left_out() -> None:
    groups = parts(
        left_out=(LeftOutGroup(group="other", clips=4, reason="it is small"),), left_out_more=2, unknown_clips=5
    )
    rows = list(csv.DictReader(io.StringIO(groups_csv((groups,)))))
    assert tuple(rows[0]) == GROUP_COLUMNS
    assert [(row["group"], row["candidate"], row["clips"], row["uar"]) for row in rows] == [
        ("female", "org/model", "720", "0.6"),
        ("male", "org/model", "700", "0.5"),
        ("other", "", "4", ""),
        ("", "", "", ""),
        ("", "", "5", ""),
    ]
    assert float(rows[0]["gap"]) == pytest.approx(0.1)
    assert rows[2]["reason"] == "it is small"
    assert rows[3]["reason"] == "2 more groups are not scored and not listed"


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


def test_the_table_holds_every_number_in_full() -> None:
    (cells,) = csv.DictReader(io.StringIO(robustness_csv([row(uar_loss=1 / 3)])))
    assert tuple(cells) == ROBUSTNESS_COLUMNS
    assert float(cells["uar_loss"]) == 1 / 3
    assert cells["problem"] == ""


def test_the_table_of_a_former_run_is_not_left_beside_a_run_that_perturbed_nothing(tmp_path: Path) -> None:
    written = write_leaderboard(board(scored("a"), robustness=(row("a"),)), tmp_path)
    assert written[-1] == tmp_path / "robustness.csv"
    assert "noise:20dB" in written[-1].read_text(encoding="utf-8")
    assert written[-1] not in write_leaderboard(board(scored("a")), tmp_path)
    assert not written[-1].exists()


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    leaderboard = board(scored("a"), robustness=(row("a"),))
    read = Leaderboard.read(write_leaderboard(leaderboard, tmp_path)[2])
    assert read is not None
    assert read.robustness == leaderboard.robustness
