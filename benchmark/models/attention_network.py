"""Models of type `bench-attention`: attention pooling over the frames of a pretrained encoder.

The configuration nests that of the encoder. It loads with `AutoModelForAudioClassification` once
`benchmark.register_models()` has been called.
"""

from typing import Any

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from benchmark.models.inference import nested_config, shortest_samples
from benchmark.models.model_types import (
    AUDIO_CLASSIFICATION_TYPES,
    BENCH_ATTENTION,
    BENCH_TYPES,
    SQUEEZED_TYPES,
    Reads,
)

_MOST_HIDDEN = 4_096


@strict
class AttentionConfig(PreTrainedConfig):  # type: ignore[misc] # transformers has no types
    """Configuration of an `AttentionClassifier`.

    Args:
        encoder: The configuration of the encoder, with its `model_type`; it reads samples.
        hidden: Hidden units of the attention.
        dropout: Of the frames, and before the last layer.

    Raises:
        ValueError: A value is beyond its limits, or the encoder cannot be one.
    """

    model_type = BENCH_ATTENTION

    encoder: dict[str, Any] | None = None
    hidden: int = 64
    dropout: float | int = 0.5

    @property
    def shortest_samples(self) -> int:
        """Samples of one frame."""
        return shortest_samples(self.encoder_config())

    def encoder_config(self) -> Any:
        """Make the configuration of the encoder."""
        return nested_config(self.encoder or {}, add_adapter=False)

    def validate_parts(self) -> None:
        """Refuse what no such model has, before anything is made of it."""
        if not 1 <= self.hidden <= _MOST_HIDDEN:
            raise ValueError(f"hidden must be from 1 to {_MOST_HIDDEN}")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout must be from 0 to below 1")
        if self.encoder is not None and (problem := unfit_encoder(self.encoder.get("model_type"))) is not None:
            raise ValueError(problem)


class AttentionHead(nn.Module):
    """Attention pooling and a linear layer: a weighted mean over frames, with weights that a small network gives.

    Args:
        width: Of the frames.
        labels: Number of outputs.
    """

    def __init__(self, width: int, labels: int, *, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.attention = nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.output = nn.Linear(width, labels)

    def forward(self, frames: Tensor, valid: Tensor | None = None) -> Tensor:
        """Compute logits, shape (clips, labels).

        Args:
            frames: Shape (clips, frames, width).
            valid: Whether a frame belongs to the clip, shape (clips, frames); None if all do.
        """
        frames = self.dropout(frames)
        scores = self.attention(frames)[..., 0]
        if valid is not None:
            scores = scores.masked_fill(~valid.bool(), torch.finfo(scores.dtype).min)
        pooled = (scores.softmax(dim=1)[..., None] * frames).sum(dim=1)
        logits: Tensor = self.output(self.dropout(pooled))
        return logits


class AttentionClassifier(PreTrainedModel):  # type: ignore[misc] # transformers has no types
    """An encoder, the mean of whose normalised hidden states is pooled by attention."""

    config_class = AttentionConfig
    main_input_name = "input_values"

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        if config.encoder is None:
            raise ValueError("an attention classifier needs an encoder")
        encoder = config.encoder_config()
        self.loss_type = "ForSequenceClassification"  # else transformers warns when the model is traced
        self.encoder = AutoModel.from_config(encoder, dtype=torch.get_default_dtype())
        self.classifier = AttentionHead(
            encoder.hidden_size, config.num_labels, hidden=config.hidden, dropout=config.dropout
        )
        self.post_init()

    def frames(self, input_values: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Average the hidden states of all layers, each brought to mean 0 and variance 1 over its components.

        Returns:
            Shape (clips, frames, width).
        """
        output = self.encoder(input_values, attention_mask=attention_mask, output_hidden_states=True)
        # The last one lies before or behind the final normalisation, by the version of transformers: here, behind it.
        states = [*output.hidden_states[:-1], output.last_hidden_state]
        width = (self.encoder.config.hidden_size,)
        return torch.stack([functional.layer_norm(state, width) for state in states]).mean(dim=0)

    def forward(
        self, input_values: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **_: Any
    ) -> SequenceClassifierOutput:
        """Compute logits of shape (clips, labels) from samples of shape (clips, samples)."""
        frames = self.frames(input_values, attention_mask)
        valid = None
        if attention_mask is not None:
            valid = self.encoder._get_feature_vector_attention_mask(frames.shape[1], attention_mask)
        logits = self.classifier(frames, valid)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def unfit_encoder(model_type: object) -> str | None:
    """Say why frames of a model type cannot be pooled by attention; None where they can.

    Examples:
        >>> unfit_encoder("wavlm"), unfit_encoder("whisper")
        (None, "attention pools over frames of encoders that read samples, which 'whisper' does not")
    """
    facts = AUDIO_CLASSIFICATION_TYPES.get(model_type) if isinstance(model_type, str) else None
    if facts is None or model_type in BENCH_TYPES or facts.reads is not Reads.SAMPLES:
        return f"attention pools over frames of encoders that read samples, which {str(model_type)[:80]!r} does not"
    if model_type in SQUEEZED_TYPES:
        return f"attention pools over frames, which {model_type!r} has fewer of in its layers than behind them"
    return None
