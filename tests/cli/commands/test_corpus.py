import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.audio.decoding import decode
from benchmark.audio.waveform import Waveform, resample
from benchmark.cli.commands.corpus import _print
from benchmark.results.corpus_description import CorpusDescription, DescribedClip, DescribedLabel
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.corpus_description import describe
from scripts.demo.speakers import invent_speaker
from scripts.demo.voice import speak
from tests.support.command_line import Bench, failure
from tests.support.finished_runs import FinishedRun, verification

RATE = 16_000
SAID = "tamo lisu kena vo"


def voice(emotion: str, seed: int) -> Waveform:
    return speak(emotion, invent_speaker(str(seed), "female", seed=seed), SAID, seed=seed)


def through_a_telephone(clip: Waveform) -> Waveform:
    call = io.BytesIO()
    soundfile.write(call, resample(clip, 8000).samples, 8000, format="WAV", subtype="ULAW")
    return resample(decode(call.getvalue()), RATE)


def test_every_kind_of_clip_and_every_script_is_described(tmp_path: Path, bench: Bench) -> None:
    clips = tmp_path / "콜센터"
    for name, clip in {
        "분노/화남 😡.wav": voice("anger", 1),
        "분노/wide.wav": voice("anger", 2),
        "분노/twin.wav": voice("anger", 2),
        "грусть/telephone.wav": through_a_telephone(voice("sadness", 3)),
        "грусть/silence.wav": Waveform(np.zeros(RATE, dtype=np.float32), RATE),
        "грусть/copy.wav": Waveform(voice("anger", 1).samples[800:] * np.float32(0.2), RATE),
        "грусть/clipped.wav": Waveform(np.clip(voice("anger", 4).samples * 40, -1, 1), RATE),
    }.items():
        (clips / name).parent.mkdir(parents=True, exist_ok=True)
        channels = 2 if name == "분노/twin.wav" else 1
        samples = np.stack([clip.samples] * channels, axis=1)
        soundfile.write(clips / name, samples, clip.sampling_rate, subtype="PCM_16")
    (clips / "분노" / "broken.mp3").write_bytes(b"no audio")
    ended = bench("corpus", "folder:콜센터", "--candidates", "demo")
    assert ended.returncode == 0, ended.stderr
    for text in (
        "분노",
        "грусть",
        "anger",
        "Left out, or treated specially:",
        "- 1 of 8 clips cannot be read, such as 분노/broken.mp3 (",
        "- 7 of 7 clips name no speaker, such as",
        "- 1 of 7 clips is a copy of another, sample by sample, such as 분노/wide.wav (as 분노/twin.wav)",
        "- 1 pair is a clip and its copy with another gain, encoding, length or noise, such as грусть/copy.wav and",
        "- 7 clips are of emotions with fewer than 5 clips or a single speaker (anger 3, sadness 4): nothing",
        "--skip-silence leaves",
    ):
        assert text in ended.stdout
    assert len(re.findall("broken.mp3", ended.stdout)) == 1, "once, in one list"
    (path,) = (tmp_path / "reports").glob("corpus-*.json")
    description = CorpusDescription.model_validate_json(path.read_text(encoding="utf-8"))
    assert description.name == "콜센터"
    assert set(description.flags) == {
        "unreadable", "no-speech", "identical", "telephone", "clipped", "few-clips", "few-speakers",
        "near-copies", "contradictory",
    }  # fmt: skip
    assert description.classes == {"anger": 3, "sadness": 4}
    assert [group.clips for group in description.identical] == [("분노/twin.wav", "분노/wide.wav")]
    assert description.channels == {"1": 6, "2": 1}
    by_name = {clip.clip: clip for clip in description.clips}
    assert "not audio" in (by_name["분노/broken.mp3"].failure or "")
    assert (by_name["грусть/telephone.wav"].bandwidth_hz or 0) < 4_100
    assert (by_name["분노/wide.wav"].bandwidth_hz or 0) > 7_000
    assert by_name["грусть/silence.wav"].speech_share == 0.0
    assert (by_name["분노/화남 😡.wav"].speech_share or 0) > 0.5
    assert (by_name["грусть/clipped.wav"].clipped_share or 0) > 0.01
    assert description.candidates
    assert all(candidate.coverage is not None for candidate in description.candidates if candidate.classes)


def test_the_terminal_counts_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    readable = [DescribedClip(clip=f"{number}.wav", clip_hash=str(number)) for number in range(3)]
    broken = [DescribedClip(clip=f"x{number}.wav", clip_hash=None, failure="It is empty.") for number in range(12)]
    record = CorpusRecord.model_validate({"name": "c", "source": "folder:c", "clips": [], "available_clips": 15})
    labels = (DescribedLabel(label="wütend", clips=1, emotion="anger", index=0),)
    described = describe(record, [], created=datetime(2026, 1, 1, tzinfo=UTC)).model_copy(
        update={"clips": (*readable, *broken), "unlabelled": 2, "classes": {"anger": 1}, "labels": labels}
    )
    _print(described)
    printed = capsys.readouterr().out
    for words in ("3 readable clips of 15, 1 class\n", "– (no label)", "- 15 of 15 clips are not read: --limit"):
        assert words in printed
    assert "tied" not in printed
    _print(described.model_copy(update={"labels": (), "classes": {}}))
    assert capsys.readouterr().out.startswith(
        "c: 3 readable clips of 15, 0 classes\nNo clip has a label that means an emotion.\n"
    )


def test_a_corpus_that_does_not_exist_is_one_line_and_exit_code_2(bench: Bench) -> None:
    failure(bench("corpus", "folder:nowhere", "--candidates", "demo"))


def test_labels_are_suspected_by_stored_answers_and_without_any_the_remedy_is_named(
    bench: Bench, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    command = ("corpus", "demo:", "--candidates", "demo", "--no-find-speech", "--json", "--suspects")
    assert "make one with `bench run`" in failure(bench(*command, BENCH_CACHE=str(cache)))
    described = json.loads(bench(*command[:-1]).stdout)
    clips = [
        ClipRecord(clip=clip["clip"], clip_hash=clip["clip_hash"], duration_s=2.0, label=clip["emotion"])
        for clip in described["clips"]
    ]
    clips[0] = replace(clips[0], label="neutral" if clips[0].label == "anger" else "anger")
    run = FinishedRun(
        tmp_path / "cache", CorpusRecord(name="heard", source="", clips=tuple(clips), available_clips=112)
    )
    run.add(verification("a", tuple(described["classes"])), wrong=0.0)
    run.save()
    found = json.loads(bench(*command, BENCH_CACHE=str(cache)).stdout)
    assert (found["suspects_by"], [suspect["clip"] for suspect in found["suspects"]]) == (["a"], [clips[0].clip])


def test_a_corpus_of_which_nothing_can_be_read_is_described_with_exit_code_2(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "c" / "anger").mkdir(parents=True)
    (tmp_path / "c" / "anger" / "a.wav").write_text("no audio")
    ended = bench("corpus", "folder:c", "--candidates", "demo", "--no-find-speech", "--json")
    assert "Not one of the 1 clips of c can be read, such as anger/a.wav: It is not audio" in failure(ended)
    assert "unreadable" in json.loads(ended.stdout)["flags"]


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
    assert found["flags"] == ["identical", "length-tied", "level-tied", "silence-tells"]
    assert (found["length_tie"], found["level_tie"], found["silence_uar"]) == pytest.approx(
        (0.46, 0.65, 0.36), abs=0.01
    )
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
    assert "no speaker 's9'" in failure(bench(*common, "--speaker", "s9"))
