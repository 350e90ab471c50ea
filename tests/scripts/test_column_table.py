from scripts.column_table import README, column_table


def test_readme_has_the_columns_as_they_are_declared() -> None:
    section = README.read_text(encoding="utf-8").partition("<!-- columns: begin -->\n")[2]
    assert section.startswith(f"{column_table()}\n<!-- columns: end -->"), "renew it: python -m scripts.column_table"
