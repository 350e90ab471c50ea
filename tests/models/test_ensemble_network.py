"""Several classifiers in one: the mean of their probabilities, joined from folders, refused where they do not fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoModelForAudioClassification

from benchmark.errors import RequestError
from benchmark.models.backends.conversion import convert
from benchmark.models.backends.protocol import ONNXRUNTIME, OPENVINO, Engine, Streams
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.ensemble_network import EnsembleClassifier, EnsembleConfig, join_members
from benchmark.models.networks import NETWORKS
from benchmark.models.registration import register_models
from tests.support.tiny_models import EMOTIONS, tiny_config, write_network, write_tiny

RATE = 16_000
LABELS = dict(enumerate(EMOTIONS))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two networks of bench's own, and a stock classifier whose extractor normalises."""
    register_models()
    folder = tmp_path_factory.mktemp("members")
    return [
        write_network("cnn", folder / "cnn", channels=[4, 8], pools=[[2, 2], [2, 2]]),
        write_network("functionals", folder / "functionals"),
        write_tiny("wav2vec2", folder / "wav2vec2", feat_extract_norm="layer"),
    ]


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_the_probabilities_are_the_mean_of_those_of_the_members(
    folders: list[Path], tmp_path: Path, weights: list[float] | None
) -> None:
    folder = join_members(folders, tmp_path / "ensemble", weights)
    files = {path.name for path in folder.iterdir()}
    assert files == {"config.json", "preprocessor_config.json", "model.safetensors"}
    assert str(tmp_path) not in (folder / "config.json").read_text("utf-8")
    samples = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    members = [load_checkpoint(member).probabilities(samples) for member in folders]
    expected = np.average(members, axis=0, weights=weights)
    ensemble = load_checkpoint(folder)
    np.testing.assert_allclose(ensemble.probabilities(samples), expected, atol=1e-6)
    assert (ensemble.report.missing, ensemble.report.unexpected) == ((), ())
    assert ensemble.report.labels == EMOTIONS
    assert ensemble.shortest == 400, "of the members that need most"


@torch.no_grad()
def test_a_padded_batch_has_the_logits_of_each_clip_alone(folders: list[Path], tmp_path: Path) -> None:
    model = AutoModelForAudioClassification.from_pretrained(join_members(folders, tmp_path / "ensemble")).eval()
    clips = [torch.randn(length, generator=torch.Generator().manual_seed(length)) * 0.1 for length in (9_000, 5_001)]
    padded = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones(len(clip)) for clip in clips], batch_first=True)
    together = model(padded, attention_mask=mask.long()).logits
    alone = torch.cat([model(clip[None]).logits for clip in clips])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("backend", [OPENVINO, ONNXRUNTIME])
def test_converted_networks_answer_like_the_reference(tmp_path: Path, backend: str) -> None:
    """All networks at once; clips of one frame, with silence around them, silent and constant throughout."""
    networks = [write_network(network, tmp_path / network) for network in NETWORKS]
    folder = join_members(networks, tmp_path / "ensemble")
    reference = load_checkpoint(folder)
    converted = convert(reference, backend, tmp_path / "converted")
    model = converted.load(Engine(backend=backend), streams=Streams(), folder=folder, preprocessor=None)
    noise = np.random.default_rng(0).normal(0, 0.1, 9_001).astype(np.float32)
    surrounded = np.concatenate([np.zeros(3_000, np.float32), noise[:4_567], np.zeros(500, np.float32)])
    for samples in (noise[:400], noise[:561], surrounded, noise, 0 * noise, 0 * noise + 1):
        np.testing.assert_allclose(model.logits(samples), reference.logits(samples), atol=1e-5)


def test_members_that_do_not_fit_are_refused_in_a_sentence(folders: list[Path], tmp_path: Path) -> None:
    others = write_network("functionals", tmp_path / "others", labels=("sad", "angry"))
    with pytest.raises(RequestError, match="same labels in the same order"):
        join_members([folders[0], others], tmp_path / "ensemble")
    features = write_tiny("whisper", tmp_path / "whisper")
    with pytest.raises(RequestError, match="reads features and not samples"):
        join_members([folders[0], features], tmp_path / "ensemble")
    preprocessor = folders[0] / "preprocessor_config.json"
    slower = write_network("functionals", tmp_path / "slower")
    fields = {**json.loads(preprocessor.read_text("utf-8")), "sampling_rate": 8_000}
    (slower / preprocessor.name).write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(RequestError, match="one sampling rate"):
        join_members([folders[0], slower], tmp_path / "ensemble")
    assert not (tmp_path / "ensemble").exists()


MEMBER = {"model_type": "bench-mel", "id2label": LABELS}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"members": "abc"}, "members"),
        ({"members": [MEMBER] * 257}, "at most 256"),
        ({"members": [{}]}, "member 0"),
        ({"members": [{**MEMBER, "model_type": ["bench-mel"]}]}, "member 0"),
        ({"members": [{**MEMBER, "model_type": "bench-ensemble"}]}, "cannot be a member"),
        ({"members": [{**MEMBER, "model_type": "whisper"}]}, "reads features"),
        ({"members": [{**MEMBER, "channels": [10**9]}]}, "channels"),
        ({"members": [{"model_type": "bench-mel"}]}, "2 labels, and the ensemble 5"),
        ({"members": [MEMBER], "weights": [1.0, 1.0]}, "weights"),
        ({"members": [MEMBER], "weights": [0.0]}, "weights"),
        ({"members": [MEMBER], "weights": [float("inf")]}, "weights"),
        ({"members": [MEMBER], "normalise": [True, False]}, "normalise"),
        ({"members": [MEMBER], "normalise": ["yes"]}, "normalise"),
    ],
)
def test_a_configuration_that_is_no_ensemble_is_refused_by_name(fields: dict[str, Any], problem: str) -> None:
    register_models()
    with pytest.raises(StrictDataclassError, match=problem):
        EnsembleConfig(id2label=LABELS, **fields)


def test_nothing_of_a_member_s_configuration_leads_to_code() -> None:
    register_models()
    member = {
        "model_type": "wav2vec2",
        "id2label": LABELS,
        "auto_map": {"AutoConfig": "x.Y"},
        **tiny_config("wav2vec2"),
    }
    config = EnsembleConfig(id2label=LABELS, members=[{**member, "_attn_implementation": "org/kernel"}])
    (made,) = config.member_configs()
    assert (getattr(made, "auto_map", None), made._attn_implementation) == (None, None)
    assert len(EnsembleClassifier(config).members) == 1
