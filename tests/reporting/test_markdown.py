from rich.cells import cell_len

from benchmark.reporting.markdown import Column, all_the_same, document, markdown_table


def test_pipes_stand_below_each_other_also_with_wide_letters() -> None:
    rows = ["분노", "anger", "a\\|b", "喜"]
    columns: list[Column[str]] = [Column("label", str), Column("letters", lambda row: str(len(row)), numeric=True)]
    table = markdown_table(rows, columns)
    assert len({cell_len(line) for line in table.splitlines()}) == 1


def test_columns_that_are_empty_for_all_are_left_out_and_single_gaps_are_shown() -> None:
    once = Column[str]("once", lambda row: "1" if row == "b" else "")
    table = markdown_table(["a", "b"], [Column("name", str), Column("never", lambda row: ""), once])
    assert "never" not in table
    assert table.splitlines()[2].split("|")[2].strip() == "–"


def test_rows_that_look_the_same_stand_once_and_no_rows_make_no_table() -> None:
    assert len(markdown_table(["a", "a", "b"], [Column("name", str)]).splitlines()) == 4
    assert markdown_table([], [Column("name", str)]) == ""
    assert document(["a", "", "b"]) == "a\n\nb\n", "nor a gap"


def test_only_what_all_share_is_the_same() -> None:
    assert all_the_same(["cpu", None]) is None
    assert all_the_same(["cpu", "cpu"]) == "cpu"
