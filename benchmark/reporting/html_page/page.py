"""`leaderboard.html`: sentences, tables and data in one file that loads no other.

Sentences and tables are those of `leaderboard.md`, in which text from outside is escaped. The renderer knows emphasis,
code, lists, headings and tables, no link, image or HTML, and escapes all text.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from benchmark.reporting.citation import bibtex, citation_section
from benchmark.reporting.csv_and_json import finite
from benchmark.reporting.escaping import plain_text, without_folders
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
from benchmark.reporting.leaderboard_tables import INTERVALS, evaluated_rows, inference_section, legend
from benchmark.reporting.markdown import joined
from benchmark.reporting.numbers import counted
from benchmark.results.leaderboard import CorpusSummary, Leaderboard
from benchmark.results.runs import RunRecord

_ASSETS = resources.files("benchmark.reporting.html_page") / "assets"
_LIBRARY = "vendor/vega-embed.js"
# In the order of their dependencies.
_SCRIPTS = (
    *("dom", "data", "address", "contents", "numbers", "hints", "intervals", "copying", "tables", "tabs", "rows"),
    *("filters", "point_labels", "charts", "clips", "clip_browser", "comparison", "candidate", "main"),
)
_STYLES = ("base", "tables", "candidate", "print")
_MARKDOWN_RULES = ("heading", "list", "blockquote", "table", "emphasis", "backticks", "entity", "escape", "newline")
# These matter inside a script element: its end, comments, and line ends of JavaScript that are none in JSON.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
UAR_MEANING = "how often it is right, every emotion counting the same"
_UAR = re.compile(r"(?<![\w*-])UAR(?![\w*-])")


@lru_cache(maxsize=16_384)  # names and labels occur many times
def _plain(text: str) -> str:
    return plain_text(without_folders(text))


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
        folder: The folder of the page, for relative links to recordings.
        record: The run, for the evidence of the verdicts; without it the page has no evidence.
        recordings: The audio of the clips, and how much of it is embedded; by default none.

    Returns:
        An HTML document that loads nothing but the recordings it links to.
    """
    scripts = [asset(_LIBRARY), *(asset(f"scripts/{name}.js") for name in _SCRIPTS)]
    styles = [asset(f"styles/{name}.css") for name in _STYLES]
    audio = recording_data(leaderboard, recordings or Recordings(), folder)
    return _template().render(
        scripts=scripts,
        styles=styles,
        policy=policy(scripts, styles),
        data=script_json(page_data(leaderboard, record)),
        # Addresses are ASCII; what `script_json` does to texts would take long for megabytes of audio.
        recordings=Markup(json.dumps(audio).replace("<", "\\u003c")),  # noqa: S704 - no `<` is left
        licences=asset("vendor/LICENCES.txt"),
        **_sentences(leaderboard, audio),
    )


def inline_html(text: str) -> Markup:
    """Write one line of Markdown as HTML, without a paragraph around it.

    Examples:
        >>> print(inline_html("**a** &lt;script&gt; [x](javascript:y)"))
        <strong>a</strong> &lt;script&gt; [x](javascript:y)
    """
    return Markup(_renderer().renderInline(without_folders(text)))  # noqa: S704 - markdown-it escapes all text


def block_html(blocks: Sequence[str], *, caption: str = "", deeper: int = 1) -> Markup:
    """Write blocks of Markdown as HTML.

    Args:
        blocks: Markdown, with everything from outside escaped.
        caption: The caption of tables without a heading before them.
        deeper: By how many levels headings are moved down.

    Returns:
        HTML without style attributes, which the page's policy forbids.

    Examples:
        >>> print(block_html(["## A", "Some *text*."]), end="")
        <h3>A</h3>
        <p>Some <em>text</em>.</p>
    """
    renderer = _renderer()
    tokens = renderer.parse(without_folders(joined(blocks)))
    accessible = list(_accessible(tokens, caption, deeper))
    return Markup(renderer.renderer.render(accessible, renderer.options, {}))  # noqa: S704 - the same


