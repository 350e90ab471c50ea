import pytest

from benchmark.errors import RequestError
from benchmark.scoring.ensemble_requests import EnsembleRequest, ensemble_request
from tests.scoring.conftest import RunBuilder


@pytest.fixture
def two(run: RunBuilder) -> RunBuilder:
    corpus = run.acted_corpus()
    for name in ("first", "second"):
        run.says(run.candidate(name, id=f"org/{name}"), corpus, ["anger"] * len(corpus.clips))
    run.candidate("never run")
    return run


def test_members_are_named_by_name_or_id(two: RunBuilder) -> None:
    found = ensemble_request(["org/second", "first"], two.record())
    assert found == EnsembleRequest(name="second + first", members=("second", "first"))


def test_the_best_are_asked_for_by_number(two: RunBuilder) -> None:
    assert ensemble_request(["best:3"], two.record()) == EnsembleRequest(name="best:3", best=3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["first", "secondd"], "did not evaluate 'secondd'.*second"),
        (["first", "never run"], "did not evaluate 'never run'"),
        (["first", "org/first"], "at least 2 members"),
        (["best:1"], "best:2 or more"),
        (["best:x"], "did not evaluate 'best:x'"),
    ],
)
def test_what_is_no_ensemble_is_refused(two: RunBuilder, words: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        ensemble_request(words, two.record())
