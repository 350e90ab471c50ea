"""`leaderboard.html`: sentences, tables and data in one file that needs nothing else.

Sentences and tables are those of `leaderboard.md`, where what comes from outside is escaped already. Of Markdown only
emphasis, code, lists, headings and tables are read, no link, image or HTML, and the renderer escapes all text.
"""

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from benchmark.reporting.escaping import plain_text
from benchmark.reporting.html_page.page_data import page_data
from benchmark.reporting.html_page.recordings import Recordings, recording_data
from benchmark.reporting.leaderboard_corpora import agreement_section, corpus_description, failed_clips_list
from benchmark.reporting.leaderboard_markdown import (
    answers,
    failures_section,
    further_sections,
    origin,
    request_lines,
    warnings,
)
from benchmark.reporting.leaderboard_tables import evaluated_rows, inference_section
from benchmark.reporting.legend import INTERVALS, legend
from benchmark.reporting.numbers import counted
from benchmark.results.leaderboard import CorpusSummary, Leaderboard
from benchmark.results.runs import RunRecord

_ASSETS = resources.files("benchmark.reporting.html_page") / "assets"
_LIBRARY = "vendor/vega-embed.js"
# In the order in which they use each other.
_SCRIPTS = (
    *("dom", "data", "numbers", "hints", "intervals", "tables", "tabs", "rows", "filters", "point_labels"),
    *("charts", "clips", "candidate", "main"),
)
_STYLES = ("base", "tables", "candidate", "print")
_MARKDOWN_RULES = ("heading", "list", "blockquote", "table", "emphasis", "backticks", "entity", "escape", "newline")
# Inside a script element only these matter: the end of the element, comments, and line ends that JavaScript has and
# JSON has not.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
# Names and labels occur many times.
_plain = lru_cache(maxsize=16_384)(plain_text)


