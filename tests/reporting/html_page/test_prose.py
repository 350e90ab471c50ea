"""Markdown as HTML."""

import re

import pytest

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.html_page.prose import block_html, inline_html
from benchmark.reporting.tables import Column, markdown_table

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[click](javascript:alert(1))",
    "![x](http://127.0.0.1/pixel.png)",
    "<javascript:alert(1)>",
    "&lt;script&gt;",
    "a|b `c` **d**",
    "'\"",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_outside_is_text_in_a_sentence_and_in_a_table(text: str) -> None:
    escaped = markdown_text(text)
    table = markdown_table([text], [Column("label", markdown_text)])
    for html in (inline_html(f"**{escaped}**"), block_html([table, escaped])):
        tags = set(re.findall(r"<(\w+)", html))
        assert tags <= {"strong", "p", "div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert "href" not in html
        assert "onerror" not in re.sub(r">[^<]*<", "><", html)
    assert inline_html(escaped).unescape() == text


def test_tables_have_a_caption_scopes_and_no_style() -> None:
    numbers = Column[str]("n", lambda _: "1", numeric=True)
    html = block_html(["## About it", markdown_table(["x"], [Column("name", str), numbers])])
    assert "<h3>About it</h3>" in html
    assert '<caption class="unseen">About it</caption>' in html
    assert '<th scope="col">name</th>' in html
    assert '<td class="number">1</td>' in html
    assert "style=" not in html


def test_a_table_without_a_heading_is_named_by_the_caller() -> None:
    html = block_html([markdown_table(["x"], [Column("name", str)])], caption="Unreadable clips")
    assert 'role="region" tabindex="0" aria-label="Unreadable clips"' in html
