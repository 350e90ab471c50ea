"""Models of type `bench-ensemble`: several audio classifiers in one, whose probabilities are averaged.

The configuration nests those of the members. It loads with `AutoModelForAudioClassification` once
`benchmark.register_models()` has been called.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoFeatureExtractor,
    AutoModelForAudioClassification,
    PreTrainedConfig,
    PreTrainedModel,
    Wav2Vec2FeatureExtractor,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from benchmark.errors import RequestError
from benchmark.models.inference import shortest_samples
from benchmark.models.model_types import (
    AUDIO_CLASSIFICATION_TYPES,
    BENCH_ENSEMBLE,
    CODE_FIELDS,
    Reads,
    output_labels,
)

_MOST_MEMBERS = 256
# As in Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm.
_SMALLEST_VARIANCE = 1e-7


@strict
class EnsembleConfig(PreTrainedConfig):  # type: ignore[misc] # transformers has no types
    """Configuration of an `EnsembleClassifier`.

    Args:
        members: The configurations of the members, each with its `model_type`; all read samples and have the labels of
            the ensemble, in their order.
        weights: Of the members' probabilities, relative to their sum; empty for equal ones.
        normalise: For each member, whether its samples are brought to mean 0 and variance 1; empty for none.

    Raises:
        ValueError: There are no members or too many, a member cannot be one, or the lists differ in length.
    """

    model_type = BENCH_ENSEMBLE

    members: list[dict[str, Any]] | tuple[dict[str, Any], ...] = ()
    weights: list[float | int] | tuple[float | int, ...] = ()
    normalise: list[bool] | tuple[bool, ...] = ()

    @property
    def shortest_samples(self) -> int:
        """Samples that every member can answer."""
        return max(shortest_samples(member) for member in self.member_configs())

    def member_configs(self) -> list[Any]:
        """Make the configurations of the members; what may lead from one to code is left out."""
        made = []
        for member in self.members:
            fields = {name: value for name, value in member.items() if name not in CODE_FIELDS}
            made.append(CONFIG_MAPPING[member["model_type"]].from_dict({**fields, "return_dict": True}))
        return made

    def validate_members(self) -> None:
        """Refuse what is no ensemble; members are validated by their own classes."""
        if len(self.members) > _MOST_MEMBERS:
            raise ValueError(f"an ensemble has at most {_MOST_MEMBERS} members")
        for name, values in (("weights", self.weights), ("normalise", self.normalise)):
            if values and len(values) != len(self.members):
                raise ValueError(f"{name} must have one entry for each of the {len(self.members)} members")
        if not all(math.isfinite(weight) and weight > 0 for weight in self.weights):
            raise ValueError("weights must be above 0")
        for index, member in enumerate(self.members):
            if (problem := _unfit(member.get("model_type"))) is not None:
                raise ValueError(f"member {index} {problem}")
        for index, made in enumerate(self.member_configs()):
            if made.num_labels != self.num_labels:
                raise ValueError(f"member {index} has {made.num_labels} labels, and the ensemble {self.num_labels}")


class EnsembleClassifier(PreTrainedModel):  # type: ignore[misc] # transformers has no types
    """Averages the probabilities of its members: its logits are the logarithm of the weighted mean of their softmax."""

    config_class = EnsembleConfig
    main_input_name = "input_values"
    # As in its members.
    _keep_in_fp32_modules_strict = ("spectrogram",)

    def __init__(self, config: EnsembleConfig) -> None:
        super().__init__(config)
        if not config.members:
            raise ValueError("an ensemble needs at least one member")
        self.loss_type = "ForSequenceClassification"  # else transformers warns when the model is traced
        dtype = torch.get_default_dtype()
        self.members = nn.ModuleList(
            AutoModelForAudioClassification.from_config(member, dtype=dtype) for member in config.member_configs()
        )
        weights = config.weights or [1.0] * len(config.members)
        self._log_weights = [math.log(weight / sum(weights)) for weight in weights]
        self._normalise = config.normalise or [False] * len(config.members)
        self.post_init()

    def forward(
        self, input_values: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **_: Any
    ) -> SequenceClassifierOutput:
        """Compute logits of shape (clips, labels) from samples of shape (clips, samples).

        Args:
            input_values: Samples, not normalised.
            attention_mask: 1 for samples, 0 for padding behind them; None where there is none.
            labels: Indices of classes; with them the output has the cross-entropy as its loss.
        """
        answers = []
        for member, log_weight, normalise in zip(self.members, self._log_weights, self._normalise, strict=True):
            values = _normalised(input_values, attention_mask) if normalise else input_values
            member_logits = member(values, attention_mask=attention_mask).logits
            answers.append(member_logits.log_softmax(dim=1) + log_weight)
        logits = torch.stack(answers).logsumexp(dim=0)
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def join_members(folders: Sequence[Path], target: Path, weights: Sequence[float] | None = None) -> Path:
    """Save the candidates of several folders as one ensemble, in one safetensors file.

    Args:
        folders: Models with their feature extractors; all read samples at one rate and have the same labels.
        target: The folder of the ensemble.
        weights: Of the members' probabilities, one for each folder; None for equal ones.

    Returns:
        The folder of the ensemble.

    Raises:
        RequestError: The members do not fit together.
        OSError: A folder cannot be read or written.
    """
    configs = [AutoConfig.from_pretrained(folder, local_files_only=True) for folder in folders]
    extractors = [AutoFeatureExtractor.from_pretrained(folder, local_files_only=True) for folder in folders]
    for folder, config in zip(folders, configs, strict=True):
        if (problem := _unfit(config.model_type)) is not None:
            raise RequestError(f"{folder} {problem}: leave it out of the ensemble.")
        own, first = _labels(config), _labels(configs[0])
        if own != first:
            raise RequestError(
                f"{folder} has the labels {', '.join(own)} and {folders[0]} {', '.join(first)}: members of an ensemble "
                "need the same labels in the same order."
            )
    if len({extractor.sampling_rate for extractor in extractors}) > 1:
        raise RequestError("The members of an ensemble need one sampling rate: leave out those of another.")
    config = EnsembleConfig(
        members=[_description(config) for config in configs],
        weights=list(weights or ()),
        normalise=[bool(getattr(extractor, "do_normalize", False)) for extractor in extractors],
        id2label=configs[0].id2label,
        label2id=configs[0].label2id,
    )
    ensemble = EnsembleClassifier(config)
    for member, folder in zip(ensemble.members, folders, strict=True):
        saved = AutoModelForAudioClassification.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        member.load_state_dict(saved.state_dict())
    ensemble.save_pretrained(target)
    rate = extractors[0].sampling_rate
    Wav2Vec2FeatureExtractor(sampling_rate=rate, do_normalize=False, return_attention_mask=False).save_pretrained(
        target
    )
    return target


def _unfit(model_type: object) -> str | None:
    """Say why a model type cannot be a member; None where it can."""
    facts = AUDIO_CLASSIFICATION_TYPES.get(model_type) if isinstance(model_type, str) else None
    if facts is None or model_type == BENCH_ENSEMBLE:
        return f"is of the type {str(model_type)[:80]!r}, which cannot be a member of an ensemble"
    if facts.reads is not Reads.SAMPLES:
        return f"is of the type {model_type!r}, which reads features and not samples"
    return None


def _description(config: Any) -> dict[str, Any]:
    """Give a member's configuration without where it lay and what only its own file needs."""
    left_out = ("_name_or_path", "architectures", "transformers_version", "dtype")
    return {name: value for name, value in config.to_dict().items() if name not in left_out}


def _labels(config: Any) -> tuple[str, ...]:
    return output_labels(config.id2label, config.num_labels)


def _normalised(samples: Tensor, mask: Tensor | None) -> Tensor:
    weights = torch.ones_like(samples) if mask is None else mask.to(samples.dtype)
    count = weights.sum(dim=1, keepdim=True).clamp(min=1)
    centred = (samples - (samples * weights).sum(dim=1, keepdim=True) / count) * weights
    variance = centred.square().sum(dim=1, keepdim=True) / count
    return centred / (variance + _SMALLEST_VARIANCE).sqrt()
