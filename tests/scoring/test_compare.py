from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from benchmark.reporting.predictions import prediction_tables
from benchmark.results.comparison import Change, RowChange, RunComparison
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.scoring.compare import compare_runs
from benchmark.scoring.paired import ComparedRun, answers_by_pairing
from tests.scoring.conftest import RunBuilder, mostly_right


def finished(*, wrong: float = 0.2, ms: float = 50.0) -> RunBuilder:
    """A run with one timed candidate."""
    run = RunBuilder()
    corpus, model = run.acted_corpus(repeats=2), run.candidate("a")
    run.add(model, corpus, mostly_right(corpus, wrong, 0))
    run.timed(model, calls_ms=(ms,) * 30)
    return run


def compared(run: RunBuilder, record: RunRecord | None = None, *, answers: bool = True) -> ComparedRun:
    record = record or run.record()
    table = pa.concat_tables(prediction_tables(record, run.predictions))
    by_pairing = answers_by_pairing(table) if answers else {}
    return ComparedRun(title="a run", leaderboard=run.score(record), answers=by_pairing)


def only_row(comparison: RunComparison) -> RowChange:
    (row,) = comparison.rows
    return row


def ends(change: Change | None) -> tuple[float, float, float]:
    """The ends of an interval, and the difference between them."""
    assert change is not None
    low, difference, high = (
        np.nan if value is None else value for value in (change.low, change.difference, change.high)
    )
    return low, difference, high


def test_a_run_and_itself_differ_in_nothing() -> None:
    run = finished()
    comparison = compare_runs(compared(run), compared(run))
    assert comparison.nothing_changed
    assert only_row(comparison).numbers["uar"].difference == 0


@pytest.mark.parametrize(("answers", "how", "clips"), [(True, "paired", 80), (False, "unpaired", None)])
def test_scores_are_paired_on_common_clips_where_the_answers_of_both_are_known(
    answers: bool, how: str, clips: int | None
) -> None:
    old, new = finished(wrong=0.5), finished(wrong=0.1)
    row = only_row(compare_runs(compared(old, answers=answers), compared(new)))
    change = row.numbers["uar"]
    assert (row.common_clips, change.how) == (clips, how)
    low, difference, high = ends(change)
    assert low < difference < high
    assert difference == pytest.approx((change.new or 0) - (change.old or 0))
    assert change.is_beyond_chance


def computed_by(run: ComparedRun, *engines: tuple[str, str]) -> ComparedRun:
    """The same run, with a row of each candidate for each engine."""
    rows = tuple(
        row.model_copy(update={"backend": backend, "dtype": dtype})
        for row in run.leaderboard.rows
        for backend, dtype in engines
    )
    return replace(run, leaderboard=run.leaderboard.model_copy(update={"rows": rows}))


def test_a_candidate_that_another_engine_computed_is_compared_with_a_warning() -> None:
    old, new = finished(wrong=0.5, ms=80.0), finished(wrong=0.1, ms=40.0)
    comparison = compare_runs(compared(old), computed_by(compared(new), ("openvino", "float32")))
    row = only_row(comparison)
    assert (row.presence, row.backend, row.numbers["uar"].how) == ("both", "openvino", "paired")
    assert ends(row.latency_ratio)[1] == pytest.approx(-0.5)
    assert any("(torch float32 → openvino float32)" in warning and ": a." in warning for warning in comparison.warnings)


def test_where_a_run_has_several_engines_only_rows_of_one_engine_are_compared() -> None:
    run = finished()
    comparison = compare_runs(
        compared(run), computed_by(compared(run), ("openvino", "float32"), ("openvino", "bfloat16"))
    )
    assert sorted(row.presence for row in comparison.rows) == ["new", "new", "old"]
    same = compare_runs(compared(run), computed_by(compared(run), ("openvino", "float32"), ("torch", "float32")))
    assert {row.backend: row.presence for row in same.rows} == {"openvino": "new", "torch": "both"}
    assert not same.warnings


def test_other_merges_are_never_paired() -> None:
    old, new = finished(), finished()
    merged = new.corpora[0].model_copy(update={"merge": {"sadness": "neutral"}})
    comparison = compare_runs(compared(old), compared(new, new.record(corpora=(merged,))))
    assert only_row(comparison).common_clips is None
    assert any("merged" in warning for warning in comparison.warnings)
    (signatures,) = (warning for warning in comparison.warnings if "different signatures" in warning)
    assert "K5|clips:" in signatures
    assert "K4|merge:sadness=neutral|clips:" in signatures


def test_candidates_that_come_go_or_change_their_status_are_listed() -> None:
    old, new = finished(), finished()
    for run, names in ((old, ("goes", "breaks")), (new, ("comes",))):
        for name in names:
            run.add(run.candidate(name), run.corpora[0], mostly_right(run.corpora[0], 0.2, 0))
    new.candidate("breaks", status=Status.CRASHED, reason="It crashed with SIGSEGV.")
    comparison = compare_runs(compared(old), compared(new))
    assert {status.candidate: (status.old, status.new) for status in comparison.statuses} == {
        "goes": ("evaluated", None),
        "comes": (None, "evaluated"),
        "breaks": ("evaluated", "crashed"),
    }
    presence = {row.candidate: row.presence for row in comparison.rows}
    assert presence == {"a": "both", "goes": "old", "comes": "new", "breaks": "old"}
    assert not comparison.nothing_changed


def test_a_slower_median_has_an_interval_and_another_machine_a_warning() -> None:
    old, new = finished(ms=100.0), finished(ms=130.0)
    record = new.record()
    elsewhere = record.environment.model_copy(update={"processor": "another one", "versions": {"torch": "1.0"}})
    comparison = compare_runs(compared(old), compared(new, record.model_copy(update={"environment": elsewhere})))
    assert ends(only_row(comparison).latency_ratio)[1] == pytest.approx(0.3)
    warnings = " ".join(comparison.warnings)
    assert [name in warnings for name in ("another one", "torch")] == [True, True]


def test_corrected_labels_change_no_paired_difference() -> None:
    old, new = finished(), finished()
    clips = tuple(
        replace(clip, label="anger") if clip.label == "sadness" and clip.speaker == "s1" else clip
        for clip in new.corpora[0].clips
    )
    record = new.record(corpora=(new.corpora[0].model_copy(update={"clips": clips}),))
    comparison = compare_runs(compared(old), compared(new, record))
    change = only_row(comparison).numbers["uar"]
    assert change.old != change.new
    assert change.difference == 0
    assert any(warning.startswith("2 clips of acted mean another emotion now") for warning in comparison.warnings)


def test_other_corpora_limits_and_channels_are_warned_of() -> None:
    old, new = compared(finished()), compared(finished())
    (acted,) = new.leaderboard.corpora
    changed = acted.model_copy(update={"clips": 70, "channel": "left", "emotion_clips": {"anger": 70}})
    more = acted.model_copy(update={"name": "calls"})
    update = {"corpora": (changed, more), "limit": 70, "interrupted": True}
    comparison = compare_runs(old, replace(new, leaderboard=new.leaderboard.model_copy(update=update)))
    assert comparison.warnings == (
        "The old run has no corpus calls.",
        "acted has 70 clips that could be read; it had 80.",
        "The emotions of acted are anger; they were anger, fear, happiness, neutral, sadness.",
        "acted is heard on the channel left; it was mix.",
        "The new run heard at most 70 clips of each corpus.",
    )
    assert (comparison.gaps, comparison.complete) == (("The new run is incomplete: it was interrupted.",), False)
