"""Heads that transformers has no class for, rebuilt so that every weight comes from the checkpoint."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING
from transformers.modeling_outputs import SequenceClassifierOutput

from benchmark.models.heads import ACTIVATIONS, HeadLayout, HeadParameters, repairable_layout
from benchmark.models.inference import Checkpoint
from benchmark.models.load_reports import CheckpointError, UnusableHeadError

_HEAD = "classifier"
_TIME = 1

_POOL: Mapping[str, Callable[..., torch.Tensor]] = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax}
_ACTIVATE: Mapping[str, Callable[..., torch.Tensor]] = {"tanh": torch.tanh, "relu": torch.relu, "none": lambda x: x}


class PooledHead(torch.nn.Module):
    """Pooling over time without a mask, and linear layers with an activation between them.

    The original pools over padding, too; one clip at a time, there is none, but for a last frame of wav2vec2-bert.
    """

    def __init__(self, layout: HeadLayout, parameters: HeadParameters, *, hidden_size: int, outputs: int) -> None:
        sizes = [*[hidden_size] * len(layout.layers), outputs]
        names = [names[0].removeprefix(f"{_HEAD}.") for names in layout.layers]
        super().__init__()
        for name, size in zip(names, pairwise(sizes), strict=True):
            self.add_module(name, torch.nn.Linear(*size))
        self.parameters_in_use = parameters

    def forward(self, frames: torch.Tensor) -> Any:
        """Give one value per label for frames of shape (1, time, hidden size)."""
        *layers, last = self.children()
        values = _POOL[self.parameters_in_use.pooling](frames, dim=_TIME)
        for layer in layers:
            values = _ACTIVATE[self.parameters_in_use.activation](layer(values))
        return last(values)


class RepairedModel:
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


def repaired_class(config: Any, head: Mapping[str, Any]) -> type[RepairedModel]:
    """Make the class whose `from_pretrained` loads a checkpoint with a rebuilt head.

    Args:
        config: The configuration of the checkpoint, as transformers has read it; a weighted sum of layers, which the
            original class has not, is switched off in it.
        head: `kind`, and optionally `pooling` and `activation` (see `HeadParameters.settle`).

    Raises:
        UnusableHeadError: The layout, the pooling or the activation is unknown, or not for this type of model.
    """
    layout = repairable_layout(head.get("kind"), config.model_type)
    parameters = HeadParameters.settle(head, {"pooling_mode": getattr(config, "pooling_mode", None)})
    config.use_weighted_layer_sum = False
    original = MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING[type(config)]
    attributes = {"head_layout": layout, "head_parameters": parameters}
    return type(f"Repaired{original.__name__}", (RepairedModel, original), attributes)


def require_whole_head(layout: HeadLayout, missing: Iterable[str]) -> None:
    """Raise UnusableHeadError where weights of the head are missing: there is nothing to rebuild it from."""
    lost = sorted(name for name in missing if name.startswith(f"{_HEAD}."))
    if lost:
        raise UnusableHeadError(f"the head is not of layout {layout.name}: the checkpoint has no {', '.join(lost)}")


def answers_by_activation(checkpoint: Checkpoint, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Logits of one window under every activation that a rebuilt head may have had: evidence for a person.

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
