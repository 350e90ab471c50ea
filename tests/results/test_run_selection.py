from typing import Any

import pytest

from benchmark.errors import RequestError
from benchmark.results.run_selection import select_from
from benchmark.results.runs import RunRecord
from tests.support.finished_runs import FinishedRun, corpus, verification


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    run = FinishedRun(
        tmp_path_factory.mktemp("cache"), corpus("calls-2025"), corpus("calls-2026", merge={"sadness": "neutral"})
    )
    run.add(verification("good"))
    run.add(verification("two", ("anger", "sadness")))
    return run.record()


def test_an_empty_selection_is_the_whole_run(record: RunRecord) -> None:
    assert select_from(record) == record


@pytest.mark.parametrize("name", ["good", "org/good", "GOOD", "org/g*"])
def test_a_candidate_is_found_by_name_id_or_pattern(record: RunRecord, name: str) -> None:
    selected = select_from(record, models=(name,))
    assert [item.candidate for item in selected.verifications] == ["good"]
    assert {item.candidate for item in selected.evaluations} == {"good"}
    assert {item.candidate for item in selected.latencies} == {"good"}


def test_corpora_are_chosen_with_what_was_answered_on_them(record: RunRecord) -> None:
    selected = select_from(record, corpora=("*2026",))
    assert [item.name for item in selected.corpora] == ["calls-2026"]
    assert {item.corpus for item in selected.evaluations} == {"calls-2026"}


def test_candidates_with_fewer_emotions_stay_without_scores(record: RunRecord) -> None:
    selected = select_from(record, min_emotions=3)
    assert len(selected.verifications) == 2
    assert {item.candidate for item in selected.evaluations} == {"good"}
    assert {item.candidate for item in selected.latencies} == {"good"}
    assert selected.ineligible["two"] == "It distinguishes 2 emotions; at least 3 were asked for."


def test_merges_come_to_those_of_the_run(record: RunRecord) -> None:
    first, second = select_from(record, merge={"anger": "sadness"}).corpora
    assert first.merge == {"anger": "sadness"}
    assert second.merge == {"sadness": "neutral", "anger": "neutral"}


@pytest.mark.parametrize(
    ("selection", "hint"),
    [
        ({"models": ["goood"]}, "did you mean 'good'"),
        ({"models": ["zebra"]}, "it has good, org/good"),
        ({"corpora": ["calls-2024"]}, "did you mean 'calls-202"),
        ({"merge": {"neutral": "sadness"}}, "circle"),
    ],
)
def test_what_fits_nothing_is_refused_in_one_sentence(record: RunRecord, selection: dict[str, Any], hint: str) -> None:
    with pytest.raises(RequestError, match=hint) as refused:
        select_from(record, **selection)
    assert "\n" not in str(refused.value)
