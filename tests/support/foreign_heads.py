"""Checkpoints of the widely copied speech classification classes, implemented independently of bench.

The arithmetic follows the published classes line by line: encoder, pooling without a mask, dense, tanh, output layer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import AutoConfig, AutoModel

from tests.support.tiny_models import EMOTIONS, edit_json, extractor_of, tiny_config

REPAIRABLE_TYPES = (
    "data2vec-audio",
    "hubert",
    "sew",
    "sew-d",
    "unispeech",
    "unispeech-sat",
    "wav2vec2",
    "wav2vec2-bert",
    "wav2vec2-conformer",
    "wavlm",
)


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A kind of checkpoint.

    Attributes:
        pooling: `mean`, `sum` or `max`.
        last: Name of the last layer.
        storage: `safetensors`, `bin`, `old bin` (not a zip file), `shards` or `bin shards`.
        config: Further fields of the configuration.
        drop: Names of weights to leave out.
        old_names: Name weight norms as before torch 2.1.
    """

    model_type: str = "wav2vec2"
    pooling: str = "mean"
    last: str = "out_proj"
    storage: str = "safetensors"
    config: Mapping[str, Any] | None = None
    drop: tuple[str, ...] = ()
    old_names: bool = False


class ClassificationHead(nn.Module):
    """The head of the published classes."""

    def __init__(self, config: Any, last: str) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(0.1)
        self.last = last
        setattr(self, last, nn.Linear(config.hidden_size, config.num_labels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Dropout, dense, tanh, dropout, output."""
        values = torch.tanh(self.dense(self.dropout(features)))
        logits: torch.Tensor = getattr(self, self.last)(self.dropout(values))
        return logits


class ForSpeechClassification(nn.Module):
    """`Wav2Vec2ForSpeechClassification` and its copies for other encoders."""

    def __init__(self, config: Any, foreign: Foreign) -> None:
        super().__init__()
        self.prefix = foreign.model_type.replace("-", "_")
        self.pooling = foreign.pooling
        setattr(self, self.prefix, AutoModel.from_config(config))
        self.classifier = ClassificationHead(config, foreign.last)

    def forward(self, values: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Logits of a batch of one; the mask reaches the encoder only."""
        hidden = getattr(self, self.prefix)(values, attention_mask=attention_mask)[0]
        if self.pooling == "mean":
            pooled = torch.mean(hidden, dim=1)
        elif self.pooling == "sum":
            pooled = torch.sum(hidden, dim=1)
        else:
            pooled = torch.max(hidden, dim=1)[0]
        logits: torch.Tensor = self.classifier(pooled)
        return logits


def write_foreign(folder: Path, foreign: Foreign) -> ForSpeechClassification:
    """Write a checkpoint as training scripts did, and return its model in evaluation mode."""
    folder.mkdir(parents=True)
    labels = {"id2label": dict(enumerate(EMOTIONS)), "label2id": {label: i for i, label in enumerate(EMOTIONS)}}
    config = AutoConfig.for_model(
        foreign.model_type, **{**tiny_config(foreign.model_type), **labels, **(foreign.config or {})}
    )
    state = torch.get_rng_state()
    torch.manual_seed(7)
    model = ForSpeechClassification(config, foreign).eval()
    with torch.no_grad():
        for parameter in model.classifier.parameters():
            parameter.uniform_(-1, 1)
    torch.set_rng_state(state)
    config.save_pretrained(folder)
    architectures = ["Wav2Vec2ForSpeechClassification"]
    edit_json(folder / "config.json", architectures=architectures, pooling_mode=foreign.pooling)
    extractor_of(foreign.model_type).save_pretrained(folder)
    weights = {name: value for name, value in model.state_dict().items() if name not in foreign.drop}
    save_weights(with_old_names(weights) if foreign.old_names else weights, folder, foreign.storage)
    return model


def with_old_names(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Name weight norms as before torch 2.1."""
    for new, old in (("original0", "weight_g"), ("original1", "weight_v")):
        norm = f"parametrizations.weight.{new}"
        weights = {name.replace(norm, old): value for name, value in weights.items()}
    return weights


def save_weights(weights: dict[str, torch.Tensor], folder: Path, storage: str) -> None:
    """Write weights in one of the storages of `Foreign`."""
    weights = {name: value.detach().clone().contiguous() for name, value in weights.items()}
    if storage == "safetensors":
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    elif storage.endswith("shards"):
        _save_shards(weights, folder, as_bin=storage == "bin shards")
    else:
        torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=storage != "old bin")


def _save_shards(weights: dict[str, torch.Tensor], folder: Path, *, as_bin: bool) -> None:
    stem, suffix = ("pytorch_model", "bin") if as_bin else ("model", "safetensors")
    names = sorted(weights)
    where = {}
    for number, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"{stem}-{number:05}-of-00002.{suffix}"
        where.update(dict.fromkeys(part, file))
        shard = {name: weights[name] for name in part}
        if as_bin:
            torch.save(shard, folder / file)
        else:
            save_file(shard, folder / file, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 0}, "weight_map": where}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps(index), encoding="utf-8")
