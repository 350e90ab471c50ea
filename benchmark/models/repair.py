"""Heads that transformers has no class for, rebuilt so that every weight comes from the checkpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING
from transformers.modeling_outputs import SequenceClassifierOutput

from benchmark.models.heads import ACTIVATIONS, HeadLayout, HeadParameters, repairable_layout
from benchmark.models.inference import Checkpoint
from benchmark.models.reports import CheckpointError, UnusableHeadError

_HEAD = "classifier"
_TIME = 1

_POOL: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda frames: frames.mean(dim=_TIME),
    "sum": lambda frames: frames.sum(dim=_TIME),
    "max": lambda frames: frames.amax(dim=_TIME),
}
_ACTIVATE: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "none": lambda values: values,
}


@dataclass(frozen=True)
class Repair:
    """How a checkpoint with a rebuilt head is loaded.

    Attributes:
        model_class: Loads it with `from_pretrained`; its weights are called what the original calls them.
        config: The configuration to load it with.
        key_mapping: Names of weights to be changed on the way, for `from_pretrained`.
        layout: The name of the head's layout.
        parameters: What its weights leave open.
    """

    model_class: Any
    config: Any
    key_mapping: dict[str, str]
    layout: str
    parameters: HeadParameters


class PooledHead(torch.nn.Module):
    """Pooling over time without a mask, and linear layers with an activation between them.

    The original pools over padding, too; one clip at a time, there is none, but for a last frame of wav2vec2-bert.
    """

    def __init__(self, layout: HeadLayout, parameters: HeadParameters, *, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.parameters_in_use = parameters
        sizes = [*[hidden_size] * len(layout.layers), outputs]
        self._names = [names[0].removeprefix(f"{_HEAD}.") for names in layout.layers]
        for name, (width, next_width) in zip(self._names, pairwise(sizes), strict=True):
            self.add_module(name, torch.nn.Linear(width, next_width))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Give one value per label for frames of shape (1, time, hidden size)."""
        values = _POOL[self.parameters_in_use.pooling](frames)
        for name in self._names[:-1]:
            values = _ACTIVATE[self.parameters_in_use.activation](self.get_submodule(name)(values))
        last: torch.Tensor = self.get_submodule(self._names[-1])(values)
        return last


class _WithPooledHead:
    """Laid over a class of transformers: its encoder stays, its head is another one."""

    head_layout: HeadLayout
    head_parameters: HeadParameters

    def __init__(self, config: Any) -> None:
        super().__init__(config)  # type: ignore[call-arg] # the class below this one takes it
        del self.projector  # type: ignore[attr-defined] # of the class below
        self.classifier = PooledHead(
            self.head_layout, self.head_parameters, hidden_size=config.hidden_size, outputs=config.num_labels
        )

    def forward(self, *inputs: Any, **named_inputs: Any) -> Any:
        """Answer as the original class does: the encoder's last layer, then the head."""
        frames = self.base_model(*inputs, **named_inputs).last_hidden_state  # type: ignore[attr-defined] # as above
        return SequenceClassifierOutput(logits=self.classifier(frames))


def plan_repair(config: Any, head: Mapping[str, Any]) -> Repair:
    """Plan how a head is rebuilt.

    Args:
        config: The configuration of the checkpoint, as transformers has read it.
        head: `kind`, and optionally `pooling` and `activation` (see `HeadParameters.settle`).

    Returns:
        What to load it with.

    Raises:
        UnusableHeadError: The layout, the pooling or the activation is unknown, or not for this type of model.
    """
    layout = repairable_layout(head.get("kind"), config.model_type)
    parameters = HeadParameters.settle(head, {"pooling_mode": getattr(config, "pooling_mode", None)})
    # The original has no weighted sum of layers, whatever its configuration says.
    config.use_weighted_layer_sum = False
    original = MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING[type(config)]
    model_class = type(
        f"Repaired{original.__name__}",
        (_WithPooledHead, original),
        {"head_layout": layout, "head_parameters": parameters},
    )
    return Repair(model_class, config, layout.key_mapping, layout.name, parameters)


def require_whole_head(repair: Repair, missing: Mapping[str, Any] | set[str]) -> None:
    """Refuse a head of which weights are missing: there is nothing to rebuild it from.

    Raises:
        UnusableHeadError: Some are missing; the message names them.
    """
    lost = sorted(name for name in missing if name.startswith(f"{_HEAD}."))
    if lost:
        raise UnusableHeadError(f"the head is not of layout {repair.layout}: the checkpoint has no {', '.join(lost)}")


def answers_by_activation(checkpoint: Checkpoint, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Ask a model with a rebuilt head under every activation that its head may have had: evidence for a person.

    Args:
        checkpoint: A model with a rebuilt head.
        samples: Mono samples at the model's rate, of one window at most.

    Returns:
        The logits by activation.

    Raises:
        CheckpointError: The head is transformers' own, which has no activation; or as for `Checkpoint.logits`.
    """
    head = getattr(checkpoint.model, _HEAD, None)
    if not isinstance(head, PooledHead):
        raise CheckpointError(f"the head is of layout {checkpoint.report.head}, which leaves no activation open")
    own = head.parameters_in_use
    try:
        answers = {}
        for activation in ACTIVATIONS:
            head.parameters_in_use = HeadParameters(own.pooling, activation)
            answers[activation] = checkpoint.logits(samples)
        return answers
    finally:
        head.parameters_in_use = own
