import math

import pytest

from benchmark.errors import RequestError
from benchmark.results.runs import ClipRecord
from benchmark.scoring.group_columns import (
    DEFAULT_COLUMNS,
    columns_of,
    duration_band,
    find_columns,
    group_order,
    values_of,
)
from tests.scoring.conftest import clip_record


def test_the_default_columns_are_sex_language_and_duration() -> None:
    assert find_columns((), []) == DEFAULT_COLUMNS == ("sex", "language", "duration")


@pytest.mark.parametrize(
    ("by", "clips", "added"),
    [
        (["age"], [clip_record("a", attributes={"Age": "30"})], ["Age"]),
        (["gender"], [clip_record("a", sex="male")], []),
        (["Age", "age"], [clip_record("a", attributes={"age": "30", "Age": "old"})], ["Age", "age"]),
        (["gender"], [clip_record("a", attributes={"gender": "f"})], ["gender"]),
    ],
    ids=["another case", "another name of sex", "exact names first", "a column called like a role"],
)
def test_columns_are_found_by_name_case_and_role(by: list[str], clips: list[ClipRecord], added: list[str]) -> None:
    assert find_columns(by, [[clip_record("a")], clips]) == (*DEFAULT_COLUMNS, *added)


def test_a_column_that_no_corpus_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=r"'age' \(--by age\); what they say is: sex, duration, room"):
        find_columns(["age"], [[clip_record("a", sex="male")], [clip_record("a", attributes={"room": "hall"})]])
    with pytest.raises(RequestError, match="sex"):
        find_columns(["sex"], [[clip_record("a")]])


def test_columns_of_a_corpus_are_those_with_a_value() -> None:
    assert columns_of([clip_record("a", text_id="t"), clip_record("a", attributes={"room": "hall"})]) == (
        "text_id",
        "duration",
        "room",
    )


@pytest.mark.parametrize(
    ("seconds", "band"),
    [(0.0, "under 2 s"), (2.0, "2 to 4 s"), (3.999, "2 to 4 s"), (4.0, "4 to 8 s"), (8.0, "8 s and more"),
     (3600.0, "8 s and more"), (None, None), (math.nan, None)],
)  # fmt: skip
def test_bands_of_duration_are_closed_below_and_open_above(seconds: float | None, band: str | None) -> None:
    assert duration_band(seconds) == band


def test_many_different_numbers_are_divided_into_thirds() -> None:
    clips = [clip_record("a", attributes={"age": str(age)}) for age in range(20, 50)] + [clip_record("a")]
    values = values_of("age", clips)
    assert values[-1] is None
    assert [values.count(name) for name in dict.fromkeys(values[:-1])] == [10, 10, 10]
    assert sorted(set(values[:-1]), key=lambda name: group_order(str(name))) == ["up to 29", "over 29 to 39", "over 39"]


@pytest.mark.parametrize("words", [["0", "1", "2"], [*map(str, range(30)), "unknown"], [*map(str, range(30)), "inf"]])
def test_few_numbers_words_and_infinity_stay_as_they_are(words: list[str]) -> None:
    assert values_of("age", [clip_record("a", attributes={"age": word}) for word in words]) == words
