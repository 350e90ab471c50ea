"""Write the tables of the documents that are declared in the code: `python -m scripts.document_tables`."""

from pathlib import Path

from benchmark.results.leaderboard_columns import Shown, shown_in
from benchmark.results.status import Status, Verdict
from scripts.generated_sections import write_section

_ROOT = Path(__file__).parents[1]
README = _ROOT / "README.md"
REPORTS_PAGE = _ROOT / "docs" / "reports.md"


def column_table() -> str:
    """Write what each column means, with its name in `leaderboard.csv` and `.json`."""
    lines = ["| column | in files | meaning |", "| --- | --- | --- |"]
    for column in shown_in(Shown.DOCS):
        title = column.legend_title or column.title
        lines.append(f"| {title} | `{column.field}` | {column.meaning.removesuffix('.')} |")
    return "\n".join(lines)


def status_table() -> str:
    """Write the statuses of each verdict."""
    rows = [
        f"| {verdict} | {', '.join(f'`{status}`' for status in Status if status.verdict is verdict)} |"
        for verdict in Verdict
    ]
    return "\n".join(["| verdict | status |", "| --- | --- |", *rows])


if __name__ == "__main__":
    write_section(REPORTS_PAGE, "columns", column_table())
    write_section(README, "statuses", status_table())
