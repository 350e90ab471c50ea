import json
from pathlib import Path

from tests.cli.conftest import Bench
from tests.support.tiny_models import edit_json, write_tiny


def test_each_label_is_shown_with_what_it_means_and_its_class(bench: Bench) -> None:
    ended = bench("labels", "hubert-german", "--candidates", "demo", "--json")
    assert ended.returncode == 0, ended.stderr
    (labels,) = json.loads(ended.stdout).values()
    assert {entry["emotion"] for entry in labels} == {
        *("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    }
    assert sorted(entry["class"] for entry in labels) == list(range(7))


def test_a_label_that_maps_to_nothing_is_shown_and_never_guessed(bench: Bench, tmp_path: Path) -> None:
    write_tiny("hubert", tmp_path / "model", labels=("angry", "sad", "angry music"))
    ended = bench("labels", "./model")
    assert ended.returncode == 0, ended.stderr
    assert "unmapped" in ended.stdout
    assert "angry music" in ended.stdout


def test_a_model_without_labels_is_one_line(bench: Bench, tmp_path: Path) -> None:
    write_tiny("hubert", tmp_path / "model")
    edit_json(tmp_path / "model" / "config.json", model_type=None)
    ended = bench("labels", "./model")
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1


def test_an_unreachable_hub_is_exit_3(bench: Bench) -> None:
    ended = bench("labels", "some-org/some-model", "--candidates", "demo")
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
