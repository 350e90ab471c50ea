"""The class that many emotion repositories copied, and that transformers does not know."""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model, Wav2Vec2PreTrainedModel


class ForeignHead(nn.Module):
    """The head of the widely copied `Wav2Vec2ForSpeechClassification`: dense, tanh, out_proj."""

    def __init__(self, hidden_size: int, labels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.out_proj = nn.Linear(hidden_size, labels)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Classify the mean of the frames."""
        logits: torch.Tensor = self.out_proj(torch.tanh(self.dense(pooled)))
        return logits


@dataclass
class ForeignOutput:
    """What the foreign class answers."""

    logits: torch.Tensor


class Wav2Vec2ForSpeechClassification(Wav2Vec2PreTrainedModel):  # type: ignore[misc]  # transformers ships no types
    """The class that many emotion repositories copied: transformers does not know it, and loads its head as random."""

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__(config)
        self.wav2vec2 = Wav2Vec2Model(config)
        self.classifier = ForeignHead(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_values: torch.Tensor) -> ForeignOutput:
        """Classify by the mean of all frames."""
        return ForeignOutput(self.classifier(self.wav2vec2(input_values).last_hidden_state.mean(dim=1)))
