from scripts.column_table import REPORTS_PAGE, column_table


def test_the_page_has_the_columns_as_they_are_declared() -> None:
    section = REPORTS_PAGE.read_text(encoding="utf-8").partition("<!-- columns: begin -->\n")[2]
    assert section.startswith(f"{column_table()}\n<!-- columns: end -->"), "renew it: python -m scripts.column_table"
