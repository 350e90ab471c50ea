import csv
import io
from typing import Any

import pytest

from benchmark.reporting.csv_and_json import GROUP_COLUMNS, groups_csv
from benchmark.reporting.leaderboard_breakdown import group_sections
from benchmark.results.analyses import CandidateGroups, CorpusGroups, GroupScore, GroupSize, LeftOutGroup
from benchmark.results.leaderboard import Leaderboard
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


def test_without_parts_there_is_no_section(realistic_board: Leaderboard) -> None:
    assert group_sections(realistic_board) == []
