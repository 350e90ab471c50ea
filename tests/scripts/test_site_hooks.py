"""What the hooks of the documentation site make of the pages of the repository."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

from scripts.site_hooks import on_files, on_page_markdown


def _on_site(markdown: str, docs: Path) -> str:
    page = SimpleNamespace(file=SimpleNamespace(abs_src_path=str(docs / "page.md"), src_uri="page.md"))
    return on_page_markdown(markdown, page=page, config=SimpleNamespace(docs_dir=str(docs)))


def test_links_out_of_the_docs_become_text_and_others_stay(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "code.py").touch()
    assert _on_site("[code](../code.py#L1), [page](guides/a.md#b)", docs) == "code, [page](guides/a.md#b)"


def test_a_link_out_of_the_docs_that_leads_nowhere_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"page\.md links to \.\./code\.py, which is missing"):
        _on_site("[code](../code.py)", tmp_path / "docs")


def test_the_file_name_of_a_block_becomes_its_title(tmp_path: Path) -> None:
    assert _on_site("```python a.py\nx\n```", tmp_path) == '```python title="a.py"\nx\n```'


def test_without_the_report_of_the_demo_the_build_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="make docs"):
        on_files([], config=SimpleNamespace(config_file_path=str(tmp_path / "mkdocs.yml")))
