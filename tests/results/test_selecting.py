from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.results.run import RunRecord
from benchmark.results.selecting import Selection, select_from
from tests.support.finished_runs import FinishedRun, corpus, verification


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    run = FinishedRun(tmp_path, corpus("calls-2025"), corpus("calls-2026", merge={"sadness": "neutral"}))
    run.add(verification("good"))
    run.add(verification("two", ("anger", "sadness")))
    return run.record()


def test_nothing_wanted_is_the_whole_run(record: RunRecord) -> None:
    assert select_from(record, Selection()) == record


@pytest.mark.parametrize("name", ["good", "org/good", "GOOD", "org/g*"])
def test_a_candidate_is_found_by_name_id_or_pattern(record: RunRecord, name: str) -> None:
    found = select_from(record, Selection(models=(name,)))
    assert [each.candidate for each in found.verifications] == ["good"]
    assert {each.candidate for each in found.evaluations} == {each.candidate for each in found.latencies} == {"good"}


def test_corpora_are_chosen_with_what_was_answered_on_them(record: RunRecord) -> None:
    found = select_from(record, Selection(corpora=("*2026",)))
    assert [each.name for each in found.corpora] == ["calls-2026"]
    assert {each.corpus for each in found.evaluations} == {"calls-2026"}


def test_candidates_with_fewer_emotions_stay_without_scores(record: RunRecord) -> None:
    found = select_from(record, Selection(min_emotions=3))
    assert len(found.verifications) == 2
    assert {each.candidate for each in found.evaluations} == {each.candidate for each in found.latencies} == {"good"}
    assert found.ineligible["two"] == "It distinguishes 2 emotions; at least 3 were asked for."


def test_merges_come_to_those_of_the_run(record: RunRecord) -> None:
    first, second = select_from(record, Selection(merge={"anger": "sadness"})).corpora
    assert first.merge == {"anger": "sadness"}
    assert second.merge == {"sadness": "neutral", "anger": "neutral"}


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        (Selection(models=("goood",)), "did you mean 'good'"),
        (Selection(models=("zebra",)), "it has good, org/good"),
        (Selection(corpora=("calls-2024",)), "did you mean 'calls-202"),
        (Selection(merge={"neutral": "sadness"}), "circle"),
    ],
)
def test_what_fits_nothing_is_refused_in_one_sentence(record: RunRecord, wanted: Selection, hint: str) -> None:
    with pytest.raises(RequestError, match=hint) as refused:
        select_from(record, wanted)
    assert "\n" not in str(refused.value)
