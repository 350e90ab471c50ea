from typing import TYPE_CHECKING

from benchmark.scoring.leaderboard import score_run

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder


def test_what_a_candidate_could_not_process_is_told_by_reason_with_the_first_names(run: "RunBuilder") -> None:
    corpus = run.corpus("x", [run.clip(f"clip {place}", label="fear") for place in range(20)])
    whole, failing = run.candidate("whole"), run.candidate("failing")
    run.says(whole, corpus, ["fear"] * 20)
    run.says(failing, corpus, [None] * 7 + ["fear"] * 12 + [None])
    stored = run.stored[run.setup(failing).key]
    reason = {f"clip {place}": "too short" if place < 6 else "no window" for place in range(20)}
    for name, prediction in stored.items():
        object.__setattr__(prediction, "failure", reason[name] if prediction.logits is None else None)
    board = score_run(run.record(), run.predictions)
    found = [(one.candidate, one.corpus, one.reason, one.clips, one.examples) for one in board.failed_clips]
    assert found == [
        ("failing", "x", "too short", 6, tuple(f"clip {place}" for place in range(5))),
        ("failing", "x", "no window", 2, ("clip 6", "clip 19")),
    ]
    assert sum(one.clips for one in board.failed_clips) == board.rows[1].failed_clips


def test_clips_that_nobody_was_asked_about_or_nobody_can_read_are_not_among_them(run: "RunBuilder") -> None:
    corpus = run.corpus("x", [run.clip("a", label="fear"), run.unreadable("b"), run.clip("c", label="fear")])
    run.says(run.candidate("stopped"), corpus, ["fear"])
    assert score_run(run.record(), run.predictions).failed_clips == ()
