import io
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmark.audio.decoding import decode
from benchmark.audio.waveform import Waveform, resample
from benchmark.cli.commands.corpus import _print
from benchmark.results.description import CorpusDescription, DescribedClip, DescribedLabel
from benchmark.results.runs import CorpusRecord
from benchmark.scoring.corpus_description import describe
from scripts.demo.speakers import invent_speaker
from scripts.demo.voice import speak
from tests.support.command_line import Bench, bench_here

RATE = 16_000
SAID = "tamo lisu kena vo"


def voice(emotion: str, seed: int) -> Waveform:
    return speak(emotion, invent_speaker(str(seed), "female", seed=seed), SAID, seed=seed)


def through_a_telephone(clip: Waveform) -> Waveform:
    call = io.BytesIO()
    soundfile.write(call, resample(clip, 8000).samples, 8000, format="WAV", subtype="ULAW")
    return resample(decode(call.getvalue()), RATE)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """Give `bench corpus` run on a folder with one clip of every kind that deserves a word."""
    folder = tmp_path_factory.mktemp("corpus")
    clips = folder / "콜센터"
    for name, clip in {
        "분노/화남 😡.wav": voice("anger", 1),
        "분노/wide.wav": voice("anger", 2),
        "분노/twin.wav": voice("anger", 2),
        "грусть/telephone.wav": through_a_telephone(voice("sadness", 3)),
        "грусть/silence.wav": Waveform(np.zeros(RATE, dtype=np.float32), RATE),
        "грусть/clipped.wav": Waveform(np.clip(voice("anger", 4).samples * 40, -1, 1), RATE),
    }.items():
        (clips / name).parent.mkdir(parents=True, exist_ok=True)
        channels = 2 if name == "분노/twin.wav" else 1
        samples = np.stack([clip.samples] * channels, axis=1)
        soundfile.write(clips / name, samples, clip.sampling_rate, subtype="PCM_16")
    (clips / "분노" / "broken.mp3").write_bytes(b"no audio")
    return bench_here("corpus", "folder:콜센터", "--candidates", "demo", folder=folder)


def page(ended: "subprocess.CompletedProcess[str]", ending: str) -> str:
    assert ended.returncode == 0, ended.stderr
    (path,) = [Path(word.strip(",")) for word in ended.stderr.split() if word.strip(",").endswith(ending)]
    return path.as_posix()


