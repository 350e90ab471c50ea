"""The worker of the load check and of the probes: a model actor that can also be asked about several clips at once."""

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.models.actors import ModelActor

_OF_HEAD = ("projector.", "classifier.")


class LoadActor(ModelActor):
    """Loads, and asks. Start it with `Worker("benchmark.verification.load_actor:LoadActor", …)`."""

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
