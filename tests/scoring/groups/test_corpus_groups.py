"""Parts of a corpus, from stored answers to the scores that stand in the reports."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter
from sklearn.metrics import recall_score

from benchmark.errors import RequestError
from benchmark.results.groups import CorpusGroups
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.groups.corpus_groups import MOST_LISTED
from benchmark.scoring.leaderboard import score_run
from tests.scoring.conftest import EMOTIONS

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder

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


def test_durations_that_nobody_knows_are_no_group(run: "RunBuilder", mostly_right: Errors) -> None:
    clips = clips_of(lambda _, number: {"duration_s": None if number % 2 else 5.0})
    groups = of(scored(run, clips, lambda corpus: mostly_right(corpus, 0.3, 0)), "duration")
    assert (groups.unknown_clips, groups.problem) == (80, "all clips are of one kind, 4 to 8 s")


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
    assert len(groups.left_out) == MOST_LISTED
    assert groups.left_out_more == 10_000 - MOST_LISTED
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
