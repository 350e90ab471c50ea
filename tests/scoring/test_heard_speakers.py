import numpy as np
import pytest
from sklearn.metrics import recall_score

from benchmark.results.leaderboard import CorpusSummary, LeaderboardRow
from benchmark.results.runs import CorpusRecord
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, labels_of, mostly_right, row_of

HEARD = tuple(f"s{number}" for number in range(5))


def memorised(corpus: CorpusRecord, heard: tuple[str, ...], seed: int) -> list[str | None]:
    """Right on heard speakers, and for 60 % on the others."""
    guesses = mostly_right(corpus, 0.4, seed)
    return [clip.label if clip.speaker in heard else guess for clip, guess in zip(corpus.clips, guesses, strict=True)]


def scored(run: RunBuilder, *, rank_seen: bool = False) -> tuple[CorpusSummary, LeaderboardRow, LeaderboardRow]:
    board = run.score(rank_seen=rank_seen)
    return board.corpora[0], row_of(board, "mine"), row_of(board, "other")


@pytest.fixture
def acted(run: RunBuilder) -> CorpusRecord:
    """Eight speakers; `mine` was trained on five of them, about `other` nothing is declared."""
    corpus = run.acted_corpus()
    mine = run.candidate("mine", trained_on=("acted",), trained_speakers=(*HEARD, "somebody else"))
    run.add(mine, corpus, memorised(corpus, HEARD, 1))
    run.add(run.candidate("other"), corpus, mostly_right(corpus, 0.3, 2))
    return corpus


def test_all_are_scored_and_ranked_on_the_speakers_that_nobody_has_heard(run: RunBuilder, acted: CorpusRecord) -> None:
    summary, mine, other = scored(run)
    unheard = np.array([clip.speaker not in HEARD for clip in acted.clips])
    for row, answers in ((mine, memorised(acted, HEARD, 1)), (other, mostly_right(acted, 0.3, 2))):
        truth, given = np.array(labels_of(acted))[unheard], np.array(answers)[unheard]
        assert row.uar == pytest.approx(recall_score(truth, given, average="macro"))
        assert (row.clips, row.rank is None) == (60, False)
    assert (mine.heard_uar, other.heard_uar) == (1.0, None)
    assert (mine.seen, other.seen) == ("partly", "unknown")
    assert "adapted" in mine.flags
    assert mine.flag_reasons["adapted"].startswith("it was trained on 5 speakers of the corpus, where its UAR is 1.00")
    assert (summary.speakers, summary.unheard_speakers, summary.heard_by) == (8, 3, ("mine",))
    assert sum(summary.emotion_clips.values()) == 60
    (line,) = summary.left_out
    assert line.sentence == (
        "100 of 160 clips are by speakers that candidates were or may have been trained on (mine), such as "
        f"{', '.join(clip.clip for clip in acted.clips[:3])}: not scored for any candidate; --rank-seen, or a run "
        "without such candidates, scores all."
    )


def test_rank_seen_scores_all_speakers(run: RunBuilder, acted: CorpusRecord) -> None:
    summary, mine, _ = scored(run, rank_seen=True)
    assert (mine.clips, mine.seen, mine.heard_uar, summary.unheard_speakers) == (len(acted.clips), "yes", None, None)


@pytest.mark.parametrize(
    "declared",
    [
        {"trained_on": ("acted",), "trained_speakers": ("s0", "s1", "s2", "s3", "s4", "s5")},
        {"trained_on": ("acted",), "trained_speakers": ("Actor 1",)},
        {"trained_on": ("acted",)},
        {"trained_on": ("calls",), "trained_speakers": HEARD},
        {"trained_speakers": HEARD},
    ],
    ids=["two speakers remain", "other names", "all speakers", "another corpus", "no corpus"],
)
def test_without_a_declared_part_that_leaves_three_speakers_nothing_is_divided(
    run: RunBuilder, declared: dict[str, tuple[str, ...]]
) -> None:
    corpus = run.acted_corpus()
    run.add(run.candidate("mine", **declared), corpus, mostly_right(corpus, 0.4, 1))
    run.add(run.candidate("other"), corpus, mostly_right(corpus, 0.3, 2))
    summary, mine, _ = scored(run)
    assert summary.unheard_speakers is None
    assert mine.clips == len(corpus.clips)
    assert mine.seen == (
        "yes" if declared.get("trained_on") == ("acted",) else "no" if "trained_on" in declared else "unknown"
    )


def test_emotions_that_two_remaining_speakers_lack_and_unknown_speakers_divide_nothing(run: RunBuilder) -> None:
    for name, speakers in (("few", ["s0"] * 30), ("unknown", [None] * 30)):
        others = [f"s{1 + number % 3}" for number in range(30)]
        clips = [
            clip_record(f"{name}/{number}", label=label, speaker=speaker)
            for number, (label, speaker) in enumerate(
                [*zip(["anger", "fear"] * 15, speakers, strict=True), *zip(["anger"] * 30, others, strict=True)]
            )
        ]
        corpus = run.corpus(name, clips)
        mine = run.candidate(f"mine {name}", EMOTIONS, trained_on=(name,), trained_speakers=("s0",))
        run.add(mine, corpus, ["anger"] * 60)
    assert [corpus.unheard_speakers for corpus in run.score().corpora] == [None, None]


def test_of_several_those_that_have_heard_fewest_are_judged_on_the_rest(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    for name, heard in (("most", HEARD), ("few", ("s7",)), ("two", ("s6", "s7"))):
        model = run.candidate(name, trained_on=("acted",), trained_speakers=heard)
        run.add(model, corpus, mostly_right(corpus, 0.4, len(name)))
    board = run.score()
    assert board.corpora[0].heard_by == ("few", "two")
    assert [row_of(board, name).seen for name in ("most", "few", "two")] == ["yes", "partly", "partly"]
