from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import recall_score

from benchmark.errors import RequestError
from benchmark.results.analyses import CorpusGroups
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.groups import MAX_GROUPS, MAX_LISTED, GroupCells, group_cells, select_groups
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, mostly_right

NAMES = ("anger", "fear", "joy")
Row = tuple[str | None, str | None, int]


def cells_of(rows: Sequence[Row], emotions: Sequence[str] = NAMES) -> GroupCells:
    """One clip a row: group, speaker, emotion."""
    truth = np.array([row[2] for row in rows], dtype=np.int64)
    return group_cells([row[0] for row in rows], [row[1] for row in rows], truth, emotions)


def full(group: str, speakers: int = 3, emotions: tuple[int, ...] = (0, 1, 2), clips: int = 4) -> list[Row]:
    """Every speaker of a group says every emotion some times."""
    return [
        (group, f"{group}{speaker}", emotion)
        for speaker, emotion, _ in product(range(speakers), emotions, range(clips))
    ]


def selected(rows: Sequence[Row], emotions: Sequence[str] = NAMES) -> tuple[str, str, dict[str, str]]:
    """The compared groups and emotions, as words, and why others are not compared."""
    cells = cells_of(rows, emotions)
    selection = select_groups(cells, cells.count())
    return (
        " ".join(cells.names[group] for group in selection.groups),
        " ".join(emotions[emotion] for emotion in selection.emotions),
        {cells.names[group]: reason for group, reason in selection.reasons.items()},
    )


def test_counts_are_those_of_counting_clip_by_clip() -> None:
    generator = np.random.default_rng(0)
    groups = [f"g{number}" if number < 4 else None for number in generator.integers(5, size=300)]
    speakers = [f"s{number}" if number < 5 else None for number in generator.integers(6, size=300)]
    rows = list(zip(groups, speakers, generator.integers(3, size=300).tolist(), strict=True))
    right = generator.random(300) < 0.5
    cells = cells_of(rows)
    for counts, chosen in ((cells.count(), np.ones(300, dtype=np.bool_)), (cells.count(right), right)):
        by_hand = Counter((row[0], row[2]) for row, counted in zip(rows, chosen, strict=True) if counted)
        for index, name in enumerate(cells.names):
            assert counts[cells.rows(index)].sum(axis=0).tolist() == [by_hand[name, emotion] for emotion in range(3)]
    sizes = [int(cells.count()[cells.rows(index)].sum()) for index in range(len(cells.names))]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("rows", "groups", "emotions", "reasons"),
    [
        ([], "", "", {}),
        ([(None, "s1", 0)], "", "", {}),
        ([*full("a"), *full("b", 5)], "a b", "anger fear joy", {}),
        ([*full("a"), *full("b", 2, clips=10)], "a", "anger fear joy", {"b": "2 speakers, where 3 are needed"}),
        ([*full("a"), *full("b", emotions=(0, 1)), *full("b", emotions=(2,), clips=3)], "a b", "anger fear", {}),
        (
            [*full("a"), *full("b"), *full("c", emotions=(0,), clips=20)],
            "a b",
            "anger fear joy",
            {"c": "fewer than 2 emotions with 10 clips by two speakers"},
        ),
        (  # 4 × 3 cells against 5 × 2
            [*full("a"), *full("b"), *full("c"), *full("d"), *full("e", emotions=(0, 1), clips=9)],
            "a b c d",
            "anger fear joy",
            {"e": "fewer than 10 clips by two speakers of joy"},
        ),
        (
            [*full("a", emotions=(0, 1), clips=5), *full("b", emotions=(1, 2))],
            "a",
            "anger fear",
            {"b": "fewer than 10 clips by two speakers of anger"},
        ),
        ([*full("a"), *full("b", emotions=(0, 1)), *[("b", "b0", 2)] * 30], "a b", "anger fear", {}),
        (
            [*full("a"), *full("b", 2, emotions=(0, 1), clips=10), *[("b", "b9", 2)] * 9],
            "a",
            "anger fear joy",
            {"b": "fewer than 3 speakers of the compared emotions"},
        ),
        (
            [*full("a"), *full("b"), ("b", None, 0)],
            "a",
            "anger fear joy",
            {"b": "nobody knows who speaks in all of its clips"},
        ),
    ],
    ids=[
        "no clip",
        "no known group",
        "groups that have everything",
        "two speakers are too few",
        "nine clips are too few: the emotion goes rather than the group",
        "a group with one emotion is left out and not the emotions of the others",
        "a poor group goes where it would take more than it brings",
        "groups without two emotions in common",
        "an emotion that one speaker has alone",
        "a group whose third speaker has only omitted emotions",
        "a clip of an unknown speaker",
    ],
)
def test_groups_are_compared_where_all_have_enough_clips_of_all_emotions(
    rows: list[Row], groups: str, emotions: str, reasons: dict[str, str]
) -> None:
    assert selected(rows) == (groups, emotions, reasons)


