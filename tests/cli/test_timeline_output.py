from pathlib import Path

import pytest

from benchmark.cli.timeline_output import chosen_output
from benchmark.errors import RequestError
from tests.support.timelines import timeline, timelines

ANGRY = (0.8, 0.2, 0.0)


def test_label_tracks_in_a_folder_have_names_of_their_own(tmp_path: Path) -> None:
    wanted = chosen_output(tmp_path / "tracks", "audacity", as_json=False)
    calls = [timeline([ANGRY], recording=name) for name in ("x/call.wav", "y/call.wav", "call.wav#left", "../..wav")]
    wanted.write(timelines(*calls, timeline([])), quiet=True)
    names = sorted(path.name for path in (tmp_path / "tracks").iterdir())
    assert names == ["call-2.txt", "call-left.txt", "call.txt", "predictions.txt"]
    assert (tmp_path / "tracks" / "call.txt").read_text() == "0.000000\t3.000000\tanger 0.80\n"


def test_the_tracks_of_several_models_are_named_after_both(tmp_path: Path) -> None:
    wanted = chosen_output(tmp_path, "audacity", as_json=False)
    wanted.write(timelines(timeline([ANGRY], model="org/a"), timeline([ANGRY], model="b")), quiet=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["call.b.txt", "call.org-a.txt"]


@pytest.mark.parametrize(("name", "form"), [("a.csv", "csv"), ("a.JSON", "json"), ("a.txt", "audacity")])
def test_the_form_is_told_by_the_files_name(name: str, form: str) -> None:
    assert chosen_output(Path(name), None, as_json=False).form == form


def test_one_file_cannot_hold_two_tracks(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="-o FOLDER"):
        chosen_output(tmp_path / "a.txt", None, as_json=False).check(several=True)
