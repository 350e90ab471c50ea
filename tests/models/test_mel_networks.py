"""Networks on log-mels as models of transformers: the spectrogram, the configuration, saving and loading."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModelForAudioClassification

from benchmark.models.mel_networks import LogMel, MelClassifier, MelConfig, standardise
from benchmark.models.networks import NETWORKS
from benchmark.models.registration import register_models
from tests.support.tiny_models import write_network

LOAD_ELSEWHERE = """
import sys, benchmark, numpy
assert "torch" not in sys.modules
benchmark.register_models()
benchmark.register_models()
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification
samples = numpy.load(sys.argv[1])
for folder in sys.argv[2:]:
    model, info = AutoModelForAudioClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    inputs = AutoFeatureExtractor.from_pretrained(folder)(samples, sampling_rate=16000, return_tensors="pt")
    numpy.save(folder + "/answer.npy", model.eval()(**inputs).logits.detach().numpy())
"""


def test_log_mels_are_those_of_a_second_implementation() -> None:
    config = MelConfig(mels=40, lowest_hz=100.0, highest_hz=7_000.0, window=512, hop=128)
    generator = np.random.default_rng(0)
    samples = generator.standard_normal(4_000).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), 512)[::128]
    power = np.abs(np.fft.rfft(frames * np.hanning(513)[:-1])) ** 2

    def mel(hertz: float) -> float:
        return 1127.01048 * math.log1p(hertz / 700)

    edges = [700 * math.expm1(value / 1127.01048) for value in np.linspace(mel(100), mel(7_000), 42)]
    hertz = np.fft.rfftfreq(512, 1 / 16_000)
    filters = [np.interp(hertz, edges[band : band + 3], [0, 1, 0]) for band in range(40)]
    expected = 10 * np.log10(power @ np.array(filters).T).T
    spectrogram = LogMel(config)
    spectrogram.reset_parameters()
    made, inside = spectrogram(torch.from_numpy(samples)[None])
    assert made.shape == (1, 40, 28)
    np.testing.assert_allclose(made[0].numpy(), expected, atol=1e-3)
    assert inside.min() == 1, "noise of one level is loud throughout"


def test_silence_at_the_ends_is_left_out_and_pauses_stay() -> None:
    samples = torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))
    samples[:, :4_000] *= 1e-3
    samples[:, 8_000:10_000] = 0
    samples[:, 14_000:] *= 1e-3
    spectrogram = LogMel(MelConfig())
    spectrogram.reset_parameters()
    mels, inside = spectrogram(samples)
    frames = inside[0].nonzero()[:, 0]
    assert (frames[0] * 160 + 400 > 4_000) & (frames[0] * 160 < 4_000)
    assert (frames[-1] * 160 + 400 > 14_000) & (frames[-1] * 160 < 14_000)
    assert len(frames) == frames[-1] - frames[0] + 1
    standard = standardise(mels, inside)
    assert standard[0, :, : frames[0]].abs().max() == 0
    counted = standard[0, :, frames[0] : frames[-1] + 1]
    assert abs(float(counted.mean())) < 1e-4
    assert abs(float(counted.std()) - 1) < 1e-3


def test_saved_models_load_in_another_process_after_registration(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 9_000).astype(np.float32)
    np.save(tmp_path / "clip.npy", samples)
    folders = {network: write_network(network, tmp_path / network) for network in NETWORKS}
    for folder in folders.values():
        assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    arguments = [str(tmp_path / "clip.npy"), *map(str, folders.values())]
    subprocess.run([sys.executable, "-c", LOAD_ELSEWHERE, *arguments], check=True, timeout=120)
    for folder in folders.values():
        model = MelClassifier.from_pretrained(folder).eval()
        with torch.no_grad():
            expected = model(torch.from_numpy(samples)[None]).logits.numpy()
        np.testing.assert_allclose(np.load(folder / "answer.npy"), expected, atol=1e-6)


def test_half_precision_keeps_the_spectrogram_whole(tmp_path: Path) -> None:
    register_models()
    folder = write_network("cnn", tmp_path / "model")
    samples = torch.randn(1, 9_000, generator=torch.Generator().manual_seed(0))
    answers = {}
    for dtype in (torch.float32, torch.bfloat16):
        model = AutoModelForAudioClassification.from_pretrained(folder, dtype=dtype).eval()
        with torch.no_grad():
            answers[dtype] = model(samples.to(dtype)).logits.float()
    assert (answers[torch.float32] - answers[torch.bfloat16]).abs().max() < 0.02


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"network": "x"}, "network"),
        ({"network": ["cnn"]}, "network"),
        ({"channels": [10**9]}, "channels"),
        ({"channels": ["a"]}, "channels"),
        ({"channels": "abcde"}, "channels"),
        ({"channels": [8] * 10_000, "pools": [[1, 1]] * 10_000}, "16 channels"),
        ({"channels": [8, 8]}, "pools"),
        ({"pools": [[2, 2]]}, "pools"),
        ({"channels": [8], "pools": [[2]]}, "pairs"),
        ({"channels": [8], "pools": [[0, 1]]}, "pairs"),
        ({"channels": [8], "pools": 7}, "pools"),
        ({"network": "resnet18", "channels": [8], "pools": [[2, 2]]}, "resnet18"),
        ({"network": "multiscale", "channels": [8, 2], "pools": [[2, 2], [2, 2]]}, "multiscale needs 3"),
        ({"window": 0}, "window"),
        ({"window": 10**9}, "window"),
        ({"hop": 0}, "hop"),
        ({"hop": -160}, "hop"),
        ({"hop": 1}, "16 times hop"),
        ({"mels": 10**9}, "mels"),
        ({"mels": "64"}, "mels"),
        ({"lowest_hz": 8_000}, "lowest_hz"),
        ({"highest_hz": math.nan}, "highest_hz"),
        ({"highest_hz": 9_000.0}, "highest_hz"),
        ({"silence_db": math.inf}, "silence_db"),
        ({"dropout": 1.5}, "dropout"),
        ({"sampling_rate": 0}, "sampling_rate"),
        ({"attention": 10**9}, "attention"),
        ({"recurrent": -1}, "recurrent"),
        ({"shortest_samples": 1}, "shortest_samples"),
    ],
)
def test_a_configuration_beyond_all_bounds_is_refused_by_name(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises((StrictDataclassError, AttributeError), match=problem):
        MelConfig(**fields)
