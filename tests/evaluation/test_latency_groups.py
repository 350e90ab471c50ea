from dataclasses import replace

import pytest

from benchmark.evaluation.latency_groups import memory_needed, timing_groups
from benchmark.evaluation.subjects import Subject
from benchmark.registry.schema import Candidate


@pytest.fixture
def five(subjects: dict[str, Subject]) -> list[Subject]:
    """Give five candidates of 100, 20, 300, 90 and 900 million weights."""
    template = subjects["wav2vec2"]
    return [
        replace(
            template,
            candidate=Candidate(id=f"org/m{millions}", name=f"m{millions}"),
            verification=template.verification.model_copy(update={"parameters": millions * 1_000_000}),
        )
        for millions in (100, 20, 300, 90, 900)
    ]


def test_all_are_measured_together_where_memory_holds_them(five: list[Subject]) -> None:
    (group,) = timing_groups(five, room_bytes=sum(map(memory_needed, five)))
    assert (list(group.subjects), group.reference) == (five, None)


def test_groups_share_the_smallest_candidate_and_hold_everybody_once(five: list[Subject]) -> None:
    room = 6e9
    groups = timing_groups(five, room_bytes=room)
    assert [group.reference and group.reference.name for group in groups] == [None, *["m20"] * (len(groups) - 1)]
    assert groups[0].subjects[0].name == "m20"
    assert sorted(one.name for group in groups for one in group.subjects) == sorted(one.name for one in five)
    for group in groups:
        loaded = [*group.subjects, *([group.reference] if group.reference else [])]
        assert sum(map(memory_needed, loaded)) <= room or len(group.subjects) == 1
    assert len(groups) > 1


def test_without_room_for_two_each_is_measured_beside_the_reference(five: list[Subject]) -> None:
    groups = timing_groups(five, room_bytes=0)
    assert [len(group.subjects) for group in groups] == [2, 1, 1, 1]


def test_nobody_makes_no_group() -> None:
    assert timing_groups([]) == ()
