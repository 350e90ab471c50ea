from dataclasses import replace

import pytest

from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.compared_clips import compared_truth, rare_emotions
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, corpus_record, labels_of, mostly_right, row_of

FOUR = ("anger", "fear", "neutral", "sadness")


def calls(clips: int = 118) -> list[ClipRecord]:
    """Clips of eight speakers and four emotions."""
    return [
        clip_record(f"{number}.wav", label=FOUR[number % 4], speaker=f"s{number // 4 % 8}") for number in range(clips)
    ]


def scored(run: RunBuilder, clips: list[ClipRecord], **fields: object) -> Leaderboard:
    """Two candidates on these clips; what they answer to the first 118 does not depend on the others."""
    corpus = run.corpus("calls", clips, **fields)
    extra = ["anger"] * (len(clips) - 118)
    for name, wrong in (("good", 0.1), ("bad", 0.6)):
        run.add(run.candidate(name, FOUR), corpus, [*mostly_right(corpus_record("calls", calls()), wrong, 1), *extra])
    return run.score()


def ranking(board: Leaderboard) -> list[tuple[str, int | None, str | None]]:
    return [(row.candidate, row.rank, row.interval) for row in board.rows]


def ends(row: LeaderboardRow) -> tuple[float | None, float | None]:
    return row.uar_low, row.uar_high


def sentence(board: Leaderboard, kind: str) -> str:
    (line,) = (line for line in board.corpora[0].left_out if line.kind == kind)
    return line.sentence


def test_a_clip_without_a_speaker_counts_in_scores_and_costs_nobody_the_ranking() -> None:
    whole, clips = scored(RunBuilder(), calls()), calls()
    clips[7] = replace(clips[7], speaker=None)
    board = scored(RunBuilder(), clips)
    assert ranking(board) == ranking(whole) == [("good", 1, "speakers"), ("bad", 2, "speakers")]
    for row in board.rows:
        before = row_of(whole, row.candidate)
        assert (row.uar, row.accuracy, row.macro_f1, row.clips) == (before.uar, before.accuracy, before.macro_f1, 118)
        assert ends(row) == pytest.approx(ends(before), abs=0.01)
        assert row.compared_uar == pytest.approx(row.uar, abs=0.01)
        assert (row.uar_low or 1) < (row.compared_uar or 0) < (row.uar_high or 0)
        assert before.compared_uar is None
    assert board.corpora[0].speakers == 8
    assert sentence(board, "no-speaker") == (
        "1 of 118 clips names no speaker, such as 7.wav: it counts in scores, and is left out of intervals, pairs and "
        "ranks; name it, or use --speaker-pattern."
    )


@pytest.mark.parametrize(("unnamed", "is_ranked"), [(11, True), (12, False)])
def test_above_a_tenth_of_the_clips_without_a_speaker_nothing_is_ranked(unnamed: int, *, is_ranked: bool) -> None:
    clips = [replace(clip, speaker=None) if number < unnamed else clip for number, clip in enumerate(calls())]
    board = scored(RunBuilder(), clips)
    assert {row.rank is not None for row in board.rows} == {is_ranked}
    assert {row.interval for row in board.rows} == {"speakers" if is_ranked else "clips"}
    assert sentence(board, "no-speaker").startswith(f"{unnamed} of 118 clips name no speaker, such as 0.wav, 1.wav")
    assert ("more than 10 %" in sentence(board, "no-speaker")) != is_ranked


def test_a_stray_label_stays_in_scores_and_intervals_pairs_and_ranks_do_without() -> None:
    whole = scored(RunBuilder(), calls())
    board = scored(RunBuilder(), [*calls(), clip_record("stray.wav", label="annoyance", speaker="s1")])
    assert ranking(board) == ranking(whole)
    assert board.pairs == whole.pairs
    for row in board.rows:
        before = row_of(whole, row.candidate)
        assert row.uar == pytest.approx((before.uar or 0) * 4 / 5)
        assert (row.compared_uar, *ends(row)) == (before.uar, *ends(before))
        assert row.adjusted_uar == before.adjusted_uar
    (summary,) = board.corpora
    assert (summary.rare_emotions, list(summary.compared_emotions), len(summary.emotion_clips)) == (
        ("annoyance",), list(FOUR), 5,
    )  # fmt: skip
    assert sentence(board, "rare-class") == (
        "1 clip is all of annoyance, such as stray.wav: scored, and left out of intervals, pairs and ranks; "
        "--merge annoyance=anger counts it as anger, --rare-classes drop removes it, --only-label anger --only-label "
        "fear --only-label neutral --only-label sadness reads the others only."
    )


def test_an_emotion_of_a_single_speaker_costs_nobody_the_ranking() -> None:
    boring = [clip_record(f"boring {number}.wav", label="boredom", speaker="s1") for number in range(10)]
    board = scored(RunBuilder(), [*calls(), *boring])
    assert ranking(board) == [("good", 1, "speakers"), ("bad", 2, "speakers")]
    assert sentence(board, "rare-class").startswith(
        "10 clips are all of boredom by a single speaker, such as boring 0.wav, boring 1.wav, boring 2.wav"
    )
    assert "--merge" not in sentence(board, "rare-class"), "nobody merges boredom into one of these"


def test_drop_removes_rare_emotions_everywhere() -> None:
    whole = scored(RunBuilder(), calls())
    stray = clip_record("stray.wav", label="annoyance", speaker="s1")
    board = scored(RunBuilder(), [*calls(), stray], rare_classes="drop")
    assert [row.model_dump() for row in board.rows] == [row.model_dump() for row in whole.rows]
    assert (board.pairs, board.classes) == (whole.pairs, whole.classes)
    assert board.corpora[0].emotion_clips == whole.corpora[0].emotion_clips
    assert sentence(board, "rare-class") == (
        "1 clip of annoyance, which is rare, such as stray.wav: removed by --rare-classes drop; --rare-classes keep "
        "scores it."
    )


def test_in_a_small_corpus_no_emotion_is_rare() -> None:
    truth = [emotion for emotion, clips in zip(EMOTIONS, (6, 5, 4, 4, 4), strict=True) for _ in range(clips)]
    rare = rare_emotions(truth, [f"s{number % 4}" for number in range(len(truth))])
    assert rare.names == ("happiness", "neutral", "sadness")
    assert not rare.can_go


def test_unknown_speakers_do_not_make_emotions_rare() -> None:
    truth = ["anger", "fear"] * 10
    assert compared_truth(truth, [None] * 20) == tuple(truth)
    assert rare_emotions(truth, ["s1", "s2"] * 10).names == (), "two speakers, each with an emotion of their own"


def test_groups_and_gaps_leave_out_clips_without_a_speaker(run: RunBuilder) -> None:
    clips = [
        clip_record(f"{speaker}{emotion}{number}", label=emotion, speaker=f"s{speaker}", sex="fm"[speaker % 2])
        for speaker in range(8)
        for emotion in FOUR
        for number in range(4)
    ]
    clips[0] = replace(clips[0], speaker=None)
    corpus: CorpusRecord = run.corpus("calls", clips)
    run.add(run.candidate("a", FOUR), corpus, labels_of(corpus))
    groups = next(groups for groups in run.score().groups if groups.column == "sex")
    assert {size.group: size.clips for size in groups.groups} == {"f": 63, "m": 64}
