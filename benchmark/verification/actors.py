"""The workers of verification: one inspects configurations, the others load checkpoints and probe them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.hub.torch_pickles import read_pickle
from benchmark.models.actor import ModelActor
from benchmark.models.checkpoint import tensor_shapes
from benchmark.models.skeleton import build_skeleton, check_config

_HEAD_PREFIXES = ("projector.", "classifier.")


class InspectionActor:
    """Reads configurations and pickles. Start it with `Worker("benchmark.verification.actors:InspectionActor", …)`."""

    def check_config(self, config: dict[str, Any]) -> None:
        """Let transformers validate a configuration (see `benchmark.models.skeleton.check_config`)."""
        check_config(config)

    def build(self, config: dict[str, Any], names: list[str]) -> dict[str, Any]:
        """Build a model without weights and give the `Skeleton` as plain data (see `build_skeleton`)."""
        return asdict(build_skeleton(config, names))

    def read_pickle(self, content: NDArray[np.uint8], name: str, pickles: int, load: bool) -> dict[str, Any]:
        """Describe the pickle of a weight file (see `benchmark.hub.torch_pickles.read_pickle`)."""
        return read_pickle(content, name, pickles, load)


class LoadActor(ModelActor):
    """Loads a checkpoint and probes it. Start it with `Worker("benchmark.verification.actors:LoadActor", …)`."""

    def head_biases(self) -> dict[str, NDArray[np.float32]]:
        """Give the biases of projector and classifier by name, without those of a normalisation."""
        return {
            f"{name}.bias": np.asarray(part.bias.detach().float().cpu().numpy(), dtype=np.float32)
            for name, part in self._checkpoint.model.named_modules()
            if f"{name}.".startswith(_HEAD_PREFIXES) and isinstance(part, torch.nn.Linear) and part.bias is not None
        }

    def tensor_shapes(self, files: list[str]) -> dict[str, list[int]]:
        """Give name and shape of every tensor in weight files, which are read whole where their format demands it."""
        return {name: list(shape) for name, shape in tensor_shapes([Path(file) for file in files]).items()}

    def batch_logits(self, samples: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Compute several windows in one call, padded by the checkpoint's own feature extractor where they differ.

        Args:
            samples: Mono samples at the model's rate, each of one window at most.

        Returns:
            Logits of shape (windows, labels), NaN included.
        """
        return self._checkpoint.forward(self._checkpoint.features(*samples))