@dataclass(frozen=True, kw_only=True)
class _Inline:
    """A style or a script as it stands in the page, and as the page's policy names it."""

    content: Markup

    @property
    def source(self) -> str:
        digest = hashlib.sha256(self.content.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def leaderboard_html(
    leaderboard: Leaderboard,
    folder: Path,
    *,
    record: RunRecord | None = None,
    recordings: Recordings | None = None,
) -> str:
    """Write a run as a page to look at, sort, filter and listen to.

    Args:
        leaderboard: The scored run.
        folder: Where the page will lie, for the links to recordings.
        record: The run, which holds the evidence of the verdicts; without it the page shows what the rows tell.
        recordings: Where audio comes from, and how much of it is embedded; by default nowhere, and none.

    Returns:
        An HTML document that needs no other file but the recordings it links to.
    """
    scripts = [_asset(_LIBRARY), *(_asset(f"scripts/{name}.js") for name in _SCRIPTS)]
    styles = [_asset(f"styles/{name}.css") for name in _STYLES]
    audio = recording_data(leaderboard, recordings or Recordings(), folder)
    return _template().render(
        scripts=scripts,
        styles=styles,
        policy=_policy(scripts, styles),
        data=script_json(page_data(leaderboard, record)),
        # Addresses are ASCII; what `script_json` does to texts would take long for megabytes of audio.
        recordings=Markup(json.dumps(audio).replace("<", "\\u003c")),  # noqa: S704 - no `<` is left
        licences=_asset("vendor/LICENCES.txt").content,
        **_sentences(leaderboard, audio),
    )


def inline_html(text: str) -> Markup:
    """Write one line of Markdown as HTML, without a paragraph around it.

    Examples:
        >>> print(inline_html("**a** &lt;script&gt; [x](javascript:y)"))
        <strong>a</strong> &lt;script&gt; [x](javascript:y)
    """
    return Markup(_renderer().renderInline(text))  # noqa: S704 - markdown-it escapes all text


def block_html(blocks: Sequence[str], *, caption: str = "", deeper: int = 1) -> Markup:
    """Write blocks of Markdown as HTML.

    Args:
        blocks: Markdown, with everything from outside escaped.
        caption: Of tables without a heading before them.
        deeper: By how many levels headings are moved down.

    Returns:
        HTML without the style attributes that the page's policy forbids.

    Examples:
        >>> print(block_html(["## A", "Some *text*."]), end="")
        <h3>A</h3>
        <p>Some <em>text</em>.</p>
    """
    renderer = _renderer()
    tokens = renderer.parse("\n\n".join(block for block in blocks if block))
    accessible = list(_accessible(tokens, caption, deeper))
    return Markup(renderer.renderer.render(accessible, renderer.options, {}))  # noqa: S704 - the same


def script_json(content: Mapping[str, Any]) -> Markup:
    r"""Write data for a script element of the type `application/json`.

    Every text is reduced to what can be seen of it; what is not finite is null. Numbers are whole: what is rounded
    twice can come out differently from what other reports say.

    Examples:
        >>> print(script_json({"label": "</script>\u202e", "uar": 0.25, "ece": float("nan")}))
        {"label":"\u003c/script\u003e","uar":0.25,"ece":null}
    """
    document = json.dumps(_presentable(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(document.translate(_ESCAPES))  # noqa: S704 - escaped here


def _sentences(leaderboard: Leaderboard, audio: list[dict[str, Any]]) -> dict[str, Any]:
    rows = evaluated_rows(leaderboard)
    sections = [*further_sections(leaderboard), inference_section(leaderboard)]
    return {
        "registry": leaderboard.registry,
        "candidates": counted(len({row.candidate for row in leaderboard.rows}), "candidate"),
        "corpora": counted(len(leaderboard.corpora), "corpus", "corpora"),
        "answers": [inline_html(answer) for answer in answers(leaderboard)],
        "warnings": [inline_html(warning) for warning in warnings(leaderboard)],
        "origin": inline_html(" ".join([origin(leaderboard), *request_lines(leaderboard)])),
        "about": [_about(corpus, leaderboard) for corpus in leaderboard.corpora],
        "further": [block_html(section, deeper=0) for section in sections if section],
        "failures": block_html(failures_section(leaderboard), deeper=0),
        "legend": block_html(legend(rows)[1:]),
        "intervals": [kind.name for name, kind in INTERVALS.items() if any(row.interval == name for row in rows)],
        "embedded": sum(is_embedded for corpus in audio for _, is_embedded, _ in corpus["recordings"]),
    }


def _about(corpus: CorpusSummary, leaderboard: Leaderboard) -> dict[str, Any]:
    rows = [row for row in leaderboard.rows if row.corpus == corpus.name]
    description = [*corpus_description(corpus, rows), *failed_clips_list(leaderboard, corpus.name)]
    agreement = [
        block
        for agreement in leaderboard.agreements
        if agreement.corpus == corpus.name
        for block in agreement_section(agreement)
    ]
    return {
        "name": corpus.name,
        "description": block_html(description, caption="Clips that failed"),
        "agreement": block_html(agreement, caption="How far the candidates agree"),
    }


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False}).enable(list(_MARKDOWN_RULES))


def _accessible(tokens: Sequence[Token], caption: str, deeper: int) -> Iterator[Token]:
    """Give tables a caption, scopes, and a frame that scrolls; and numbers a class instead of a style."""
    about = inline_html(caption)
    for index, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + deeper, 6)}"
        if token.type == "heading_open":
            about = inline_html(tokens[index + 1].content)
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


def _presentable(value: Any) -> Any:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_plain(str(key)): _presentable(member) for key, member in value.items()}
    return [_presentable(member) for member in value] if isinstance(value, list | tuple) else value


def _policy(scripts: list[_Inline], styles: list[_Inline]) -> str:
    """Run these scripts and no others, fetch nothing, and play nothing but what the page holds or files beside it."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(script.source for script in scripts)}",
            f"style-src {' '.join(style.source for style in styles)}",
            "img-src data:",
            "media-src 'self' data: file:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


@cache
def _asset(name: str) -> _Inline:
    # The files are ours, and hold no end of a script or style element; a test holds that.
    return _Inline(content=Markup(_ASSETS.joinpath(name).read_text(encoding="utf-8")))  # noqa: S704


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(_ASSETS.joinpath("page.html.j2").read_text(encoding="utf-8"))