def script_json(content: Mapping[str, Any]) -> Markup:
    r"""Write data for a script element of the type `application/json`.

    Texts are reduced to their visible characters; what is not finite is null. Numbers are not rounded, so that the page
    rounds them as the other reports do.

    Examples:
        >>> print(script_json({"label": "</script>\u202e", "uar": 0.25, "ece": float("nan")}))
        {"label":"\u003c/script\u003e","uar":0.25,"ece":null}
    """
    document = json.dumps(finite(content, _plain), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(document.translate(_ESCAPES))  # noqa: S704 - escaped here


def _sentences(leaderboard: Leaderboard, audio: list[dict[str, Any]]) -> dict[str, Any]:
    rows = evaluated_rows(leaderboard)
    sections = [*further_sections(leaderboard), inference_section(leaderboard)]
    return {
        "registry": without_folders(leaderboard.registry),
        "candidates": counted(len({row.candidate for row in leaderboard.rows}), "candidate"),
        "corpora": counted(len(leaderboard.corpora), "corpus", "corpora"),
        "answers": [inline_html(answer) for answer in _with_meaning_of_uar(answers(leaderboard))],
        "warnings": [inline_html(warning) for warning in warnings(leaderboard)],
        "origin": inline_html(" ".join([origin(leaderboard), *request_lines(leaderboard)])),
        "about": [_about(corpus, leaderboard) for corpus in leaderboard.corpora],
        "further": [fold for section in sections for fold in _folds(section)],
        "failures": _folds(failures_section(leaderboard)),
        "legend": block_html(legend(rows)[1:]),
        "cite": _folds(citation_section(leaderboard)),
        "bibtex": bibtex(leaderboard),
        "intervals": [
            f"{kind.name} (hatched)" if kind.at_least else kind.name
            for name, kind in INTERVALS.items()
            if any(row.interval == name for row in rows)
        ],
        "embedded": sum(is_embedded for corpus in audio for _, is_embedded, _ in corpus["recordings"]),
    }


def _with_meaning_of_uar(sentences: Sequence[str]) -> list[str]:
    """Explain UAR where it first occurs."""
    first = next((place for place, sentence in enumerate(sentences) if _UAR.search(sentence)), None)
    return [
        _UAR.sub(f"UAR ({UAR_MEANING})", sentence, count=1) if place == first else sentence
        for place, sentence in enumerate(sentences)
    ]


def _folds(blocks: Sequence[str]) -> list[tuple[Markup, Markup]]:
    """The titles of the sections in blocks of Markdown, each with what stands below it."""
    sections = re.split(r"^## ", joined(blocks), flags=re.MULTILINE)[1:]
    parts = [section.partition("\n") for section in sections]
    return [(inline_html(title), block_html([body.strip()], caption=title, deeper=0)) for title, _, body in parts]


def _about(corpus: CorpusSummary, leaderboard: Leaderboard) -> dict[str, Any]:
    rows = [row for row in leaderboard.rows if row.corpus == corpus.name]
    description = [*corpus_description(corpus, rows), *failed_clips_list(leaderboard, corpus.name)]
    agreement = agreement_section(leaderboard, corpus.name)
    return {
        "name": corpus.name,
        "description": block_html(description, caption="Clips that failed"),
        "agreement": block_html(agreement, caption="How far the candidates agree"),
    }


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False}).enable(list(_MARKDOWN_RULES))


def _accessible(tokens: Sequence[Token], caption: str, deeper: int) -> Iterator[Token]:
    """Give tables a caption, scopes and a scrollable frame, and numbers a class instead of a style."""
    about = inline_html(caption)
    for index, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + deeper, 6)}"
        if token.type == "heading_open":
            about = inline_html(tokens[index + 1].content)
        if token.type == "table_open":
            label = escape(about.striptags())
            yield _html(f'<div class="scrolling" role="group" tabindex="0" aria-label="{label}">')
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


def policy(scripts: Sequence[Markup], styles: Sequence[Markup]) -> str:
    """The policy of a page: these scripts and styles by their hashes, audio in the page and in files, and no more."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, scripts))}",
            f"style-src {' '.join(map(_digest, styles))}",
            "img-src data:",
            "media-src 'self' data: file:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


@cache
def _digest(content: Markup) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def asset(name: str) -> Markup:
    """The text of a packaged script or style."""
    # The files are ours, and contain no end of a script or style element, as a test checks.
    return Markup(_ASSETS.joinpath(name).read_text(encoding="utf-8"))  # noqa: S704


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(_ASSETS.joinpath("page.html.j2").read_text(encoding="utf-8"))