def test_only_the_largest_groups_of_very_many_are_scored() -> None:
    rows = [row for group in range(MAX_GROUPS + 3) for row in full(f"g{group:03}", clips=5 if group < 3 else 4)]
    groups, _, reasons = selected(rows)
    assert len(groups.split()) == MAX_GROUPS
    assert {"g000", "g001", "g002"} <= set(groups.split())
    assert set(reasons.values()) == {f"only the {MAX_GROUPS} largest groups are scored"}


def test_the_only_emotion_of_a_corpus_is_compared() -> None:
    assert selected([*full("a", emotions=(0,)), *full("b", emotions=(0,))], ("anger",)) == ("a b", "anger", {})


def clips_of(
    describe: Callable[[int, int], dict[str, object]], *, speakers: int = 8, repeats: int = 4
) -> list[ClipRecord]:
    """Every speaker says every emotion some times; `describe` gets the speaker and the number of the clip."""
    clips: list[ClipRecord] = []
    for speaker, emotion, repeat in product(range(speakers), EMOTIONS, range(repeats)):
        fields = {"label": emotion, "speaker": f"s{speaker}"} | describe(speaker, len(clips))
        clips.append(clip_record(f"{speaker}/{emotion}/{repeat}", **fields))
    return clips


def by_sex(speaker: int, _: int) -> dict[str, object]:
    return {"sex": "female" if speaker % 2 else "male"}


def of(board: Leaderboard, column: str) -> CorpusGroups:
    (parts,) = [groups for groups in board.groups if groups.column == column]
    return parts


Answer = Callable[[CorpusRecord], list[str | None]]


def somewhat_right(corpus: CorpusRecord) -> list[str | None]:
    return mostly_right(corpus, 0.3, 0)


def always_anger(corpus: CorpusRecord) -> list[str | None]:
    return ["anger"] * len(corpus.clips)


def scored(run: RunBuilder, clips: Sequence[ClipRecord], answer: Answer, *by: str) -> Leaderboard:
    corpus = run.corpus("acted", clips)
    run.add(run.candidate("a"), corpus, answer(corpus))
    return run.score(by=by)


def test_the_uar_of_a_group_is_scikit_learns_on_its_clips(run: RunBuilder) -> None:
    clips = clips_of(by_sex)
    board = scored(run, clips, somewhat_right)
    groups = of(board, "sex")
    assert groups.emotions == EMOTIONS
    sizes = [(group.group, group.clips, group.speakers) for group in groups.groups]
    assert sizes == [("female", 80, 4), ("male", 80, 4)]
    (candidate,) = groups.candidates
    answers = somewhat_right(run.corpora[0])
    for score in candidate.scores:
        own = [(clip.label, answer) for clip, answer in zip(clips, answers, strict=True) if clip.sex == score.group]
        truth, given = zip(*own, strict=True)
        recall = recall_score(truth, given, labels=EMOTIONS, average="macro", zero_division=0)
        assert score.uar == pytest.approx(recall)
        assert score.uar_low < score.uar < score.uar_high
    female, male = (score.uar for score in candidate.scores)
    assert candidate.gap == pytest.approx(abs(female - male))
    assert (candidate.best, candidate.worst) == (("female", "male") if female > male else ("male", "female"))
    row = board.rows[0]
    assert row.speaker_measure == "uar"
    assert 0 <= (row.speaker_spread or 0) < 0.1 < (row.speaker_tenth or 0) < (row.uar or 0)


