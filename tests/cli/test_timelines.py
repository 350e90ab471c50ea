import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from benchmark.cli.timelines import print_timeline, timeline_file
from benchmark.errors import RequestError
from benchmark.results.timelines import Timeline, Turn
from tests.support.timelines import timeline, timelines

ANGRY, HAPPY = (0.8, 0.2, 0.0), (0.1, 0.6, 0.3)


def drawn(shown: Timeline, *, width: int = 80, encoding: str = "utf-8", terminal: bool = False) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
    console = Console(file=file, width=width, force_terminal=terminal, color_system="standard" if terminal else None)
    print_timeline(console, shown, all_stretches=False)
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_row_is_wider_than_the_terminal_and_every_emotion_has_its_share(width: int) -> None:
    lines = drawn(timeline([ANGRY] * 50 + [HAPPY] * 50), width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    rows = {line.split()[0]: line for line in lines if line.endswith("%") and "–" not in line}
    assert {name: line.split()[-1] for name, line in rows.items()} == {
        "anger": "45%",
        "happiness": "40%",
        "neutral": "15%",
    }


def test_the_row_is_high_where_the_emotion_is_probable() -> None:
    rows = drawn(timeline([(1.0, 0.0, 0.0)] * 50 + [(0.0, 1.0, 0.0)] * 50)).splitlines()
    cells = rows[1].partition("▕")[2].partition("▏")[0]
    half = len(cells) // 2
    assert set(cells[: half - 1]) == {"█"}
    assert set(cells[half + 1 :]) == {" "}


def test_an_encoding_without_blocks_gets_characters_that_it_has() -> None:
    text = drawn(timeline([ANGRY, HAPPY]), encoding="ascii")
    assert "anger     [***" in text
    assert "happiness [" in text


def test_escape_sequences_are_only_of_colour() -> None:
    assert "\x1b" not in drawn(timeline([ANGRY, HAPPY]))
    assert "\x1b[" in drawn(timeline([ANGRY, HAPPY]), terminal=True)
    hostile = drawn(timeline([ANGRY], recording="\x1b[2J[red]a.wav"))
    assert "\x1b" not in hostile
    assert "[red]a.wav" in hostile


def test_a_long_list_of_stretches_is_cut_for_people() -> None:
    assert "and 80 more stretches" in drawn(timeline([ANGRY, HAPPY] * 50))


def test_label_tracks_in_a_folder_have_names_of_their_own(tmp_path: Path) -> None:
    recordings = ("x/call.wav", "y/call.wav", "call.wav#left", "../..wav")
    tracks = [timeline([ANGRY], recording=name) for name in recordings]
    timeline_file(tmp_path / "tracks", "audacity", as_json=False).write(timelines(*tracks, timeline([])), quiet=True)
    names = sorted(path.name for path in (tmp_path / "tracks").iterdir())
    assert names == ["call-2.txt", "call-left.txt", "call.txt", "predictions.txt"]
    assert (tmp_path / "tracks" / "call.txt").read_text() == "0.000000\t3.000000\tanger 0.80\n"
    models = timelines(timeline([ANGRY], model="org/a"), timeline([ANGRY], model="b"))
    timeline_file(tmp_path / "models", "audacity", as_json=False).write(models, quiet=True)
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["call.b.txt", "call.org-a.txt"]


@pytest.mark.parametrize(("name", "form"), [("a.csv", "csv"), ("a.JSON", "json"), ("a.txt", "audacity")])
def test_the_form_is_told_by_the_files_name(name: str, form: str) -> None:
    assert timeline_file(Path(name), None, as_json=False).form == form


def test_one_file_cannot_hold_two_tracks(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="-o FOLDER"):
        timeline_file(tmp_path / "a.txt", None, as_json=False).check(several=True)


def test_a_short_recording_and_a_turn_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    anna = Turn(row=1, start_s=70, end_s=73, speaker="anna")
    parts = [timeline([ANGRY], recording="a.wav"), timeline([HAPPY], turn=anna)]
    timeline_file(None, None, as_json=False).write(timelines(*parts), quiet=True)
    assert capsys.readouterr().out.splitlines() == [
        "a.wav · anger 80% of 0:03.0",
        "call.wav · happiness 60% of 0:03.0",
        "call.wav · 1:10.0–1:13.0 · anna · happiness 60%",
    ]


def test_rows_choose_between_windows_and_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = timelines(timeline([ANGRY, HAPPY]))
    timeline_file(None, None, as_json=False, rows="recordings").write(content, quiet=True)
    assert capsys.readouterr().out == "call.wav · anger 45% of 0:04.0\n"
    timeline_file(tmp_path / "all", "csv", as_json=False).write(content, quiet=True)
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["predictions.csv", "recordings.csv"]
    timeline_file(tmp_path / "a.csv", None, as_json=False, rows="recordings").write(content, quiet=True)
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "all" / "recordings.csv").read_text()
    with pytest.raises(RequestError, match="--rows windows is about charts and CSV"):
        timeline_file(None, None, as_json=True, rows="windows")
