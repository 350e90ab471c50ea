from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from benchmark.results.runs import CorpusRecord
from benchmark.scoring.leaderboard import score_run

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder

Errors = Callable[[CorpusRecord, float, int], list[str | None]]


class Share:
    def compute(self, truth: Sequence[int], answers: Sequence[int], names: Sequence[str]) -> Mapping[str, float | None]:
        assert names[-1] == "none of these"
        return {"share": sum(one == other for one, other in zip(truth, answers, strict=True)) / len(truth)}


def test_a_metric_is_computed_for_every_scored_row(run: "RunBuilder", mostly_right: Errors) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    run.says(model, corpus, mostly_right(corpus, 0.3, 0))
    run.says(model, corpus, mostly_right(corpus, 0.6, 0), device="cuda")
    run.says(run.candidate("late"), corpus, [])
    board = score_run(run.record(), run.predictions, metrics=[Share()])
    rows = {(row.candidate, row.device): row for row in board.rows}
    for device in ("cpu", "cuda"):
        assert rows["a", device].metrics == {"share": pytest.approx(rows["a", device].accuracy)}
    assert rows["late", "cpu"].metrics == {}


def test_without_labels_there_is_nothing_to_compute(run: "RunBuilder") -> None:
    corpus = run.corpus("mine", [run.clip(str(number)) for number in range(3)])
    run.says(run.candidate("a"), corpus, ["anger"] * 3)
    assert score_run(run.record(), run.predictions, metrics=[Share()]).rows[0].metrics == {}
