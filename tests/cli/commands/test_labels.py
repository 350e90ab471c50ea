import json
from pathlib import Path

import pytest

from tests.support.command_line import Bench, failure
from tests.support.tiny_models import write_tiny


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


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ('{"id2label": {"0": "sad"}}', "its config.json names no model type"),
        ("[]", "its config.json cannot be used (it is no JSON object but an array)"),
        ('{"model_type": "hubert",}', "its config.json cannot be used (it is not JSON"),
        ('{"model_type": "hubert", "id2label": {"sad": 0}}', "its id2label does not lead from numbers to names"),
        ('{"model_type": "hubert", "id2label": {}}', "its config.json says that it has no outputs"),
    ],
)
def test_a_model_without_labels_is_one_line_that_says_why(bench: Bench, tmp_path: Path, config: str, why: str) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(config, encoding="utf-8")
    assert why in failure(bench("labels", "./model"))


def test_a_folder_of_weights_without_a_configuration_is_taken_for_a_model(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_model.safetensors").touch()
    assert "adapter has no labels: it has no config.json" in failure(bench("labels", "./adapter"))


def test_an_unreachable_hub_is_exit_3(bench: Bench) -> None:
    failure(bench("labels", "some-org/some-model", "--candidates", "demo"), 3)


def test_labels_of_a_corpus_are_shown_with_their_clips(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("file,label\na.wav,분노\nb.wav,angry\nc.wav,x1\nd.wav,\n", encoding="utf-8")
    ended = bench("labels", "table:clips.csv", "--candidates", "demo", "--json")
    (labels,) = json.loads(ended.stdout).values()
    assert [(row["label"], row["emotion"], row["class"], row["clips"]) for row in labels] == [
        ("angry", "anger", 0, 1),
        ("x1", None, None, 1),
        ("분노", "anger", 0, 1),
    ]
    shown = bench("labels", "table:clips.csv", "--candidates", "demo").stdout
    assert "1 clip without a label" in shown


def test_a_template_holds_the_unmapped_labels_and_works_once_it_is_filled_in(bench: Bench, tmp_path: Path) -> None:
    write_tiny("hubert", tmp_path / "model", labels=("angry", "sad", "상황1"))
    (tmp_path / "clips.csv").write_text("file,label\na.wav,x1\nb.wav,angry\n", encoding="utf-8")
    ended = bench("labels", "./model", "table:clips.csv", "--candidates", "demo", "--edit-template", "mine.yaml")
    assert ended.returncode == 0, ended.stderr
    written = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    waiting = [line.strip() for line in written.splitlines() if ":  #" in line]
    assert waiting == ['"상황1":  # output 2', '"x1":  # 1 clip']
    (tmp_path / "mine.yaml").write_text(written.replace(":  #", ": fear  #"), encoding="utf-8")
    content = json.loads(bench("labels", "model", "clips", "--candidates", "mine.yaml", "--json").stdout)
    emotions = {row["label"]: row["emotion"] for labels in content.values() for row in labels}
    assert emotions == {"angry": "anger", "sad": "sadness", "상황1": "fear", "x1": "fear"}


def test_a_template_never_replaces_a_file_that_somebody_may_have_filled_in(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("file,label\na.wav,x1\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("precious", encoding="utf-8")
    failure(bench("labels", "table:clips.csv", "--candidates", "demo", "--edit-template", "mine.yaml"))
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "precious"


def test_a_preset_is_shown_by_its_name_and_applied_to_models(bench: Bench) -> None:
    assert "excitement" in bench("labels", "--merge-preset", "sentiment").stdout
    ended = bench("labels", "hubert-german", "--candidates", "demo", "--merge-preset", "arousal", "--json")
    (labels,) = json.loads(ended.stdout).values()
    assert {row["emotion"] for row in labels} == {"activated", "deactivated"}
    assert {row["class"] for row in labels} == {0, 1}


def test_a_corpus_without_labels_is_one_line_that_says_so(bench: Bench) -> None:
    ended = bench("labels", "demo:unlabelled")
    assert ended.returncode == 0, ended.stderr
    (line,) = ended.stdout.splitlines()
    assert line.startswith("demo-unlabelled: no labels, ")
