from pathlib import Path

from benchmark.results.status import Status

ROOT = Path(__file__).parents[2]


def test_every_status_has_a_meaning_of_one_sentence() -> None:
    assert all(status.meaning.endswith(".") for status in Status)


def test_the_page_on_verification_names_every_status() -> None:
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert [status for status in Status if not any(status.value in row for row in rows)] == []
