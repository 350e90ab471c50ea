"""The networks: padding changes nothing, and every clip has an answer."""

import pytest
import torch
from torch import Tensor

from benchmark.models.mel_networks import MelClassifier, MelConfig
from benchmark.models.networks import NETWORKS

LENGTHS = (16_000, 9_001, 1_234, 400)


def network(name: str, **config: object) -> MelClassifier:
    """A network whose normalisations have seen data, in evaluation mode."""
    torch.manual_seed(1)
    model = MelClassifier(MelConfig(network=name, num_labels=4, **config))
    model.train()
    for _ in range(3):
        model.classify(torch.randn(8, 64, 50), torch.ones(8, 50))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(3)  # fresh weights are small, and so is what they change
    model.eval()
    return model


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def model(request: pytest.FixtureRequest) -> MelClassifier:
    return network(request.param)


@pytest.fixture(scope="module")
def clips() -> list[Tensor]:
    """Noise that rises, of several lengths; the shortest has one frame.

    One begins with silence, one is silent, one ends with a burst that no whole frame holds.
    """
    generator = torch.Generator().manual_seed(0)
    clips = [torch.randn(length, generator=generator) * torch.linspace(0.001, 0.2, length) for length in LENGTHS]
    clips[0][:3_000] = 0
    burst = torch.cat([clips[1][:4_080] * 1e-2, 3 * torch.ones(150)])
    return [*clips, torch.zeros(2_000), burst]


@torch.no_grad()
def test_a_padded_batch_has_the_logits_of_each_clip_alone(model: MelClassifier, clips: list[Tensor]) -> None:
    padded = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones(len(clip)) for clip in clips], batch_first=True)
    unchanged = mask.clone()
    together = model(padded, attention_mask=mask).logits
    assert torch.equal(mask, unchanged)
    alone = torch.cat([model(clip[None]).logits for clip in clips])
    assert (together - alone).abs().max() <= 1e-5 * max(1.0, float(alone.abs().max()))
    assert alone.std(dim=0).min() > 1e-4, "the clips have different answers"


@torch.no_grad()
@pytest.mark.parametrize("samples", [400, 401, 16_000])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_silence_and_constant_signals_have_finite_logits(model: MelClassifier, samples: int, level: float) -> None:
    assert model(torch.full((1, samples), level)).logits.isfinite().all()


def test_excerpts_in_training_have_the_loss_of_masked_ones(model: MelClassifier) -> None:
    """What is left out where all frames count changes nothing."""
    mels, inside = torch.randn(4, 64, 21), torch.ones(4, 21)
    model.dropout.p = 0.0
    model.train()
    unmasked = model.encoder.network(mels, None)
    masked = model.encoder.network(mels, inside)
    model.eval()
    assert torch.allclose(unmasked, masked, atol=1e-5)


def test_gradients_reach_every_weight() -> None:
    for name in NETWORKS:
        model = MelClassifier(MelConfig(network=name, num_labels=4)).train()
        loss = model(torch.randn(2, 4_000), labels=torch.tensor([0, 3])).loss
        loss.backward()
        assert [name for name, weight in model.named_parameters() if weight.grad is None] == []
