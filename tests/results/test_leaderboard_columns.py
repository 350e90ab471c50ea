"""The one declaration of the columns fits the rows."""

from benchmark.results.leaderboard_columns import COLUMNS, PUBLISHED_COLUMNS, LeaderboardRow, Shown, shown_in

FIELDS = set(LeaderboardRow.model_fields)


def test_every_declared_column_is_a_field_of_a_row() -> None:
    assert set(COLUMNS) <= FIELDS
    assert {end for column in COLUMNS.values() for end in column.interval or ()} <= FIELDS
    assert set(PUBLISHED_COLUMNS) - FIELDS == {"id", "status"}


def test_every_table_for_people_has_columns_with_a_heading_and_a_sentence() -> None:
    for table in Shown:
        shown = [column for column in shown_in(table) if column.field != "metrics"]
        assert shown
        assert all(column.title and column.meaning.endswith(".") for column in shown)
