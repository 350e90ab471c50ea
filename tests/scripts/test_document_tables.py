from pathlib import Path

import pytest

from scripts.document_tables import README, REPORTS_PAGE, column_table, status_table


@pytest.mark.parametrize(
    ("page", "name", "table"), [(REPORTS_PAGE, "columns", column_table()), (README, "statuses", status_table())]
)
def test_a_page_has_what_is_declared(page: Path, name: str, table: str) -> None:
    section = page.read_text(encoding="utf-8").partition(f"<!-- {name}: begin -->\n")[2]
    assert section.startswith(f"{table}\n<!-- {name}: end -->"), "renew it: python -m scripts.document_tables"
