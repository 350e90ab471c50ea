import io
from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from rich.console import Console

from benchmark.cli.tables import Column, print_table

COLUMNS: list[Column | str] = [Column("rank", number=True), "candidate", "UAR", "flags"]
ROWS = [
    ("1", "some-org/some-long-model-name", "0.50 [0.36–0.65]", "few-speakers seen"),
    ("", "other", "", "at-chance label-permuted collapsed text-tied"),
]


def printed(width: int, encoding: str = "utf-8", rows: Sequence[tuple[str, ...]] = ROWS) -> str:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding=encoding, errors="strict"), width=width, highlight=False)
    print_table(COLUMNS, rows, title="A title", console=console)
    console.file.flush()
    return raw.getvalue().decode(encoding)


def test_a_row_is_a_line_where_there_is_room_and_no_line_ends_in_spaces() -> None:
    lines = printed(2_000).splitlines()
    assert lines[0] == "A title"
    assert lines[1].split() == ["rank", "candidate", "UAR", "flags"]
    assert len(lines) == 6
    assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [40, 60])
def test_in_a_narrow_window_each_row_is_some_lines_and_no_word_is_broken(width: int) -> None:
    text = printed(width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "some-org/some-long-model-name\n" in text
    assert "  rank: 1\n" in text
    assert "  UAR: 0.50 [0.36–0.65]\n" in text
    # The second has no rank and no score, and says nothing of them.
    assert text.count("UAR") == 1


def test_a_window_that_is_just_wide_enough_keeps_numbers_whole() -> None:
    text = printed(80)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "[0.36–0.65]" in text


def test_an_encoding_without_dashes_gets_ones_that_it_has() -> None:
    assert "[0.36-0.65]" in printed(2_000, "ascii")


def test_a_column_that_is_empty_in_all_rows_is_left_out() -> None:
    assert "flags" not in printed(80, rows=[("1", "a", "0.5", "")])
