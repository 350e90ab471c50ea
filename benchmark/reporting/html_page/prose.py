"""The sentences and tables of `leaderboard.md` as HTML, so that both say the same in the same words.

What comes from outside is escaped in the Markdown already. Here no link, image or markup of HTML is read, only
emphasis, code, lists, headings and tables, and the renderer escapes whatever is text.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

_READ = ("heading", "list", "blockquote", "table", "emphasis", "backticks", "entity", "escape", "newline")


def inline_html(text: str) -> Markup:
    """Write one line of Markdown as HTML, without a paragraph around it.

    Args:
        text: Markdown, with everything from outside escaped.

    Returns:
        HTML that is safe in an element.

    Examples:
        >>> print(inline_html("**a** &lt;script&gt; [x](javascript:y)"))
        <strong>a</strong> &lt;script&gt; [x](javascript:y)
    """
    return Markup(_renderer().renderInline(text))  # noqa: S704 - markdown-it escapes all text


def block_html(blocks: Sequence[str], *, caption: str = "", deeper: int = 1) -> Markup:
    """Write blocks of Markdown as HTML.

    Args:
        blocks: Markdown, with everything from outside escaped.
        caption: What those tables are about that no heading stands before.
        deeper: By how many levels headings are moved down.

    Returns:
        HTML that is safe in an element, without the style attributes that the page's policy forbids.

    Examples:
        >>> print(block_html(["## A", "Some *text*."]), end="")
        <h3>A</h3>
        <p>Some <em>text</em>.</p>
    """
    renderer = _renderer()
    tokens = renderer.parse("\n\n".join(block for block in blocks if block))
    accessible = list(_accessible(tokens, caption, deeper))
    return Markup(renderer.renderer.render(accessible, renderer.options, {}))  # noqa: S704 - the same


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False}).enable(list(_READ))


def _accessible(tokens: Sequence[Token], caption: str, deeper: int) -> Iterator[Token]:
    """Give tables a caption, scopes, and a frame that scrolls; and numbers a class instead of a style."""
    about = inline_html(caption)
    for place, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + deeper, 6)}"
        if token.type == "heading_open":
            about = inline_html(tokens[place + 1].content)
        if token.type == "table_open":
            label = escape(about.striptags())
            yield _html(f'<div class="scrolling" role="region" tabindex="0" aria-label="{label}">')
            yield token
            yield _html(f'<caption class="unseen">{about}</caption>')
            continue
        if token.type in {"th_open", "td_open"}:
            if "right" in str(token.attrs.pop("style", "")):
                token.attrSet("class", "number")
            if token.type == "th_open":
                token.attrSet("scope", "col")
        yield token
        if token.type == "table_close":
            yield _html("</div>\n")


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
