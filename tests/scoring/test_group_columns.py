import math

import pytest
from pydantic import TypeAdapter

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


def clip(**fields: object) -> ClipRecord:
    return TypeAdapter(ClipRecord).validate_python({"clip": "a", "clip_hash": "a", "duration_s": 3.0} | fields)


def test_nothing_asked_for_is_sex_language_and_duration() -> None:
    assert find_columns((), []) == DEFAULT_COLUMNS == ("sex", "language", "duration")


def test_a_column_is_found_whatever_its_case_and_sex_by_its_other_name() -> None:
    clips = [clip(attributes={"Age": "30"}, sex="male")]
    assert find_columns(["age"], [clips]) == (*DEFAULT_COLUMNS, "Age")
    assert find_columns(["gender"], [clips]) == DEFAULT_COLUMNS


def test_an_exact_name_wins_over_one_of_another_case() -> None:
    clips = [clip(attributes={"age": "30", "Age": "old"})]
    assert find_columns(["Age", "age"], [clips]) == (*DEFAULT_COLUMNS, "Age", "age")


def test_a_column_of_the_table_that_is_called_like_a_role_of_other_tables_is_itself() -> None:
    clips = [clip(attributes={"gender": "f"})]
    assert find_columns(["gender"], [clips]) == (*DEFAULT_COLUMNS, "gender")


def test_a_column_that_no_corpus_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=r"'age' \(--by age\); what they say is: sex, duration, room"):
        find_columns(["age"], [[clip(sex="male")], [clip(attributes={"room": "hall"})]])


def test_a_usual_column_that_no_corpus_tells_is_refused_when_it_is_asked_for() -> None:
    with pytest.raises(RequestError, match="sex"):
        find_columns(["sex"], [[clip()]])


def test_a_column_that_only_one_of_several_corpora_has_is_enough() -> None:
    assert find_columns(["room"], [[clip()], [clip(attributes={"room": "hall"})]])[-1] == "room"


def test_columns_of_a_corpus_are_those_it_says_anything_of() -> None:
    assert columns_of([clip(text_id="t"), clip(attributes={"room": "hall"})]) == ("text_id", "duration", "room")


@pytest.mark.parametrize(
    ("seconds", "band"),
    [(0.0, "under 2 s"), (2.0, "2 to 4 s"), (3.999, "2 to 4 s"), (4.0, "4 to 8 s"), (8.0, "8 s and more"),
     (3600.0, "8 s and more"), (None, None), (math.nan, None)],
)  # fmt: skip
def test_bands_of_duration_are_closed_below_and_open_above(seconds: float | None, band: str | None) -> None:
    assert duration_band(seconds) == band


def test_many_different_numbers_are_taken_apart_into_thirds() -> None:
    clips = [clip(attributes={"age": str(age)}) for age in range(20, 50)] + [clip()]
    values = values_of("age", clips)
    assert values[-1] is None
    assert [values.count(name) for name in dict.fromkeys(values[:-1])] == [10, 10, 10]
    assert sorted(set(values[:-1]), key=lambda name: group_order(str(name))) == ["up to 29", "over 29 to 39", "over 39"]


def test_few_numbers_and_words_stay_what_they_are() -> None:
    assert values_of("room", [clip(attributes={"room": str(room)}) for room in range(3)]) == ["0", "1", "2"]
    words = [*map(str, range(30)), "unknown"]
    assert values_of("age", [clip(attributes={"age": word}) for word in words]) == words


def test_numbers_that_are_none_do_not_make_thirds() -> None:
    words = [*map(str, range(30)), "inf"]
    assert values_of("age", [clip(attributes={"age": word}) for word in words]) == words
