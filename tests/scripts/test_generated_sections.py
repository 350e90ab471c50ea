from pathlib import Path

import pytest

from scripts.generated_sections import SIMULATIONS, write_section
from scripts.unlabelled_order import PAGE


def test_only_the_section_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n")
    write_section(page, "a", "new\n")
    assert page.read_text() == "before\n<!-- a: begin -->\nnew\n<!-- a: end -->\nafter\n"
    with pytest.raises(ValueError, match="no section b"):
        write_section(page, "b", "")


def test_the_pages_have_the_sections() -> None:
    for name in ("flags", "groups", "intervals"):
        assert f"<!-- {name}: begin -->" in SIMULATIONS.read_text(encoding="utf-8")
    assert "<!-- unlabelled-order: begin -->" in PAGE.read_text(encoding="utf-8")
