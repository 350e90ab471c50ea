"""Data inside a script element."""

import json

import pytest

from benchmark.reporting.html_page.plain_data import script_json

ENDINGS = ("</script>", "</SCRIPT >", "<!--", "<![CDATA[", "\u2028", "\u2029", "&lt;", '"\\"')


@pytest.mark.parametrize("text", ENDINGS)
def test_no_text_ends_the_script_element_early(text: str) -> None:
    written = script_json({"label": text, text: [text]})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["label"] == text.replace("\u2028", "").replace("\u2029", "")


def test_what_cannot_be_seen_is_left_out_and_what_is_not_finite_is_null() -> None:
    content = {
        "a": "\u202egnp\u202c\x1b[31m\x00",
        "b": [float("nan"), float("inf"), 0.1 + 0.2, None, True],
        "c": ("x",),
    }
    assert json.loads(script_json(content)) == {"a": "gnp", "b": [None, None, 0.1 + 0.2, None, True], "c": ["x"]}
