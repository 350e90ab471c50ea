import pytest

from benchmark.errors import RequestError
from benchmark.hub.facts import HubFailure
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Finding
from benchmark.verification.verdict import Case, candidate_labels, decide, failed
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
    verification = decide(Case(candidate=CANDIDATE, facts=facts_with(), findings=()))
    assert (verification.status, verification.verdict) == (Status.USABLE, Verdict.USABLE)
    assert verification.emotions == ("anger", "happiness", "sadness")


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
