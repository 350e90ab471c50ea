"""Write the table of columns in docs/reports.md from their declaration: `python -m scripts.column_table`."""

from pathlib import Path

from benchmark.results.leaderboard_columns import Shown, shown_in
from scripts.generated_sections import write_section

REPORTS_PAGE = Path(__file__).parents[1] / "docs" / "reports.md"


def column_table() -> str:
    """Write what each column means, with its name in `leaderboard.csv` and `.json`."""
    lines = ["| column | in files | meaning |", "| --- | --- | --- |"]
    for column in shown_in(Shown.README):
        title = column.legend_title or column.title
        lines.append(f"| {title} | `{column.field}` | {column.meaning.removesuffix('.')} |")
    return "\n".join(lines)


if __name__ == "__main__":
    write_section(REPORTS_PAGE, "columns", column_table())
