"""The worker of the load check and of the probes: a model actor that can also be asked about several clips at once."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.models.actors import ModelActor

_ATTENTION_MASK = "attention_mask"
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
        loaded = self._loaded
        # Extractors that bring everything to one length do so by themselves.
        padding = {} if loaded.report.fixed_window else {"padding": True}
        features = loaded.extractor(samples, sampling_rate=loaded.report.sampling_rate, return_tensors="pt", **padding)
        name = loaded.model.main_input_name
        inputs: dict[str, Any] = {name: features[name].to(loaded.model.device, loaded.model.dtype)}
        if _ATTENTION_MASK in features and loaded.report.model_type != "whisper":
            inputs[_ATTENTION_MASK] = features[_ATTENTION_MASK].to(loaded.model.device)
        with torch.inference_mode():
            logits = loaded.model(**inputs).logits.float()
        return np.asarray(logits.cpu().numpy(), dtype=np.float32)
