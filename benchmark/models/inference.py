"""Reference inference: torch, one clip at a time, whole clips up to the model's window."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.models.asking import Askable, ClipAnswer, require_samples
from benchmark.models.reports import CheckpointError, LoadReport
from benchmark.models.supported import AUDIO_CLASSIFICATION_TYPES, Reads, shortest_input

_ATTENTION_MASK = "attention_mask"


@dataclass(frozen=True, eq=False)
class Checkpoint(Askable):
    """A model that is loaded and can be asked.

    Attributes:
        model: The model of transformers, in evaluation mode.
        extractor: Its feature extractor; None where the checkpoint has none and it was loaded all the same.
        report: What the load found out.
    """

    model: Any
    extractor: Any
    report: LoadReport

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ask about one stretch of audio that fits into the model's window, exactly as plain transformers does.

        Args:
            samples: Mono samples at the model's rate.

        Returns:
            One value per label; whatever the model says, NaN too.

        Raises:
            TooShortError: The model can't make a single frame of so little.
            CheckpointError: There is no feature extractor, or it makes what the model doesn't read.
        """
        self.require_enough(samples.size)
        rate = self.report.sampling_rate
        features = self.extractor(samples, sampling_rate=rate, return_tensors="pt")
        with torch.inference_mode():
            output = self.model(**self.inputs(features)).logits[0].float()
        return np.asarray(output.cpu().numpy(), dtype=np.float32)

    def require_enough(self, samples: int) -> None:
        """Refuse what is too short for the model, and everything where there is no feature extractor."""
        if self.extractor is None:
            raise CheckpointError(self.report.preprocessor_problem or "there is no feature extractor")
        require_samples(samples, self.shortest)

    @property
    def shortest(self) -> int:
        """Samples below which the model can't answer, or would answer without having heard anything."""
        return _shortest_clip(self.model.config)

    def inputs(self, features: Any) -> dict[str, torch.Tensor]:
        """What of the extractor's output goes into the model: its main input, and the mask where there is one."""
        name = self.model.main_input_name
        if name not in features:
            raise CheckpointError(
                f"the model reads {name}, and {type(self.extractor).__name__} makes {', '.join(features)}"
            )
        inputs = {name: features[name].to(self.model.device, self.model.dtype)}
        # Whisper's classifier takes no mask; all others that get one use it.
        if _ATTENTION_MASK in features and self.report.model_type != "whisper":
            inputs[_ATTENTION_MASK] = features[_ATTENTION_MASK].to(self.model.device)
        return inputs


def _shortest_clip(config: Any) -> int:
    """Samples below which the model can't answer, or would answer without having heard anything."""
    facts = AUDIO_CLASSIFICATION_TYPES.get(config.model_type)
    if facts is not None and facts.reads is Reads.FEATURES:
        return facts.shortest_samples
    # SEW joins several frames to one behind its convolutions.
    joined = [config.squeeze_factor] if hasattr(config, "squeeze_factor") else []
    kernels, strides = getattr(config, "conv_kernel", ()), getattr(config, "conv_stride", ())
    return shortest_input([*kernels, *joined], [*strides, *joined])


__all__ = ["Checkpoint", "ClipAnswer"]
