from collections import Counter

import numpy as np

from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring.next_clips import sampled_clips, separating_clips
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, row_of

SPLIT, AGREED = (0, 0, 1, 1), (0, 0, 0, 0)


def answered(run: RunBuilder, chosen_for: str) -> Leaderboard:
    """A run in which `a` is always right, `b` nearly always, and `c` never, on clips that were chosen for something."""
    clips = [
        clip_record(
            str(number), label=EMOTIONS[number % 5], speaker=f"s{number % 10}", attributes={"chosen_for": chosen_for}
        )
        for number in range(60)
    ]
    corpus = run.corpus("todo", clips)
    truth = [EMOTIONS[number % 5] for number in range(60)]
    run.add(run.candidate("c"), corpus, [EMOTIONS[(number + 1) % 5] for number in range(60)])
    run.add(run.candidate("b"), corpus, [EMOTIONS[1], *truth[1:]])
    run.add(run.candidate("a"), corpus, truth)
    return run.score()


def test_clips_on_which_candidates_disagree_come_first_and_speakers_take_turns() -> None:
    answers = np.array([AGREED, SPLIT, AGREED, SPLIT, SPLIT, SPLIT])
    speakers = ("a", "a", "a", "a", "b", "b")
    chosen = separating_clips(answers, speakers, np.arange(6), 4)
    assert set(chosen.tolist()) == {1, 3, 4, 5}
    assert [speakers[index] for index in chosen[:2]] == ["a", "b"]
    again = separating_clips(answers, speakers, np.arange(6), 4)
    assert again.tolist() == chosen.tolist()


def test_only_clips_that_may_be_chosen_are_and_no_more_than_there_are() -> None:
    answers = np.array([SPLIT] * 4)
    assert separating_clips(answers, ("a",) * 4, np.array([2, 3]), 10).tolist() == [2, 3]
    assert sorted(sampled_clips(answers, ("a",) * 4, np.array([2, 3]), 10, 0).tolist()) == [2, 3]


def test_each_clip_is_drawn_equally_often_and_speakers_as_often_as_they_have_clips() -> None:
    generator = np.random.default_rng(0)
    answers = generator.integers(0, 3, size=(40, 3))
    speakers = ("a",) * 30 + ("b",) * 10
    counts: Counter[int] = Counter()
    for seed in range(400):
        drawn = sampled_clips(answers, speakers, np.arange(40), 8, seed).tolist()
        assert len(set(drawn)) == 8
        assert 1 <= sum(index >= 30 for index in drawn) <= 3
        counts.update(drawn)
    assert min(counts[index] for index in range(40)) > 40
    assert max(counts.values()) < 130


def test_clips_that_separate_say_who_may_be_the_best_and_give_no_score(run: RunBuilder) -> None:
    board = answered(run, "pick")
    best, second, last = (row_of(board, name) for name in "abc")
    assert [row.candidate for row in board.rows] == ["a", "b", "c"]
    assert (best.may_be_best, second.may_be_best, last.may_be_best) == (True, True, False)
    for row in board.rows:
        scores = (row.uar, row.uar_low, row.accuracy, row.macro_f1, row.brier, row.top_share, row.regret_high)
        assert scores == (None,) * 7
        assert "separating" in row.flags
    assert (board.classes, board.pairs, board.groups, board.profiles) == ((), (), (), ())
    assert board.corpora[0].separating


def test_a_sample_that_was_drawn_for_scores_is_scored_as_any_corpus(run: RunBuilder) -> None:
    board = answered(run, "score")
    assert row_of(board, "a").uar == 1.0
    assert not board.corpora[0].separating
