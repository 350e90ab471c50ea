import pytest

from benchmark.errors import RequestError
from benchmark.hub.facts import HubFailure
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Finding
from benchmark.verification.load import LoadCheck
from benchmark.verification.model_config import candidate_labels
from benchmark.verification.options import Depth
from benchmark.verification.verdict import Case, decide, failed, skipped
from tests.verification.conftest import facts_with

CANDIDATE = Candidate(id="org/model", name="model", expect=Status.USABLE, languages=("en",), trained_on=("ravdess",))


def finding(status: Status) -> Finding:
    return Finding(status=status, reason=f"It is {status}.")


@pytest.mark.parametrize("first", list(Status))
def test_whatever_comes_first_in_the_order_decides_and_the_rest_stays(first: Status) -> None:
    later = [status for status in Status if status.precedence >= first.precedence]
    case = Case(candidate=CANDIDATE, facts=facts_with(), findings=tuple(finding(status) for status in reversed(later)))
    verification = decide(case)
    assert verification.status is first
    assert verification.reason == f"It is {first}."
    assert [each.status for each in verification.findings] == later


def test_nothing_found_is_usable() -> None:
    load = LoadCheck(loads=True, evidence={"spread": 2.0})
    verification = decide(Case(candidate=CANDIDATE, facts=facts_with(), findings=(), load=load))
    assert (verification.status, verification.verdict) == (Status.USABLE, Verdict.USABLE)
    assert verification.findings[0].evidence == {"spread": 2.0}
    assert verification.emotions == ("anger", "happiness", "sadness")


def test_nothing_found_without_a_load_is_no_verdict_yet() -> None:
    verification = decide(Case(candidate=CANDIDATE, facts=facts_with(), findings=(), depth=Depth.INSPECT))
    assert (verification.status, verification.verdict) == (Status.INSPECTED, Verdict.UNDECIDED)
    assert (verification.loads, verification.depth) == (None, "inspect")


def test_what_a_limit_of_the_user_forbade_is_undecided_whatever_else_was_found() -> None:
    case = Case(candidate=CANDIDATE, facts=facts_with(), findings=(finding(Status.REPAIRED),))
    verification = skipped(case, "Its download of 9.0 GB is over the limit.")
    assert (verification.status, verification.verdict) == (Status.SKIPPED, Verdict.UNDECIDED)


def test_what_the_registry_says_stands_beside_the_verdict() -> None:
    verification = decide(Case(candidate=CANDIDATE, facts=facts_with(), findings=()))
    assert (verification.expect, verification.languages, verification.trained_on) == (
        Status.USABLE,
        ("en",),
        ("ravdess",),
    )


def test_a_failure_of_the_hub_is_a_sentence() -> None:
    verification = failed(CANDIDATE, HubFailure(Status.UNREACHABLE, "the Hub failed (HTTP 503)"))
    assert (verification.verdict, verification.revision) == (Verdict.UNDECIDED, None)
    assert verification.reason == "The Hub failed (HTTP 503)."


def test_labels_that_mean_nothing_and_odd_counts_are_noted() -> None:
    facts = facts_with({"id2label": {"0": "sad", "1": "angry", "2": "xyzzy"}})
    assert any("xyzzy" in note for note in decide(Case(candidate=CANDIDATE, facts=facts, findings=())).notes)


def test_an_override_of_a_label_that_is_not_there_names_the_candidate() -> None:
    candidate = Candidate(id="org/model", name="my-model", labels={"boredom!": "boredom"})
    with pytest.raises(RequestError, match="my-model"):
        candidate_labels(candidate, ("sad", "angry"))
