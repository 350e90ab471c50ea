"""What a reader of the documentation has before him: recordings, a checkpoint of his own, and a Hub."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from benchmark.demo.files import DemoClip, demo_clips, registry_path
from tests.support.command_server import CommandServer
from tests.support.hub_server import HubServer

CHECKPOINTS = registry_path().parent / "checkpoints"
# The repositories that the pages speak of, each with the checkpoint that stands in for it.
_SERVED = {
    "superb/wav2vec2-base-superb-er": ("wav2vec2-four", "en"),
    "DunnBC22/wav2vec2-base-Speech_Emotion_Recognition": ("wav2vec2-english", "en"),
    "harshit345/xlsr-wav2vec-speech-emotion-recognition": ("wav2vec2-foreign-head", "el"),
    "jungjongho/wav2vec2-xlsr-korean-speech-emotion-recognition": ("wavlm-korean", "ko"),
    "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim": ("wav2vec2-dimensional", "en"),
    "microsoft/wavlm-base-plus": ("wavlm-encoder", "en"),
}
_EMOTIONS = ("anger", "happiness", "neutral", "sadness")
_RAVDESS_CODES = {"neutral": "01", "happiness": "03", "sadness": "04", "anger": "05"}


@pytest.fixture(scope="session")
def hub() -> Iterator[HubServer]:
    """Serve the repositories that the pages speak of."""
    with HubServer() as server:
        for downloads, (id, (checkpoint, language)) in enumerate(_SERVED.items()):
            info = {
                "tags": ["audio-classification", "transformers", language],
                "pipeline_tag": "audio-classification",
                "cardData": {"language": language},
                "downloads": downloads,
            }
            server.add(id, CHECKPOINTS / checkpoint, info=info)
        yield server


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the recordings and the checkpoint once."""
    folder = tmp_path_factory.mktemp("reader")
    clips = [clip for clip in demo_clips() if clip.emotion in _EMOTIONS]
    _write_recordings(folder, clips)
    _write_checkpoint(folder / "my-checkpoint")
    return folder


@pytest.fixture(scope="session")
def kept(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for the caches: what one page has verified, or the tests of the demo, the next need not."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(demo_run / ".bench", folder / "bench")
    return folder


@pytest.fixture(scope="session")
def reader(hub: HubServer, kept: Path) -> Iterator[CommandServer]:
    """Run the commands of all pages in one process, in a reader's environment."""
    with CommandServer(
        HF_ENDPOINT=hub.url,
        HF_HOME=str(kept / "hf"),
        BENCH_CACHE=str(kept / "bench"),
        OMP_NUM_THREADS="1",
        BENCH_LATENCY_SECONDS="0",
    ) as server:
        yield server


@pytest.fixture
def desk(recorded: Path, tmp_path: Path) -> Path:
    """Give a folder of its own with everything in it."""
    shutil.copytree(recorded, tmp_path / "project", symlinks=True)
    return tmp_path / "project"


def _write_recordings(folder: Path, clips: list[DemoClip]) -> None:
    rows = []
    for take, clip in enumerate(clips):
        waveform = clip.waveform()
        wav = f"{clip.name}.wav"
        speaker = f"{take // len(_EMOTIONS) % 24 + 1:02d}"
        names = [
            f"recordings/{clip.emotion}/{wav}",
            f"calls/2026/{wav}",
            f"casual-recordings/s{clip.speaker[1:]}{'0' if clip.sex == 'male' else '1'}_{clip.emotion}_{take}.wav",
            f"corpora/ravdess/Actor_{speaker}/03-01-{_RAVDESS_CODES[clip.emotion or '']}-01-01-01-{speaker}.wav",
        ]
        for path in (folder / name for name in names):
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, waveform.samples, waveform.sampling_rate)
        rows.append([names[0], clip.emotion, clip.speaker, clip.sex, "under 30" if clip.speaker < "m" else "over 30"])
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "label", "speaker", "sex", "age"], *rows])


def _write_checkpoint(folder: Path) -> None:
    """Write a checkpoint that does not say what its outputs mean."""
    shutil.copytree(CHECKPOINTS / "wav2vec2-four", folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    labels = {str(index): f"LABEL_{index}" for index in range(len(config["id2label"]))}
    config.update(id2label=labels, label2id={label: int(index) for index, label in labels.items()})
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
