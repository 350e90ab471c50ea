import json
import unicodedata

import pytest
from markdown_it import MarkdownIt

from benchmark.reporting.escaping import csv_text, json_text, markdown_text, plain_text, without_folders
from benchmark.reporting.markdown import Column, bullets, document, markdown_table

_RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _rendered_texts(markdown: str) -> list[str]:
    """Give the text of each cell or item; fails where rendering makes anything but text of one."""
    blocks = [token.children or [] for token in _RENDERER.parse(markdown) if token.type == "inline"]
    assert {child.type for children in blocks for child in children} <= {"text", "text_special", "softbreak"}
    return ["".join(child.content for child in children) for children in blocks]


def test_plain_text_is_one_line_without_anything_invisible(hostile: str) -> None:
    text = plain_text(hostile)
    assert len(text.splitlines()) <= 1
    assert not [character for character in text if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\x1b[2J\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;new title\x07seen", "seen"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mC1", "C1"),
        ("\x1bPdevice\x1b\\seen", "seen"),
        ("\x1b", ""),
        ("a\tb\r\nc\u2028d\u00a0e", "a b c d e"),
        ("abc\u202edef", "abcdef"),
        ("\u200b\u2060\ufeff\u00ad", ""),
        ("\ud800lone", "lone"),
        ("분노 · ärgerlich · злость", "분노 · ärgerlich · злость"),
        ("می‌شود", "می‌شود"),  # Persian is misspelt without its joiner
        ("a\u200cb", "ab"),
        ("[bold]rich[/bold]", "[bold]rich[/bold]"),
    ],
)
def test_plain_text_keeps_what_can_be_seen(text: str, expected: str) -> None:
    assert plain_text(text) == expected


def test_markdown_shows_exactly_what_can_be_seen_in_a_table_and_in_a_list(hostile: str) -> None:
    table = markdown_table([hostile], [Column("label", markdown_text), Column("n", lambda row: "1")])
    assert len(table.splitlines()) == 3
    assert _rendered_texts(table) == ["label", "n", plain_text(hostile), "1"]
    assert _rendered_texts(document([bullets([markdown_text(hostile)])])) == [plain_text(hostile)]
    assert "<" not in markdown_text(hostile)


@pytest.mark.parametrize(
    "text", ["DunnBC22/wav2vec2-base-Speech_Emotion_Recognition", "logs/superb__wav2vec2.log", "-x", "3.11.2", "v1.0"]
)
def test_names_without_markup_stay_as_they_are_for_who_reads_the_source(text: str) -> None:
    assert markdown_text(text) == text


@pytest.mark.parametrize("text", ["# a", "- a", "+ a", "1. a", "12) a", "===", "---", "> a", "-", "_a_", "__a__"])
def test_nothing_at_the_beginning_of_a_line_makes_a_block(text: str) -> None:
    assert _rendered_texts(f"before\n\n{markdown_text(text)}\n") == ["before", text]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\x00=", "\u200b@", "\uff1d", "\ufeff+"])
def test_no_cell_runs_as_a_formula(start: str) -> None:
    assert csv_text(f"{start}1+1").startswith("'")


@pytest.mark.parametrize("text", ["a=b", "5-9", "", "'quoted'", "불안"])
def test_harmless_cells_stay_as_they_are(text: str) -> None:
    assert csv_text(text) == text


def test_json_means_the_same_and_shows_nothing_hidden(hostile: str) -> None:
    text = json_text(json.dumps({hostile: [hostile]}, ensure_ascii=False))
    assert json.loads(text) == {hostile: [hostile]}
    assert plain_text(text.replace("  ", " ")) == text.replace("  ", " ")


@pytest.mark.parametrize(
    "text", ["</title><script>x</script>", "N/A/B", "~/a/b", "../a/b", "https://host/a/b", "a / b / c"]
)
def test_only_absolute_paths_lose_their_folders(text: str) -> None:
    assert without_folders(text) == text
    assert without_folders(markdown_text(text)) == markdown_text(text)
