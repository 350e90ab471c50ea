import csv
import io
from pathlib import Path
from typing import Any

import pytest

from benchmark.reporting.csv_and_json import GROUP_COLUMNS, ROBUSTNESS_COLUMNS, groups_csv
from benchmark.reporting.leaderboard_breakdown import group_sections, robustness_sections
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.analyses import CandidateGroups, CorpusGroups, GroupScore, GroupSize, LeftOutGroup, Robustness
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from tests.reporting.conftest import board, scored, table

SIZES = (GroupSize(group="female", clips=720, speakers=12), GroupSize(group="male", clips=700, speakers=11))


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
    base = {"corpus": "ravdess", "column": column, "emotions": ("anger", "fear"), "groups": SIZES}
    return CorpusGroups.model_validate(base | {"candidates": (candidate(),)} | changes)


def text_of(*groups: CorpusGroups, **row: Any) -> str:
    return "\n\n".join(group_sections(board(scored(**row), groups=groups)))


def test_parts_have_scores_with_intervals_and_sizes_and_two_of_them_a_gap() -> None:
    text = text_of(parts())
    assert "### Parts of ravdess" in text
    (cells,) = table(text)
    assert cells["female (720 clips, 12 speakers)"] == "0.60 [0.55–0.65]"
    assert cells["gap"] == "0.10 [0.00–0.30]"
    assert "over anger, fear. No gap is beyond chance." in text
    assert "Beyond chance: org/model (female over male)." in text_of(parts(candidates=(candidate(low=0.02),)))
    alone = text_of(parts(groups=SIZES[:1], candidates=(candidate("org/model", 0.6),)))
    assert "Only one part is large enough" in alone


def test_small_parts_are_named_with_the_reason_and_counted_if_they_are_many() -> None:
    left_out = tuple(LeftOutGroup(group=f"g{n}", clips=n, reason="2 speakers, where 3 are needed") for n in range(7))
    text = text_of(parts(left_out=left_out, left_out_more=9_993, unknown_clips=3, omitted=("joy",)))
    assert "Not scored: g0 (0 clips; 2 speakers, where 3 are needed)" in text
    assert "and 9,995 more." in text
    assert "Of 3 clips nobody knows it." in text
    assert "(not joy: too few clips in one of the parts)" in text


def test_columns_of_the_user_are_mentioned_if_the_corpus_lacks_them_and_default_ones_are_not() -> None:
    unscored: dict[str, Any] = {"groups": (), "candidates": (), "emotions": (), "problem": "the corpus does not tell"}
    assert text_of(parts("language", **unscored)) == ""
    assert "**By age**: the corpus does not tell." in text_of(parts("age", **unscored))
    small = (LeftOutGroup(group="male", clips=9, reason="1 speaker, where 3 are needed"),)
    text = text_of(parts(groups=(), candidates=(), problem="every group is too small", left_out=small))
    assert "**By sex**: every group is too small. Not scored: male (9 clips; 1 speaker, where 3 are needed)." in text


def test_of_many_parts_the_best_and_the_worst_are_shown() -> None:
    names = tuple(f"room{number}" for number in range(8))
    sizes = tuple(GroupSize(group=name, clips=100, speakers=5) for name in names)
    rooms = (candidate("org/model", *(0.1 * number for number in range(1, 9)), groups=names),)
    text = text_of(parts("room", groups=sizes, candidates=rooms))
    assert "room7 0.80 [0.75–0.85]" in text
    assert "room0 0.10 [0.05–0.15]" in text
    assert "room4" not in text


def test_candidates_stand_in_the_order_of_the_ranking_and_repaired_ones_are_marked() -> None:
    rows = (scored("b", head="dense-out"), scored("a", rank=2))
    text = "\n".join(group_sections(board(*rows, groups=(parts(candidates=(candidate("a"), candidate("b"))),))))
    assert text.index("b (repaired)") < text.index("| a ")


def test_the_spread_over_speakers_is_shown_without_any_other_part() -> None:
    text = text_of(speaker_measure="uar", speaker_tenth=0.31, speaker_spread=0.0)
    assert table(text)[0]["unlucky tenth"] == "0.31"
    assert "share of right answers" in text_of(speaker_measure="accuracy", speaker_tenth=0.31, speaker_spread=0.1)


def test_the_table_of_groups_has_a_row_per_candidate_and_part_and_one_for_each_that_is_left_out() -> None:
    small = (LeftOutGroup(group="other", clips=4, reason="it is small"),)
    groups = (parts(left_out=small, left_out_more=2, unknown_clips=5), parts("age", candidates=(), problem="unknown"))
    rows = list(csv.DictReader(io.StringIO(groups_csv(groups))))
    assert tuple(rows[0]) == GROUP_COLUMNS
    assert [(row["group"], row["candidate"], row["clips"], row["uar"], row["reason"]) for row in rows] == [
        ("female", "org/model", "720", "0.6", ""),
        ("male", "org/model", "700", "0.5", ""),
        ("other", "", "4", "", "it is small"),
        ("", "", "", "", "2 more groups are not scored and not listed"),
        ("", "", "5", "", "the corpus does not tell of them"),
        ("", "", "", "", "unknown"),
    ]
    assert float(rows[0]["gap"]) == pytest.approx(0.1)