def test_groups_may_cut_through_speakers(run: RunBuilder) -> None:
    clips = clips_of(lambda _, number: {"duration_s": 1.0 if number % 2 else 5.0})
    groups = of(scored(run, clips, somewhat_right), "duration")
    assert [(group.group, group.speakers) for group in groups.groups] == [("under 2 s", 8), ("4 to 8 s", 8)]
    assert groups.candidates[0].gap is not None


def test_all_clips_of_one_kind_are_nothing_to_compare(run: RunBuilder) -> None:
    board = scored(run, clips_of(lambda *_: {"language": "de"}), somewhat_right)
    for column, problem in (
        ("language", "all clips are of one kind, de"),
        ("duration", "all clips are of one kind, 2 to 4 s"),
        ("sex", "the corpus does not tell"),
    ):
        groups = of(board, column)
        assert (groups.problem, groups.groups, groups.candidates) == (problem, (), ())


def test_clips_of_unknown_kind_are_counted_and_not_scored(run: RunBuilder) -> None:
    clips = clips_of(lambda speaker, _: {"sex": None if speaker == 0 else "male" if speaker < 4 else "female"})
    groups = of(scored(run, clips, somewhat_right), "sex")
    assert groups.unknown_clips == 20
    assert [(group.group, group.clips) for group in groups.groups] == [("female", 80), ("male", 60)]


def test_one_group_that_is_large_enough_is_scored_without_a_gap(run: RunBuilder) -> None:
    clips = clips_of(lambda speaker, _: {"sex": "male" if speaker < 2 else "female"})
    groups = of(scored(run, clips, somewhat_right), "sex")
    assert groups.problem == "only one group is large enough"
    assert [group.group for group in groups.left_out] == ["male"]
    (candidate,) = groups.candidates
    assert (len(candidate.scores), candidate.gap, candidate.best) == (1, None, None)


def test_no_labels_are_no_groups(run: RunBuilder) -> None:
    assert scored(run, clips_of(lambda *_: {"label": None, "sex": "male"}), always_anger).groups == ()


def test_unscored_and_unreadable_clips_belong_to_no_group(run: RunBuilder) -> None:
    clips = clips_of(by_sex)
    clips[0] = replace(clips[0], label="???")
    clips[5] = replace(clips[5], clip_hash=None, duration_s=None, failure="It is empty.")
    groups = of(scored(run, clips, always_anger), "sex")
    assert sum(group.clips for group in groups.groups) == 158


def test_a_column_of_a_thousand_values_is_counted_and_not_listed(run: RunBuilder) -> None:
    clips = clips_of(lambda _, number: {"attributes": {"session": f"x{number}"}}, speakers=20, repeats=10)
    groups = of(scored(run, clips, always_anger, "session"), "session")
    assert (len(groups.left_out), groups.left_out_more) == (MAX_LISTED, 1000 - MAX_LISTED)
    assert groups.problem == "every group is too small"


def test_a_column_that_one_of_two_corpora_has_leaves_the_other_without_scores(run: RunBuilder) -> None:
    candidate = run.candidate("a")
    by_age = clips_of(lambda speaker, _: {"attributes": {"age": "young" if speaker < 4 else "old"}})
    for name, clips in (("with", by_age), ("without", clips_of(by_sex))):
        corpus = run.corpus(name, clips)
        run.add(candidate, corpus, always_anger(corpus))
    parts = {groups.corpus: groups for groups in run.score(by=["age"]).groups if groups.column == "age"}
    assert len(parts["with"].groups) == 2
    assert parts["without"].problem == "the corpus does not tell"
    with pytest.raises(RequestError, match="'room'"):
        run.score(by=["room"])


def test_a_candidate_without_all_its_answers_is_not_in_a_group(run: RunBuilder) -> None:
    corpus = run.corpus("acted", clips_of(by_sex))
    run.add(run.candidate("whole"), corpus, somewhat_right(corpus))
    run.add(run.candidate("half"), corpus, somewhat_right(corpus)[:80])
    groups = of(run.score(), "sex")
    assert [candidate.candidate for candidate in groups.candidates] == ["whole"]
