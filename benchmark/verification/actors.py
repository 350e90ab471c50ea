"""The worker of the load check and of the probes: a model actor that can also be asked about several clips at once."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig

from benchmark.models.actors import ModelActor
from benchmark.models.skeleton import SkeletonActor

_OF_HEAD = ("projector.", "classifier.")


class LoadActor(ModelActor):
    """Loads, and asks. Start it with `Worker("benchmark.verification.actors:LoadActor", …)`."""

    def head_biases(self) -> dict[str, NDArray[np.float32]]:
        """Give the numbers of the biases of projector and classifier; those of a normalisation are none of these."""
        return {
            f"{name}.bias": np.asarray(part.bias.detach().float().cpu().numpy(), dtype=np.float32)
            for name, part in self._loaded.model.named_modules()
            if f"{name}.".startswith(_OF_HEAD) and isinstance(part, torch.nn.Linear) and part.bias is not None
        }

    def batch_logits(self, samples: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Ask about several windows in one call, padded by the checkpoint's own feature extractor where they differ.

        Args:
            samples: Mono samples at the model's rate, each of one window at most.

        Returns:
            Logits of shape (windows, labels), whatever the model says.
        """
        return self._loaded.forward(self._loaded.features(*samples))


class InspectionActor(SkeletonActor):
    """Validates configurations and builds skeletons of them, without weights.

    Start it with `Worker("benchmark.verification.actors:InspectionActor", …)`.
    """

    def check_config(self, config: dict[str, Any]) -> None:
        """Let transformers validate a configuration (see `check_config`)."""
        check_config(config)


def check_config(config: dict[str, Any]) -> None:
    """Let transformers validate a configuration; nothing is made of it but the configuration itself.

    Args:
        config: The content of a `config.json`, of a model type that transformers knows.

    Raises:
        Exception: Whatever transformers raises for a configuration that is not valid.
    """
    fields = {name: value for name, value in config.items() if name != "model_type"}
    type(AutoConfig.for_model(config["model_type"])).from_dict(fields)