def perturbed(candidate: str = "a", perturbation: str = "noise:20dB", **changes: object) -> Robustness:
    """Build the scores of one candidate under one perturbation; `changes` replace fields."""
    base = {
        "candidate": candidate, "corpus": "ravdess", "perturbation": perturbation, "clips": 1440, "unchanged": 0.9123,
        "uar": 0.5, "perturbed_uar": 0.45, "uar_loss": 0.05, "uar_loss_low": 0.01, "uar_loss_high": 0.09,
        "interval": "speakers",
    }  # fmt: skip
    return Robustness.model_validate(base | changes)


def robustness_of(rows: tuple[LeaderboardRow, ...], *results: Robustness) -> str:
    return "\n\n".join(robustness_sections(board(*rows, robustness=results)))


def test_without_perturbations_and_parts_there_are_no_sections(realistic_board: Leaderboard) -> None:
    assert group_sections(realistic_board) == robustness_sections(realistic_board) == []


def test_perturbed_candidates_stand_in_the_order_of_the_corpus_with_a_column_for_each_perturbation() -> None:
    results = perturbed("a"), perturbed("a", "telephone", unchanged=0.5), perturbed("b", "telephone", unchanged=0.8)
    text = leaderboard_markdown(board(scored("b"), scored("a"), robustness=results))
    shares = text.partition("## How robust")[2].partition("Loss of UAR")[0]
    assert table(shares) == [
        {"candidate": "b", "noise:20dB": "–", "telephone": "0.80"},
        {"candidate": "a", "noise:20dB": "0.91", "telephone": "0.50"},
    ]
    assert "1,440 clips" in shares


def test_a_loss_is_bold_only_if_its_interval_excludes_zero_and_absent_without_labels() -> None:
    text = robustness_of(
        tuple(map(scored, "abcd")),
        perturbed("a"),
        perturbed("b", uar_loss=-0.02, uar_loss_low=-0.05, uar_loss_high=0.01),
        perturbed("c", uar_loss=-0.05, uar_loss_low=-0.09, uar_loss_high=-0.01),
        perturbed("d", uar_loss_low=None),
    )
    losses = [row["noise:20dB"] for row in table(text.partition("Loss of UAR")[2])]
    assert losses == ["**0.05 [0.01, 0.09]**", "−0.02 [−0.05, 0.01]", "**−0.05 [−0.09, −0.01]**", "0.05"]
    assert "over speakers" in text
    assert "too narrow" in robustness_of((scored("a"),), perturbed(interval="clips"))
    unlabelled: dict[str, Any] = dict.fromkeys(
        ("uar", "perturbed_uar", "uar_loss", "uar_loss_low", "uar_loss_high", "interval")
    )
    assert "Loss of UAR" not in robustness_of((scored("a"),), perturbed(**unlabelled))


def test_failures_and_clips_without_change_are_remarked() -> None:
    ended: dict[str, object] = {"clips": 0, "unchanged": None, "uar_loss": None, "problem": "Its worker ended."}
    results = (perturbed("a", failed_clips=3), perturbed("a", "lowpass:4k", untouched_clips=1200))
    text = robustness_of((scored("a"), scored("b")), *results, perturbed("b", "noise:20dB", **ended))
    assert "**a**, noise:20dB: 3 of 1,440 clips could not be processed" in text
    assert "lowpass:4k has nothing to remove from 1,200 clips" in text
    assert "**b**, noise:20dB: Its worker ended." in text


def test_a_candidate_that_always_answers_the_same_is_not_called_robust() -> None:
    rows = (scored("a"), scored("b", collapsed=True, flags=("collapsed",)))
    text = robustness_of(rows, perturbed("a"), perturbed("b", unchanged=1.0))
    assert "b answers nearly always the same" in text
    assert "a answers" not in text


def test_robustness_is_written_in_full_and_that_of_a_former_run_is_removed(tmp_path: Path) -> None:
    leaderboard = board(scored("a"), robustness=(perturbed("a", uar_loss=1 / 3),))
    written = write_leaderboard(leaderboard, tmp_path)
    assert written[-1] == tmp_path / "robustness.csv"
    (cells,) = csv.DictReader(io.StringIO(written[-1].read_text(encoding="utf-8")))
    assert tuple(cells) == ROBUSTNESS_COLUMNS
    assert (float(cells["uar_loss"]), cells["problem"]) == (1 / 3, "")
    read = Leaderboard.read(written[2])
    assert read is not None
    assert read.robustness == leaderboard.robustness
    assert written[-1] not in write_leaderboard(board(scored("a")), tmp_path)
    assert not written[-1].exists()
