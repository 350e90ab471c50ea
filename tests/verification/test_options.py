import pytest

from benchmark.progress import Silent
from benchmark.verification.options import VerifyOptions, agree

GB = 10**9


class Listener(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def denied(*sizes: int | None, answer: bool | None = None, limit: float | None = None) -> list[int]:
    questions: list[str] = []

    def confirm(question: str) -> bool | None:
        questions.append(question)
        return answer

    downloads = {str(number): size for number, size in enumerate(sizes)}
    refused = agree(downloads, VerifyOptions(max_download_gb=limit, confirm=confirm), Silent())
    assert len(questions) <= 1
    assert all("--max-download-gb" in reason for reason in refused.values())
    return [int(number) for number in refused]


def test_what_is_small_in_all_is_fetched_without_a_question() -> None:
    assert agree({"a": 4 * GB}, VerifyOptions(confirm=lambda _: pytest.fail("asked")), Silent()) == {}


def test_the_total_is_noted_first_where_there_is_something_to_download() -> None:
    listener = Listener()
    assert agree({"local": 0}, VerifyOptions(), listener) == {}
    assert listener.notes == []
    agree({"a": 2 * GB, "b": GB, "local": 0}, VerifyOptions(), listener)
    assert listener.notes == ["To be downloaded: 3.0 GB in all, for 2 candidates."]


def test_more_than_five_gigabytes_are_fetched_if_a_person_says_so() -> None:
    assert denied(4 * GB, 4 * GB, answer=True) == []
    assert denied(4 * GB, 4 * GB, answer=False) == [1]


def test_where_nobody_can_be_asked_what_fits_is_fetched() -> None:
    assert denied(4 * GB, 4 * GB, GB) == [1]


def test_a_limit_of_the_user_holds_without_a_question() -> None:
    assert denied(4 * GB, 4 * GB, limit=8.0) == []
    assert denied(4 * GB, 4 * GB, limit=1.0, answer=True) == [0, 1]
    assert denied(1, limit=0.0) == [0]


def test_what_is_of_unknown_size_fits_nowhere() -> None:
    assert denied(None, GB) == [0]
    assert denied(None, GB, answer=True) == []
