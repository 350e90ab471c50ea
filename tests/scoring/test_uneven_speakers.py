import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring.uneven_speakers import published_splits, uneven_splits
from tests.scoring.conftest import RunBuilder, mostly_right, row_of

SPEAKERS = tuple(f"Actor_{number:02}" for number in range(1, 25))
OTHERS = ~np.eye(6, dtype=bool)
LAST, FOLD, NEIGHBOURS, SCATTERED = (20, 21, 22, 23), (1, 4, 13, 14, 15), (7, 8, 9, 10, 11), (3, 9, 12, 20)
PUBLISHED = published_splits(SPEAKERS, {"ravdess"})


def accuracies(held_out: tuple[int, ...], trained: tuple[int, ...] = (0,), *, loss: float = 0.4) -> NDArray[np.float64]:
    """Six candidates on 24 speakers, some of them worse on those that were held out from their training."""
    generator = np.random.default_rng(3)
    values = 0.6 + 0.1 * generator.normal(size=24) + 0.05 * generator.normal(size=(6, 24))
    values[np.ix_(trained, held_out)] -= loss
    return np.clip(values, 0, 1)


@pytest.mark.parametrize(
    ("held_out", "published"), [(LAST, PUBLISHED), (FOLD, PUBLISHED), (NEIGHBOURS, []), (LAST, [])]
)
def test_a_usual_training_set_is_found_of_the_candidate_that_heard_it(
    held_out: tuple[int, ...], published: list[tuple[int, ...]]
) -> None:
    first, *rest = uneven_splits(accuracies(held_out), OTHERS, published)
    assert first is not None
    assert first.held_out == held_out
    assert first.difference == pytest.approx(0.4, abs=0.1)
    assert rest == [None] * 5


@pytest.mark.parametrize(
    ("values", "others"),
    [
        (accuracies((0,), loss=0.0), OTHERS),
        (accuracies(SCATTERED), OTHERS),
        (accuracies(LAST, (0, 1)), OTHERS),
        (accuracies(LAST, (0, 1, 2, 3, 4, 5)), OTHERS),
        (accuracies(LAST), OTHERS & (np.arange(6) < 2)),
    ],
    ids=[
        "nobody was trained",
        "no usual set",
        "another candidate shares it",
        "hard speakers",
        "one other candidate only",
    ],
)
def test_nothing_else_is_suspected(values: NDArray[np.float64], others: NDArray[np.bool_]) -> None:
    assert uneven_splits(values, others, PUBLISHED)[0] is None


def test_twins_do_not_share_a_split_with_each_other() -> None:
    others = OTHERS.copy()
    others[0, 1] = others[1, 0] = False
    found = uneven_splits(accuracies(LAST, (0, 1)), others, PUBLISHED)
    assert [split is not None for split in found] == [True, True, False, False, False, False]


def test_published_splits_go_by_the_numbers_in_names_and_by_the_corpus() -> None:
    assert {LAST, FOLD} <= set(PUBLISHED)
    assert published_splits(SPEAKERS, {"emodb"}) == []
    assert published_splits(["anna", "Actor_23", "bob", "24", "c", "d"], {"ravdess"}) == [(1, 3)]


def flagged(run: RunBuilder, **declared: tuple[str, ...]) -> Leaderboard:
    corpus = run.acted_corpus("my-ravdess", speakers=24, repeats=2)
    bad, good = mostly_right(corpus, 0.7, 1), mostly_right(corpus, 0.1, 2)
    held_out = {"s3", "s6", "s7", "s13", "s18"}
    answers = [bad[place] if clip.speaker in held_out else good[place] for place, clip in enumerate(corpus.clips)]
    run.add(run.candidate("trained", **declared), corpus, answers)
    for seed in range(3, 7):
        run.add(run.candidate(f"m{seed}"), corpus, mostly_right(corpus, 0.35, seed))
    return run.score()


def test_a_row_says_that_it_is_a_suspicion_and_what_to_declare(run: RunBuilder) -> None:
    board = flagged(run)
    row = row_of(board, "trained")
    assert "uneven-speakers" in row.flags
    assert "lower on s3, s6, s7, s13, s18 than on the rest" in row.flag_reasons["uneven-speakers"]
    assert row.rank is not None
    assert not any("uneven-speakers" in row.flags for row in board.rows if row.candidate != "trained")


def test_where_training_is_declared_nothing_is_suspected(run: RunBuilder) -> None:
    assert "uneven-speakers" not in row_of(flagged(run, trained_on=()), "trained").flags
