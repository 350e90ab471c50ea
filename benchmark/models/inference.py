"""Reference inference: torch, one clip at a time, whole clips up to the model's window."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CONFIG_MAPPING

from benchmark.models.load_reports import CheckpointError, LoadReport
from benchmark.models.model_types import (
    ATTENTION_MASK,
    AUDIO_CLASSIFICATION_TYPES,
    BENCH_TYPES,
    CODE_FIELDS,
    Reads,
    shortest_input,
)
from benchmark.models.speech_model import SpeechModel


@dataclass(frozen=True, eq=False)
class Checkpoint(SpeechModel):
    """A checkpoint that is loaded.

    Attributes:
        model: The model of transformers, in evaluation mode.
        extractor: Its feature extractor; None where the checkpoint has none and it was loaded all the same.
    """

    model: Any
    extractor: Any
    report: LoadReport

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one window exactly as plain transformers does."""
        (logits,) = self.forward(self.features(samples))
        return np.asarray(logits, dtype=np.float32)

    def features(self, *windows: NDArray[np.float32]) -> dict[str, torch.Tensor]:
        """Make the model's inputs on the host: its main one, and the mask where there is one; raises as `logits`.

        Several windows are padded as the checkpoint's extractor does; the first axis of each input counts them.
        """
        self.require_enough(min(window.size for window in windows))
        # Extractors that bring everything to one length do so by themselves.
        padding = {} if len(windows) == 1 or self.report.fixed_window else {"padding": True}
        audio = windows[0] if len(windows) == 1 else list(windows)
        made = self.extractor(audio, sampling_rate=self.report.sampling_rate, return_tensors="pt", **padding)
        name = self.model.main_input_name
        if name not in made:
            raise CheckpointError(
                f"the model reads {name}, and {type(self.extractor).__name__} makes {', '.join(made)}"
            )
        # Whisper's classifier takes no mask; all others that get one use it.
        masked = ATTENTION_MASK in made and self.report.model_type != "whisper"
        return {key: made[key] for key in (name, *([ATTENTION_MASK] if masked else []))}

    def forward(self, features: Mapping[str, torch.Tensor]) -> NDArray[np.float32]:
        """Compute logits of shape (first axis of the features, labels), NaN included."""
        with torch.inference_mode():
            output = self.model(**{name: self._placed(tensor) for name, tensor in features.items()}).logits.float()
        return np.asarray(output.cpu().numpy(), dtype=np.float32)

    def require_enough(self, samples: int) -> None:
        """Refuse what is too short for the model, and everything where there is no feature extractor."""
        if self.extractor is None:
            raise CheckpointError(self.report.preprocessor_problem or "there is no feature extractor")
        super().require_enough(samples)

    @cached_property
    def shortest(self) -> int:
        """As in `SpeechModel`: from the extractor, or from the convolutions of the configuration."""
        return shortest_samples(self.model.config)

    def _placed(self, tensor: torch.Tensor) -> torch.Tensor:
        """Bring an input to the model's device, and to its number format if it is no mask."""
        device = self.model.device
        if device.type == "cuda":
            tensor = tensor.pin_memory()  # only from there it is copied while the host goes on
        placed = tensor.to(device, non_blocking=True)
        return placed.to(self.model.dtype) if placed.is_floating_point() else placed


def nested_config(fields: Mapping[str, Any], **settled: Any) -> Any:
    """Make the configuration of an encoder that another one holds; what may lead from it to code is left out."""
    kept = {name: value for name, value in fields.items() if name not in CODE_FIELDS}
    return CONFIG_MAPPING[fields["model_type"]].from_dict({**kept, **settled, "return_dict": True})


def shortest_samples(config: Any) -> int:
    """Samples that a model of this configuration needs, at the rate of its extractor."""
    facts = AUDIO_CLASSIFICATION_TYPES.get(config.model_type)
    if facts is not None and facts.reads is Reads.FEATURES:
        return facts.shortest_samples
    if config.model_type in BENCH_TYPES:
        return int(config.shortest_samples)
    # SEW joins several frames to one behind its convolutions.
    joined = [config.squeeze_factor] if hasattr(config, "squeeze_factor") else []
    kernels, strides = getattr(config, "conv_kernel", ()), getattr(config, "conv_stride", ())
    return shortest_input([*kernels, *joined], [*strides, *joined])
