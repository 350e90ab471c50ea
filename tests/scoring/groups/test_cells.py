from collections import Counter
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from benchmark.scoring.groups.cells import MOST_GROUPS, Comparison, GroupCells, compare_what, group_cells

NAMES = ("anger", "fear", "joy")


Row = tuple[str | None, str | None, int]


def cells_of(rows: Sequence[Row], emotions: int = 3) -> GroupCells:
    """One clip a row: group, speaker, emotion."""
    return group_cells(
        [row[0] for row in rows], [row[1] for row in rows], np.array([row[2] for row in rows], dtype=np.int64), emotions
    )


def full(
    group: str, speakers: int = 3, emotions: tuple[int, ...] = (0, 1, 2), clips: int = 4
) -> list[tuple[str, str, int]]:
    """Every speaker of a group says every emotion some times."""
    return [
        (group, f"{group}{speaker}", emotion)
        for speaker, emotion, _ in product(range(speakers), emotions, range(clips))
    ]


def chosen(cells: GroupCells) -> Comparison:
    return compare_what(cells, cells.count(), NAMES)


def named(cells: GroupCells, comparison: Comparison) -> tuple[set[str], list[str], dict[str, str]]:
    return (
        {cells.names[group] for group in comparison.groups},
        [NAMES[emotion] for emotion in comparison.emotions],
        {cells.names[group]: reason for group, reason in comparison.reasons.items()},
    )


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_counting_one_by_one(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = [
        (
            None if generator.random() < 0.1 else f"g{generator.integers(4)}",
            None if generator.random() < 0.1 else f"s{generator.integers(5)}",
            int(generator.integers(3)),
        )
        for _ in range(300)
    ]
    right = generator.random(300) < 0.5
    cells = cells_of(rows)
    for counts, wanted in ((cells.count(), np.ones(300, dtype=np.bool_)), (cells.count(right), right)):
        by_hand = Counter((row[0], row[2]) for row, counted in zip(rows, wanted, strict=True) if counted and row[0])
        for place, name in enumerate(cells.names):
            assert counts[cells.rows(place)].sum(axis=0).tolist() == [by_hand[name, each] for each in range(3)]
    sizes = [int(cells.count()[cells.rows(place)].sum()) for place in range(len(cells.names))]
    assert sizes == sorted(sizes, reverse=True)


def test_no_clip_and_no_known_group_are_no_groups() -> None:
    cases: list[list[Row]] = [[], [(None, "s1", 0)]]
    for rows in cases:
        cells = cells_of(rows)
        assert (cells.names, cells.count().shape) == ((), (0, 3))
        assert chosen(cells) == Comparison(groups=(), emotions=(), reasons={})


def test_groups_that_have_everything_are_compared_over_everything() -> None:
    cells = cells_of([*full("a"), *full("b", 5)])
    assert named(cells, chosen(cells)) == ({"a", "b"}, list(NAMES), {})


def test_two_speakers_are_too_few() -> None:
    cells = cells_of([*full("a"), *full("b", 2, clips=10)])
    groups, _, reasons = named(cells, chosen(cells))
    assert groups == {"a"}
    assert reasons == {"b": "2 speakers, where 3 are needed"}


def test_nine_clips_are_too_few_and_the_emotion_goes_rather_than_the_group() -> None:
    cells = cells_of([*full("a"), *full("b", emotions=(0, 1)), *full("b", emotions=(2,), clips=3)])
    assert named(cells, chosen(cells)) == ({"a", "b"}, ["anger", "fear"], {})


def test_a_group_with_one_emotion_is_left_out_and_not_the_emotions_of_the_others() -> None:
    cells = cells_of([*full("a"), *full("b"), *full("c", emotions=(0,), clips=20)])
    groups, emotions, reasons = named(cells, chosen(cells))
    assert (groups, emotions) == ({"a", "b"}, list(NAMES))
    assert reasons == {"c": "fewer than 2 emotions with 10 clips by two speakers"}


def test_a_poor_group_goes_where_it_would_take_more_than_it_brings() -> None:
    cells = cells_of([*full("a"), *full("b"), *full("c"), *full("d"), *full("e", emotions=(0, 1), clips=9)])
    groups, emotions, reasons = named(cells, chosen(cells))
    assert (groups, emotions) == ({"a", "b", "c", "d"}, list(NAMES))  # 4 × 3 cells against 5 × 2
    assert reasons == {"e": "fewer than 10 clips by two speakers of joy"}


def test_groups_without_two_emotions_in_common_are_not_compared() -> None:
    cells = cells_of([*full("a", emotions=(0, 1), clips=5), *full("b", emotions=(1, 2))])
    groups, emotions, reasons = named(cells, chosen(cells))
    assert (groups, emotions) == ({"a"}, ["anger", "fear"])
    assert reasons == {"b": "fewer than 10 clips by two speakers of anger"}


def test_an_emotion_that_one_speaker_has_alone_is_not_compared() -> None:
    cells = cells_of([*full("a"), *full("b", emotions=(0, 1)), *[("b", "b0", 2)] * 30])
    assert named(cells, chosen(cells))[:2] == ({"a", "b"}, ["anger", "fear"])


def test_a_group_whose_third_speaker_has_only_omitted_emotions_is_left_out() -> None:
    b = [*full("b", 2, emotions=(0, 1), clips=10), *[("b", "b9", 2)] * 9]
    cells = cells_of([*full("a"), *b])
    groups, emotions, reasons = named(cells, chosen(cells))
    assert (groups, emotions) == ({"a"}, list(NAMES))
    assert reasons == {"b": "fewer than 3 speakers of the compared emotions"}


def test_a_group_with_a_clip_of_nobody_knows_whom_is_left_out() -> None:
    cells = cells_of([*full("a"), *full("b"), ("b", None, 0)])
    assert named(cells, chosen(cells))[2] == {"b": "nobody knows who speaks in all of its clips"}


def test_only_the_largest_groups_of_very_many_are_scored() -> None:
    rows = [row for group in range(MOST_GROUPS + 3) for row in full(f"g{group:03}", clips=5 if group < 3 else 4)]
    cells = cells_of(rows)
    groups, _, reasons = named(cells, chosen(cells))
    assert len(groups) == MOST_GROUPS
    assert {"g000", "g001", "g002"} <= groups
    assert set(reasons.values()) == {f"only the {MOST_GROUPS} largest groups are scored"}


def test_one_emotion_in_the_whole_corpus_is_compared() -> None:
    rows = [*full("a", emotions=(0,)), *full("b", emotions=(0,))]
    cells = group_cells([r[0] for r in rows], [r[1] for r in rows], np.zeros(len(rows), dtype=np.int64), 1)
    assert len(compare_what(cells, cells.count(), ("anger",)).groups) == 2
