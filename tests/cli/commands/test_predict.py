import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.demo.files import demo_clips
from tests.support.command_line import Bench, bench_here, failure, run_bench

MODEL = "wav2vec2-english"
EMOTIONS = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
DEMO = ("--candidates", "demo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with two recordings and one that is no audio, in which the models have been verified."""
    folder = tmp_path_factory.mktemp("predict")
    clips = list(demo_clips())
    for name, some in (("a", clips[:3]), ("b", clips[40:42])):
        soundfile.write(folder / f"{name}.flac", np.concatenate([clip.waveform().samples for clip in some]), 16_000)
    (folder / "text.wav").write_text("no audio")
    return folder


def test_one_model_and_one_recording_are_a_chart_and_a_caution(folder: Path) -> None:
    ended = run_bench("predict", *DEMO, MODEL, "a.flac", folder=folder)
    assert ended.returncode == 0, ended.stderr
    first, *rows = ended.stdout.splitlines()
    assert first == f"a.flac  ·  {MODEL}".replace("  ", " ")
    assert [row.split()[0] for row in rows[:7]] == EMOTIONS
    assert "\x1b" not in ended.stdout
    assert "not calibrated" in ended.stderr


def test_several_models_and_a_bad_recording_are_exit_1_with_the_rest_in_the_table(folder: Path) -> None:
    ended = bench_here(
        *("predict", *DEMO, "-m", MODEL, "-m", "wav2vec2-foreign-head", "a.flac", "text.wav", "-o", "out/all.csv"),
        folder=folder,
    )
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    rows = list(csv.DictReader((folder / "out" / "all.csv").open()))
    assert {(row["recording"], row["model"]) for row in rows} == {
        ("a.flac", MODEL),
        ("a.flac", "wav2vec2-foreign-head"),
    }
    assert "Error: text.wav: It is not audio" in ended.stderr
    assert "wav2vec2-foreign-head is repaired" in ended.stderr


def test_json_is_data_and_nothing_else(folder: Path) -> None:
    ended = bench_here("predict", *DEMO, MODEL, "a.flac", "--json", "--hop", 2, folder=folder)
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    assert content["timelines"][0]["hop_s"] == 2
    assert content["timelines"][0]["model"] == MODEL


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.wav"], "Which recording?"),
        ([__file__], "Which model?"),
        ([MODEL, "a.wav", "b.wav", "--format", "audacity"], "-o FOLDER"),
        ([MODEL, "a.wav", "--json", "--format", "csv"], "contradict"),
        ([MODEL, "a.wav", "-o", "out"], "--format"),
        ([MODEL, "~no-such-user/a.wav"], "no recording ~no-such-user/a.wav"),
        (["~no-such-user/model"], "Which recording?"),
        ([MODEL, ""], "is empty"),
    ],
)
def test_a_wrong_request_is_one_sentence(bench: Bench, arguments: list[str], words: str) -> None:
    assert words in failure(bench("predict", *DEMO, *arguments))