@pytest.fixture
def description(described: "subprocess.CompletedProcess[str]", tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = max(tmp_path_factory.getbasetemp().glob("corpus*"))
    return json.loads((folder / page(described, ".json")).read_text(encoding="utf-8"))


def test_every_kind_of_clip_gets_its_word(description: Any) -> None:
    assert set(description["flags"]) == {
        "unreadable", "no-speech", "identical", "telephone", "clipped", "few-clips", "few-speakers",
    }  # fmt: skip
    assert description["classes"] == {"anger": 3, "sadness": 3}
    assert [group["clips"] for group in description["identical"]] == [["분노/twin.wav", "분노/wide.wav"]]
    by_name = {clip["clip"]: clip for clip in description["clips"]}
    assert description["channels"] == {"1": 5, "2": 1}
    assert "not audio" in by_name["분노/broken.mp3"]["failure"]
    assert by_name["грусть/telephone.wav"]["bandwidth_hz"] < 4_100
    assert by_name["분노/wide.wav"]["bandwidth_hz"] > 7_000
    assert by_name["грусть/silence.wav"]["speech_share"] == 0.0
    assert by_name["분노/화남 😡.wav"]["speech_share"] > 0.5
    assert by_name["грусть/clipped.wav"]["clipped_share"] > 0.01


def test_what_the_demos_candidates_could_cover_is_known_without_running_them(description: Any) -> None:
    assert description["candidates"]
    assert all(each["coverage"] is not None for each in description["candidates"] if each["classes"])


def test_the_json_can_be_read_again(description: Any) -> None:
    read = CorpusDescription.model_validate_json(json.dumps(description))
    assert read.name == "콜센터"


def test_the_terminal_shows_labels_twins_and_failures_in_every_script(
    described: "subprocess.CompletedProcess[str]",
) -> None:
    for text in ("분노", "грусть", "anger", "identical: 분노/twin.wav, 분노/wide.wav", "unreadable: 분노/broken.mp3"):
        assert text in described.stdout


def test_the_terminal_tells_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    heard = [DescribedClip(clip=f"{number}.wav", clip_hash=str(number)) for number in range(3)]
    broken = [DescribedClip(clip=f"x{number}.wav", clip_hash=None, failure="It is empty.") for number in range(12)]
    told = CorpusRecord.model_validate({"name": "c", "source": "folder:c", "clips": [], "available_clips": 15})
    labels = (DescribedLabel(label="wütend", clips=1, emotion="anger", index=0),)
    described = describe(told, [], created=datetime(2026, 1, 1, tzinfo=UTC)).model_copy(
        update={"clips": (*heard, *broken), "unlabelled": 2, "classes": {"anger": 1}, "labels": labels}
    )
    _print(described)
    said = capsys.readouterr().out
    for words in (
        "c: 3 readable clips of 15, 1 class\n",
        "– (no label)",
        "unreadable: and 2 more (all in the JSON file)",
    ):
        assert words in said
    assert "tied" not in said
    _print(described.model_copy(update={"labels": (), "classes": {}}))
    said = capsys.readouterr().out
    assert said.startswith("c: 3 readable clips of 15, 0 classes\nNo clip has a label that means an emotion.\n")


def test_a_corpus_that_does_not_exist_is_one_line_and_exit_code_2(bench: Bench) -> None:
    ended = bench("corpus", "folder:nowhere", "--candidates", "demo")
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1


def test_merges_and_json_on_standard_output(bench: Bench, tmp_path: Path) -> None:
    for emotion in ("anger", "happiness", "calm"):
        (tmp_path / "c" / emotion).mkdir(parents=True)
        soundfile.write(tmp_path / "c" / emotion / "a.wav", voice("neutral", len(emotion)).samples, RATE)
    ended = bench(
        "corpus", "folder:c", "--candidates", "demo", "--merge-preset", "sentiment", "--no-find-speech", "--json"
    )
    found = json.loads(ended.stdout)
    assert found["classes"] == {"negative": 1, "neutral": 1, "positive": 1}
    assert sorted(label["index"] for label in found["labels"]) == [0, 1, 2]
    assert found["speech_share"] is None


def test_the_one_pair_of_identical_clips_in_ravdess_is_found(bench: Bench, shared: Path) -> None:
    ravdess = shared / "corpora" / "ravdess"
    ended = bench("corpus", f"table:{ravdess / 'metadata.csv'}", "--candidates", "demo", "--no-find-speech", "--json")
    found = json.loads(ended.stdout)
    assert [[Path(name).stem for name in group["clips"]] for group in found["identical"]] == [
        ["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]
    ]
    assert found["flags"] == ["identical"]
    assert (len(found["speakers"]), found["telephone"], found["hours"]) == (24, 0, pytest.approx(1.48, abs=0.005))


def test_a_part_of_a_corpus_is_chosen_as_for_a_run(bench: Bench, tmp_path: Path) -> None:
    lines = ["file,label,speaker,language"]
    for place, (label, speaker, language) in enumerate(
        [("anger", "s1", "de"), ("anger", "s2", "de"), ("fear", "s1", "de"), ("fear", "s1", "ko"), ("calm", "s1", "de")]
    ):
        soundfile.write(tmp_path / f"{place}.wav", voice("anger", place).samples, RATE)
        lines.append(f"{place}.wav,{label},{speaker},{language}")
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    common = ("corpus", "table:clips.csv", "--candidates", "demo", "--no-find-speech", "--json")
    chosen = bench(*common, "--speaker", "s1", "--language", "de", "--only-label", "fear", "--only-label", "anger")
    assert chosen.returncode == 0, chosen.stderr
    content = json.loads(chosen.stdout)
    assert [clip["clip"] for clip in content["clips"]] == ["0.wav", "2.wav"]
    assert "speaker s1" in content["selection"]
    sampled = json.loads(bench(*common, "--sample", 3, "--seed", 1).stdout)
    assert len(sampled["clips"]) == 3
    assert "a sample of 3, seed 1" in sampled["selection"]
    refused = bench(*common, "--speaker", "s9")
    assert refused.returncode == 2
    assert "no speaker 's9'" in refused.stderr
