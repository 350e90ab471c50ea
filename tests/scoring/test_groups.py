"""Parts of a corpus, from stored answers to the scores that stand in the reports."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import TypeAdapter
from sklearn.metrics import recall_score

from benchmark.errors import RequestError
from benchmark.results.analyses import CorpusGroups
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.groups import MAX_GROUPS, MAX_LISTED, GroupCells, GroupSelection, group_cells, select_groups
from benchmark.scoring.leaderboard import score_run
from tests.scoring.conftest import EMOTIONS

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder


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


def chosen(cells: GroupCells) -> GroupSelection:
    return select_groups(cells, cells.count(), NAMES)


def named(cells: GroupCells, comparison: GroupSelection) -> tuple[set[str], list[str], dict[str, str]]:
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
        assert chosen(cells) == GroupSelection(groups=(), emotions=(), reasons={})


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
    rows = [row for group in range(MAX_GROUPS + 3) for row in full(f"g{group:03}", clips=5 if group < 3 else 4)]
    cells = cells_of(rows)
    groups, _, reasons = named(cells, chosen(cells))
    assert len(groups) == MAX_GROUPS
    assert {"g000", "g001", "g002"} <= groups
    assert set(reasons.values()) == {f"only the {MAX_GROUPS} largest groups are scored"}


def test_one_emotion_in_the_whole_corpus_is_compared() -> None:
    rows = [*full("a", emotions=(0,)), *full("b", emotions=(0,))]
    cells = group_cells([r[0] for r in rows], [r[1] for r in rows], np.zeros(len(rows), dtype=np.int64), 1)
    assert len(select_groups(cells, cells.count(), ("anger",)).groups) == 2


Errors = Callable[[CorpusRecord, float, int], list[str | None]]


def clips_of(
    describe: Callable[[int, int], dict[str, object]], *, speakers: int = 8, repeats: int = 4
) -> list[ClipRecord]:
    """Every speaker says every emotion some times; `describe` gets the speaker and the number of the clip."""
    clips: list[ClipRecord] = []
    for speaker in range(speakers):
        for emotion in EMOTIONS:
            for repeat in range(repeats):
                name = f"{speaker}/{emotion}/{repeat}"
                content = {
                    "clip": name,
                    "clip_hash": name,
                    "duration_s": 3.0,
                    "label": emotion,
                    "speaker": f"s{speaker}",
                }
                clips.append(TypeAdapter(ClipRecord).validate_python(content | describe(speaker, len(clips))))
    return clips


def by_sex(speaker: int, _: int) -> dict[str, object]:
    return {"sex": "female" if speaker % 2 else "male"}


def of(board: Leaderboard, column: str) -> CorpusGroups:
    (found,) = [groups for groups in board.groups if groups.column == column]
    return found


def scored(
    run: "RunBuilder", clips: Sequence[ClipRecord], said: Callable[[CorpusRecord], list[str | None]], *by: str
) -> Leaderboard:
    corpus = run.corpus("acted", clips)
    run.says(run.candidate("a"), corpus, said(corpus))
    return score_run(run.record(), run.predictions, by=by)


def test_the_uar_of_a_group_is_scikit_learns_on_its_clips(run: "RunBuilder", mostly_right: Errors) -> None:
    said: list[str | None] = []

    def answer(corpus: CorpusRecord) -> list[str | None]:
        said.extend(mostly_right(corpus, 0.4, 0))
        return said

    clips = clips_of(by_sex)
    groups = of(scored(run, clips, answer), "sex")
    assert groups.emotions == EMOTIONS
    assert [(group.group, group.clips, group.speakers) for group in groups.groups] == [
        ("female", 80, 4),
        ("male", 80, 4),
    ]
    (candidate,) = groups.candidates
    for score in candidate.scores:
        own = [(clip.label, answer) for clip, answer in zip(clips, said, strict=True) if clip.sex == score.group]
        expected = recall_score(
            [truth for truth, _ in own],
            [answer for _, answer in own],
            labels=EMOTIONS,
            average="macro",
            zero_division=0,
        )
        assert score.uar == pytest.approx(expected)
        assert score.uar_low < score.uar < score.uar_high
    female, male = (score.uar for score in candidate.scores)
    assert candidate.gap == pytest.approx(abs(female - male))
    assert (candidate.best, candidate.worst) == (("female", "male") if female > male else ("male", "female"))


def test_a_candidate_that_understands_women_only_has_a_gap_beyond_chance(
    run: "RunBuilder", mostly_right: Errors
) -> None:
    def answer(corpus: CorpusRecord) -> list[str | None]:
        good, bad = mostly_right(corpus, 0.1, 0), mostly_right(corpus, 0.8, 1)
        return [one if clip.sex == "female" else two for clip, one, two in zip(corpus.clips, good, bad, strict=True)]

    (candidate,) = of(scored(run, clips_of(by_sex), answer), "sex").candidates
    assert (candidate.best, candidate.worst) == ("female", "male")
    assert candidate.gap_low is not None
    assert candidate.gap_low > 0.3


def test_groups_may_cut_through_speakers(run: "RunBuilder", mostly_right: Errors) -> None:
    clips = clips_of(lambda _, number: {"duration_s": 1.0 if number % 2 else 5.0})
    groups = of(scored(run, clips, lambda corpus: mostly_right(corpus, 0.3, 0)), "duration")
    assert [(group.group, group.speakers) for group in groups.groups] == [("under 2 s", 8), ("4 to 8 s", 8)]
    assert groups.candidates[0].gap is not None


def test_all_clips_of_one_kind_are_nothing_to_compare(run: "RunBuilder", mostly_right: Errors) -> None:
    board = scored(run, clips_of(lambda *_: {"language": "de"}), lambda corpus: mostly_right(corpus, 0.3, 0))
    for column, problem in (
        ("language", "all clips are of one kind, de"),
        ("duration", "all clips are of one kind, 2 to 4 s"),
        ("sex", "the corpus does not tell"),
    ):
        groups = of(board, column)
        assert (groups.problem, groups.groups, groups.candidates) == (problem, (), ())


def test_clips_of_unknown_kind_are_counted_and_not_scored(run: "RunBuilder", mostly_right: Errors) -> None:
    clips = clips_of(lambda speaker, _: {"sex": None if speaker == 0 else "male" if speaker < 4 else "female"})
    groups = of(scored(run, clips, lambda corpus: mostly_right(corpus, 0.3, 0)), "sex")
    assert groups.unknown_clips == 20
    assert [(group.group, group.clips) for group in groups.groups] == [("female", 80), ("male", 60)]


def test_without_speakers_every_group_is_named_and_none_is_scored(run: "RunBuilder", mostly_right: Errors) -> None:
    clips = clips_of(lambda speaker, _: by_sex(speaker, 0) | {"speaker": None})
    groups = of(scored(run, clips, lambda corpus: mostly_right(corpus, 0.3, 0)), "sex")
    assert (groups.problem, groups.candidates) == ("every group is too small", ())
    assert {each.reason for each in groups.left_out} == {"nobody knows who speaks in all of its clips"}


def test_one_group_that_is_large_enough_is_scored_without_a_gap(run: "RunBuilder", mostly_right: Errors) -> None:
    clips = clips_of(lambda speaker, _: {"sex": "male" if speaker < 2 else "female"})
    groups = of(scored(run, clips, lambda corpus: mostly_right(corpus, 0.3, 0)), "sex")
    assert groups.problem == "only one group is large enough"
    assert [(each.group, each.reason) for each in groups.left_out] == [("male", "2 speakers, where 3 are needed")]
    (candidate,) = groups.candidates
    assert (len(candidate.scores), candidate.gap, candidate.best) == (1, None, None)


def test_no_labels_are_no_groups(run: "RunBuilder") -> None:
    clips = clips_of(lambda *_: {"label": None, "sex": "male"})
    assert scored(run, clips, lambda corpus: ["anger"] * len(corpus.clips)).groups == ()


def test_unscored_and_unreadable_clips_belong_to_no_group(run: "RunBuilder", mostly_right: Errors) -> None:
    clips = clips_of(by_sex)
    clips[0] = replace(clips[0], label="???")
    clips[5] = replace(clips[5], clip_hash=None, duration_s=None, failure="It is empty.")
    said = ["anger"] * 159
    groups = of(scored(run, clips, lambda _: list(said)), "sex")
    assert sum(group.clips for group in groups.groups) == 158


def test_a_column_of_ten_thousand_values_is_counted_and_not_listed(run: "RunBuilder") -> None:
    clips = clips_of(lambda _, number: {"attributes": {"session": f"x{number}"}}, speakers=100, repeats=20)
    groups = of(scored(run, clips, lambda corpus: ["anger"] * len(corpus.clips), "session"), "session")
    assert len(groups.left_out) == MAX_LISTED
    assert groups.left_out_more == 10_000 - MAX_LISTED
    assert groups.problem == "every group is too small"


def test_an_unknown_column_is_refused(run: "RunBuilder") -> None:
    with pytest.raises(RequestError, match="'age'"):
        scored(run, clips_of(by_sex), lambda corpus: ["anger"] * len(corpus.clips), "age")


def test_a_column_that_one_of_two_corpora_has_leaves_the_other_without_scores(run: "RunBuilder") -> None:
    def with_age(speaker: int, _: int) -> dict[str, object]:
        return {"attributes": {"age": "young" if speaker < 4 else "old"}}

    candidate = run.candidate("a")
    for name, clips in (("with", clips_of(with_age)), ("without", clips_of(by_sex))):
        corpus = run.corpus(name, clips)
        run.says(candidate, corpus, ["anger"] * len(corpus.clips))
    found = {
        groups.corpus: groups
        for groups in score_run(run.record(), run.predictions, by=["age"]).groups
        if groups.column == "age"
    }
    assert len(found["with"].groups) == 2
    assert found["without"].problem == "the corpus does not tell"


def test_a_candidate_without_all_its_answers_is_not_in_a_group(run: "RunBuilder", mostly_right: Errors) -> None:
    corpus = run.corpus("acted", clips_of(by_sex))
    run.says(run.candidate("whole"), corpus, mostly_right(corpus, 0.3, 0))
    run.says(run.candidate("half"), corpus, mostly_right(corpus, 0.3, 0)[:80])
    groups = of(score_run(run.record(), run.predictions), "sex")
    assert [candidate.candidate for candidate in groups.candidates] == ["whole"]


def test_speakers_are_described_in_the_rows(run: "RunBuilder", mostly_right: Errors) -> None:
    board = scored(run, clips_of(by_sex), lambda corpus: mostly_right(corpus, 0.3, 0))
    row = board.rows[0]
    assert row.speaker_measure == "uar"
    assert row.speaker_tenth is not None
    assert row.uar is not None
    assert row.speaker_tenth < row.uar
    assert row.speaker_spread is not None
    assert 0 <= row.speaker_spread < 0.1
