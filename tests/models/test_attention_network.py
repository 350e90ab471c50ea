from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError

from benchmark.models.attention_network import AttentionClassifier, AttentionConfig
from benchmark.models.backends.conversion import convert
from benchmark.models.backends.protocol import ONNXRUNTIME, OPENVINO, Engine, Streams
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.registration import register_models, sample_extractor
from benchmark.models.skeleton import build_skeleton
from tests.support.tiny_models import EMOTIONS, tiny_config

WAVLM = {"model_type": "wavlm", **tiny_config("wavlm"), "feat_extract_norm": "layer"}
LABELS = dict(enumerate(EMOTIONS))


@torch.no_grad()
def test_a_padded_batch_has_the_logits_of_each_clip_alone() -> None:
    model = AttentionClassifier(AttentionConfig(encoder=WAVLM, id2label=LABELS)).eval()
    clips = [torch.randn(length, generator=torch.Generator().manual_seed(length)) * 0.1 for length in (9_000, 5_001)]
    padded = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones(len(clip)) for clip in clips], batch_first=True).long()
    together = model(padded, attention_mask=mask).logits
    for row, clip in enumerate(clips):
        torch.testing.assert_close(together[row], model(clip[None]).logits[0], atol=1e-5, rtol=0)


def test_the_folder_says_everything(tmp_path: Path) -> None:
    register_models()
    model = AttentionClassifier(AttentionConfig(encoder=WAVLM, hidden=8, id2label=LABELS)).eval()
    model.save_pretrained(tmp_path)
    sample_extractor().save_pretrained(tmp_path)
    loaded = load_checkpoint(tmp_path)
    samples = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(samples)[None]).logits[0].numpy()
    np.testing.assert_allclose(loaded.logits(samples), expected, atol=1e-6)
    assert (loaded.report.missing, loaded.report.unexpected, loaded.report.labels) == ((), (), EMOTIONS)
    assert loaded.shortest == 400
    for backend in (OPENVINO, ONNXRUNTIME):
        converted = convert(loaded, backend, tmp_path / backend)
        model_there = converted.load(Engine(backend=backend), streams=Streams(), folder=tmp_path, preprocessor=None)
        np.testing.assert_allclose(model_there.logits(samples), expected, atol=1e-5)
    skeleton = build_skeleton(model.config.to_dict(), model.state_dict())
    assert skeleton.encoder == "encoder."


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"encoder": {**WAVLM, "model_type": "whisper"}}, "'whisper' does not"),
        ({"encoder": {**WAVLM, "model_type": "sew"}}, "which 'sew' has fewer of"),
        ({"encoder": {**WAVLM, "model_type": "bench-attention"}}, "'bench-attention' does not"),
        ({"hidden": 0}, "hidden must be from 1"),
        ({"dropout": 1.0}, "dropout must be"),
    ],
)
def test_what_cannot_be_such_a_model_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(StrictDataclassError, match=message):
        AttentionConfig(**{"encoder": WAVLM, **fields})
