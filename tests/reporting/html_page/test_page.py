import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.html_page.page import UAR_MEANING, block_html, inline_html, leaderboard_html, script_json
from benchmark.reporting.markdown import Column, markdown_table
from benchmark.results.leaderboard import Leaderboard
from performance.leaderboard_page import large_leaderboard

ASSETS = resources.files("benchmark.reporting.html_page") / "assets"


class Document(HTMLParser):
    """The parts of a page that matter here."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.policy = ""
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.data: dict[str, Any] = {}
        self._open: tuple[str, dict[str, str | None]] | None = None
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""
        if tag in self.inline:
            self._open, self._text = (tag, attributes), ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._open is None or tag != self._open[0]:
            return
        _, attributes = self._open
        if attributes.get("type") == "application/json":
            self.data[str(attributes["id"])] = json.loads(self._text)
        else:
            self.inline[tag].append(self._text)
        self._open = None


@pytest.fixture(scope="module")
def document(realistic_board: Leaderboard) -> Document:
    return Document(leaderboard_html(realistic_board, Path("reports")))


def test_a_page_of_200_candidates_on_five_corpora_stays_below_3_megabytes() -> None:
    assert len(leaderboard_html(large_leaderboard(), Path("reports")).encode()) < 3_000_000


def test_the_policy_allows_the_pages_own_scripts_and_styles_and_nothing_else(document: Document) -> None:
    rules = {rule.split()[0]: rule.split()[1:] for rule in document.policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    for kind, sources in (("script", rules["script-src"]), ("style", rules["style-src"])):
        digests = [hashlib.sha256(text.encode()).digest() for text in document.inline[kind]]
        assert sources == [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    assert "unsafe" not in document.policy
    assert not re.search(r"https?:", document.policy)


def test_nothing_is_loaded_and_nothing_runs_or_is_styled_in_an_attribute(document: Document) -> None:
    loading = {"script", "link", "img", "iframe", "object", "embed", "audio", "video", "source"}
    for tag, attributes in document.elements:
        assert not (tag in loading and {"src", "href", "data"} & set(attributes)), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)


def test_no_absolute_path_is_in_the_page(realistic_board: Leaderboard) -> None:
    failures = {"firdhokk/whisper": "There is no folder /home/ann/models/gone."}
    board = realistic_board.model_copy(update={"registry": "/home/ann/candidates.yaml", "failures": failures})
    html = leaderboard_html(board, Path("/home/ann/reports"))
    assert "/home" not in html
    assert "There is no folder …/gone." in html


def test_uar_is_explained_where_it_first_stands(realistic_board: Leaderboard) -> None:
    html = leaderboard_html(realistic_board, Path("reports"))
    text = re.sub(r"<[^>]+>", "", html[html.index("<body>") :])
    first = text.index("UAR")
    assert text[first:].startswith(f"UAR ({UAR_MEANING})")


def test_every_candidate_is_in_the_data(document: Document, realistic_board: Leaderboard) -> None:
    names = {row.candidate for row in realistic_board.rows}
    assert names == {candidate["name"] for candidate in document.data["data"]["candidates"]}
    fields, rows = document.data["data"]["fields"], document.data["data"]["rows"]
    assert [row[fields.index("uar")] for row in rows] == [r.uar for r in realistic_board.rows if r.corpus is not None]


def test_no_script_or_style_contains_its_own_end_and_no_script_of_ours_reads_data_as_markup_or_as_code() -> None:
    for folder, tag in (("scripts", "script"), ("styles", "style"), ("vendor", "script")):
        for path in (ASSETS / folder).iterdir():
            content = path.read_text(encoding="utf-8").lower()
            assert [end for end in (f"</{tag}", "<!--") if end in content] == [], path.name
    dangerous = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b\(|new Function|DOMParser")
    for path in (ASSETS / "scripts").iterdir():
        assert not dangerous.findall(path.read_text(encoding="utf-8")), path.name


def test_the_library_in_the_page_is_what_the_pinned_converter_makes() -> None:
    vl_convert = pytest.importorskip("vl_convert", reason="it makes the library anew; pip install -e '.[dev]'")
    made = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # Not `==`, which would print a megabyte.
    same = made == (ASSETS / "vendor" / "vega-embed.js").read_text(encoding="utf-8")
    assert same, "run python -m scripts.vega_bundle"


@pytest.mark.parametrize("text", ["</script>", "<!--", "<![CDATA[", "\u2028", "\u2029", "&lt;", '"\\"'])
def test_no_text_ends_the_script_element_early(text: str) -> None:
    written = script_json({"label": text, text: [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["label"] == text.replace("\u2028", "").replace("\u2029", "")


def test_what_cannot_be_seen_is_left_out_and_what_is_not_finite_is_null() -> None:
    numbers = [float("nan"), float("inf"), 0.1 + 0.2, None, True]
    content = {"a": "\u202egnp\u202c\x1b[31m\x00", "b": numbers, "c": ("x",)}
    assert json.loads(script_json(content)) == {"a": "gnp", "b": [None, None, 0.1 + 0.2, None, True], "c": ["x"]}


def test_what_comes_from_outside_is_text_in_a_sentence_and_in_a_table(hostile: str) -> None:
    escaped = markdown_text(hostile)
    table = markdown_table([hostile], [Column("label", markdown_text)])
    for html in (inline_html(f"**{escaped}**"), block_html([table, escaped])):
        tags = set(re.findall(r"<(\w+)", html))
        assert tags <= {"strong", "p", "div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert "href" not in html
        assert "onerror" not in re.sub(r">[^<]*<", "><", html)
    assert inline_html(escaped).unescape() == plain_text(hostile)


def test_tables_have_a_caption_or_a_name_by_the_caller_and_scopes_and_no_style() -> None:
    numbers = Column[str]("n", lambda _: "1", numeric=True)
    html = block_html(["## About it", markdown_table(["x"], [Column("name", str), numbers])])
    for part in (
        "<h3>About it</h3>",
        '<caption class="unseen">About it</caption>',
        '<th scope="col">name</th>',
        '<td class="number">1</td>',
    ):
        assert part in html
    assert "style=" not in html
    named = block_html([markdown_table(["x"], [Column("name", str)])], caption="Unreadable clips")
    assert 'role="group" tabindex="0" aria-label="Unreadable clips"' in named
