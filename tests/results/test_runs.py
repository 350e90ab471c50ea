from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.results.runs import RunSummary, add_summary, describe_runs, list_runs, load_run, remove_runs, save_run
from benchmark.results.status import Status
from tests.support.damage import rewrite
from tests.support.finished_runs import FinishedRun, corpus, verification


def kept(cache: Path, day: int, **fields: object) -> str:
    run = FinishedRun(cache, corpus(speakers=1, repeats=1))
    run.add(verification("one"), ms=None)
    run.save(created=datetime(2026, 3, day, tzinfo=UTC), registry=f"day {day}", **fields)
    return list_runs(cache)[0].stem


def test_the_latest_finished_run_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept(tmp_path, 1)
    kept(tmp_path, 2)
    kept(tmp_path, 3, interrupted=True)
    assert load_run(tmp_path).registry == "day 2"
    assert "was interrupted, and is passed over for an earlier run; --run 20260303" in caplog.text


def test_after_the_clock_was_set_back_the_latest_run_is_the_one_that_was_kept_last(tmp_path: Path) -> None:
    for day in (*range(10, 20), 1):
        kept(tmp_path, day)
    assert load_run(tmp_path).registry == "day 1"
    assert load_run(tmp_path, "20260319").registry == "day 19"


def test_two_runs_of_one_moment_are_both_kept(tmp_path: Path) -> None:
    kept(tmp_path, 1)
    kept(tmp_path, 1)
    assert len(list_runs(tmp_path)) == 2


def test_an_incomplete_run_does_not_replace_a_complete_one_and_is_better_than_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost = (verification("lost", status=Status.SKIPPED, incomplete=True),)
    kept(tmp_path / "some", 1)
    for cache in (tmp_path / "none", tmp_path / "some"):
        kept(cache, 2, verifications=lost)
        kept(cache, 3, verifications=lost)
        kept(cache, 4, interrupted=True)
    assert load_run(tmp_path / "none").registry == "day 3"
    assert "is incomplete, and is taken since no run is complete" in caplog.text
    assert load_run(tmp_path / "some").registry == "day 1"
    assert caplog.text.count("is incomplete, and is passed over for an earlier run") == 2


def test_a_run_is_found_by_its_name_its_unique_beginning_and_its_path(tmp_path: Path) -> None:
    name = kept(tmp_path, 1)
    kept(tmp_path, 2)
    for given in (name, f"{name}.json", "20260301", "20260301T000000.000000Z", str(tmp_path / "runs" / f"{name}.json")):
        assert load_run(tmp_path, given).registry == "day 1"
    with pytest.raises(RequestError, match=r"2 runs begin with '202603'.*20260302"):
        load_run(tmp_path, "202603")


def test_a_run_is_found_by_what_it_was_called_and_a_complete_one_counts_first(tmp_path: Path) -> None:
    def named(day: int, *, complete: bool) -> None:
        record = FinishedRun(tmp_path).record(created=datetime(2026, 3, day, tzinfo=UTC), name="pilot")
        first = save_run(tmp_path, record.model_copy(update={"registry": f"day {day}"}))
        summary = RunSummary(
            corpora=(), clips=0, candidates=0, complete=complete, exit_code=int(not complete), output="reports"
        )
        add_summary(first, summary)

    named(1, complete=True)
    named(2, complete=False)
    kept(tmp_path, 3)
    assert load_run(tmp_path, "pilot").registry == "day 1"
    assert [(run.name, run.summary and run.summary.exit_code) for run in describe_runs(tmp_path)] == [
        (None, None),
        ("pilot", 1),
        ("pilot", 0),
    ]


def test_runs_are_removed_all_or_none(tmp_path: Path) -> None:
    first, second = kept(tmp_path, 1), kept(tmp_path, 2)
    with pytest.raises(RequestError, match="there is no run 'gone'"):
        remove_runs(tmp_path, [first, "gone"])
    assert len(list_runs(tmp_path)) == 2
    remove_runs(tmp_path, [first])
    assert [path.stem for path in list_runs(tmp_path)] == [second]
    assert len(list((tmp_path / "runs").iterdir())) == 2  # the record and what describes it


def test_a_run_without_an_evaluated_candidate_is_not_the_latest(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path, corpus())
    run.add(verification("one"))
    run.save(created=datetime(2026, 3, 1, tzinfo=UTC), registry="good")
    FinishedRun(tmp_path).save(created=datetime(2026, 3, 2, tzinfo=UTC), registry="failed")
    assert load_run(tmp_path).registry == "good"


def test_without_a_run_the_message_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no finished run.*bench run"):
        load_run(tmp_path)
    with pytest.raises(RequestError, match="no run 'x'"):
        load_run(tmp_path, "x")


def test_a_run_that_was_cut_off_or_is_of_an_old_schema_is_passed_over_and_refused_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept(tmp_path, 1)
    name = kept(tmp_path, 2)
    path = tmp_path / "runs" / f"{name}.json"
    path.write_text(path.read_text("utf-8")[:50], "utf-8")
    assert load_run(tmp_path).registry == "day 1"
    assert f"{name}.json is no run that can be read, and is passed over" in caplog.text
    with pytest.raises(RequestError, match="damaged"):
        load_run(tmp_path, name)


def test_a_run_of_a_newer_bench_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "runs" / f"{kept(tmp_path, 1)}.json.meta"
    rewrite(path, content_schema=999)
    with pytest.raises(RequestError, match="newer version"):
        load_run(tmp_path)


def test_a_cache_that_cannot_be_written_is_moved_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="choose another folder with BENCH_CACHE"):
        kept(tmp_path / "file", 1)
