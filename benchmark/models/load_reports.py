"""Options and reports of a load, as plain data that passes between processes, and the errors of checkpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

STANDARD_HEAD = "standard"
_SHOWN_MISMATCHES = 3


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How a checkpoint is to be loaded.

    Attributes:
        preprocessor: The registry's override of the feature extractor (`sampling_rate`, `do_normalize`).
        preprocessor_required: Whether a missing or broken feature extractor fails the load; else it is reported.
        seed: Of whatever the checkpoint does not hold; None leaves it to chance.
        head: How a head is to be rebuilt: `kind` (such as `dense-out`), and optionally `pooling` and `activation`.
        config: Fields of the configuration to replace, for a head of its own on the checkpoint's encoder. What no
            longer has its shape is made at random and counts as missing.
        command: Fields of `benchmark.models.foreign.ForeignCommand`, where a program computes in place of a checkpoint.
        onnx: The ONNX file to load instead of a checkpoint: `file`, its path below the folder, and `labels`, one per
            output.
        prompts: What a zero-shot model compares audio with: `texts`, the prompts of one emotion after those of the
            other, and `phrasings`, how many each has.
    """

    preprocessor: dict[str, Any] | None = None
    preprocessor_required: bool = True
    device: str = "cpu"
    dtype: str = "float32"
    seed: int | None = None
    head: dict[str, Any] | None = None
    config: dict[str, Any] | None = None
    command: dict[str, Any] | None = None
    onnx: dict[str, Any] | None = None
    prompts: dict[str, Any] | None = None


@dataclass(frozen=True)
class ShapeMismatch:
    """A weight of another shape in the checkpoint than in the model; `{0, 1}` in its name stands for several layers."""

    name: str
    checkpoint: tuple[int, ...]
    model: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} is {_by(self.checkpoint)} in the checkpoint and {_by(self.model)} in the model"


def describe_mismatches(mismatches: Sequence[ShapeMismatch]) -> str:
    """Name the first mismatches, and how many more there are."""
    shown = "; ".join(map(str, mismatches[:_SHOWN_MISMATCHES]))
    more = len(mismatches) - _SHOWN_MISMATCHES
    return f"{shown}; and {more} more" if more > 0 else shown


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(str(size) for size in shape) or "a scalar"


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What a real load found out about a checkpoint.

    Attributes:
        architecture: The class of the model.
        head_parameters: What the weights of a rebuilt head leave open, and was assumed: `pooling` and `activation`.
        labels: One per output, from `id2label`; `LABEL_i` where it has no name for output i.
        label_problems: What is wrong with the names of the outputs, one sentence each.
        multi_label: Whether the head was trained with one sigmoid per label.
        parameters: Number of weights.
        gpu: Name of the GPU; None on the CPU.
        sampling_rate: Samples per second that the model expects; None where that is unknown.
        window_s: The longest stretch of audio, in seconds, that goes into the model at once.
        fixed_window: Whether a call costs the same however long the clip is.
        missing: Weights of the model that the checkpoint does not hold, and that are random therefore; sorted.
        unexpected: Weights of the checkpoint that the model has no place for; sorted.
        mismatched: Weights of different shapes; they fail a load, so there are none.
        errors: Further errors that transformers noted.
        preprocessor_problem: Why there is no feature extractor, with the fix; None where there is one.
        seconds: From opening the checkpoint to a model ready to answer, without imports.
    """

    architecture: str
    model_type: str
    head: str = STANDARD_HEAD
    head_parameters: dict[str, str] = field(default_factory=dict)
    labels: tuple[str, ...]
    label_problems: tuple[str, ...] = ()
    multi_label: bool
    parameters: int
    dtype: str
    device: str
    gpu: str | None = None
    attention: str | None
    sampling_rate: int | None
    window_s: float
    fixed_window: bool
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[ShapeMismatch, ...] = ()
    errors: tuple[str, ...] = ()
    preprocessor_problem: str | None = None
    seconds: float

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Take the report from plain data, in which tuples have become lists."""
        content: dict[str, Any] = {own.name: plain[own.name] for own in fields(cls)}
        content |= {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
        return cls(**content)


class CheckpointError(Exception):
    """A checkpoint cannot be used as it is; the message is a sentence for a person."""


class MissingPreprocessorError(CheckpointError):
    """There is no feature extractor, and the registry does not describe one."""

    def __init__(self) -> None:
        super().__init__(
            "there is no preprocessor_config.json; where you know what the model expects, say so in the registry: "
            "`preprocessor: {sampling_rate: 16000, do_normalize: true}`"
        )


class UnusablePreprocessorError(CheckpointError):
    """The feature extractor's file can't be read, or does not describe one for audio."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"its preprocessor_config.json cannot be used: {problem}")


class MismatchedWeightsError(CheckpointError):
    """Some weights have another shape than the configuration says."""


class UnusableHeadError(CheckpointError):
    """A head can't be rebuilt as it was asked for."""


class TooShortError(CheckpointError):
    """A clip is too short for the model to give a single frame."""


class NotFiniteError(CheckpointError):
    """The model answered with NaN or infinity."""
