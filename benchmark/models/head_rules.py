"""Rules for heads: what becomes of a checkpoint, from the names and shapes of its tensors.

The same rules judge a header, which is read without a load, and what a load reports. Nothing here imports torch.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from benchmark.models.heads import HeadMatch
from benchmark.models.load_reports import LoadReport, ShapeMismatch

LAYER_WEIGHTS = "layer_weights"
# Used in training only: the embedding of masked frames, and how many batches a normalisation has seen.
_HARMLESS = ("masked_spec_embed", "num_batches_tracked")
_LEARNT = frozenset({"weight", "bias", "weight_g", "weight_v", "original0", "original1"})
_DEPTH_OF_ADAPTER = 2
# Weights of a loss, which are used in training only.
_LOSS = re.compile(r"(loss|criterion|class_weight)\w*(\.|$)")
# Not the small convolutions of data2vec's positions, nor an adapter behind the encoder.
_LAYER = re.compile(r"(?<!pos_conv_embed)(?<!adapter)(?:^|\.)layers?\.(\d+)\.")


class OtherTask(StrEnum):
    """Another task than classification that a checkpoint's weights are for."""

    CTC = "speech recognition (CTC)"
    SEQUENCE_TO_SEQUENCE = "speech recognition (sequence to sequence)"
    SPEAKER_VERIFICATION = "speaker verification"
    PRE_TRAINING = "pre-training"


_TASK_PREFIXES: Mapping[OtherTask, tuple[str, ...]] = {
    OtherTask.CTC: ("lm_head.", "ctc_head."),
    OtherTask.SEQUENCE_TO_SEQUENCE: ("model.decoder.", "decoder.", "proj_out."),
    OtherTask.SPEAKER_VERIFICATION: ("tdnn.", "objective."),
    OtherTask.PRE_TRAINING: (
        *("quantizer.", "project_q.", "project_hid.", "ctc_proj.", "speaker_proj.", "label_embeddings_concat"),
        "final_proj.",
    ),
}


class Outcome(StrEnum):
    """What becomes of a checkpoint when it is loaded."""

    STANDARD = "standard"
    REPAIRABLE = "repairable"
    WRONG_TASK = "wrong-task"
    NO_HEAD = "no-head"
    RANDOM = "random"
    MISMATCHED = "mismatched"


class Part(StrEnum):
    """What a weight belongs to."""

    ENCODER = "encoder"
    HEAD = "head"
    LAYER_WEIGHTS = "layer weights"


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """All weights that a model of some configuration has (`benchmark.models.skeleton`).

    Attributes:
        parameters: Number of weights.
        shapes: Name → shape of every tensor that a load looks for.
        encoder: Prefix of the encoder's weights.
        targets: Name of a checkpoint's tensor → the name under which a load looks for it; the others keep theirs.
    """

    labels: tuple[str, ...]
    parameters: int
    shapes: Mapping[str, tuple[int, ...]]
    encoder: str
    targets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Take the skeleton from plain data, in which tuples have become lists."""
        shapes = {name: tuple(shape) for name, shape in plain["shapes"].items()}
        return cls(**{**plain, "labels": tuple(plain["labels"]), "shapes": shapes})

    def part(self, name: str) -> Part:
        """Say what a weight of the model belongs to."""
        if name.startswith(self.encoder):
            return Part.ENCODER
        return Part.LAYER_WEIGHTS if name == LAYER_WEIGHTS else Part.HEAD

    def is_of_encoder(self, name: str) -> bool:
        """Whether a tensor, expected or not, looks like one of the encoder, such as a layer more."""
        return name.startswith(self.encoder) or name.partition(".")[0] in self._encoder_parts

    @cached_property
    def _encoder_parts(self) -> frozenset[str]:
        names = (name.removeprefix(self.encoder) for name in self.shapes if name.startswith(self.encoder))
        return frozenset(name.partition(".")[0] for name in names)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A checkpoint's tensors against those of the model that its configuration describes.

    Attributes:
        missing: Weights of the model that the checkpoint does not hold, sorted; a load makes them random.
        unexpected: Tensors of the checkpoint that the model has no place for, named as a load reports them.
        mismatched: Weights of different shapes; they fail a load.
        sources: For each weight of the model that the checkpoint holds, its name there.
    """

    expected: Skeleton
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[ShapeMismatch, ...] = ()
    sources: Mapping[str, str]

    @cached_property
    def missing_head(self) -> tuple[str, ...]:
        """Missing weights of the head."""
        return self._missing_of(Part.HEAD)

    @cached_property
    def missing_layer_weights(self) -> tuple[str, ...]:
        """Missing weights of a sum over layers."""
        return self._missing_of(Part.LAYER_WEIGHTS)

    @cached_property
    def missing_encoder(self) -> tuple[str, ...]:
        """Missing weights of the encoder that decide an answer."""
        return self._missing_of(Part.ENCODER)

    @property
    def fatal(self) -> tuple[str, ...]:
        """All that is missing and decides an answer, the head first."""
        return (*self.missing_head, *self.missing_layer_weights, *self.missing_encoder)

    @property
    def without_head(self) -> bool:
        """Whether no weight of the model's head is there."""
        return len(self.missing_head) == sum(self.expected.part(name) is Part.HEAD for name in self.expected.shapes)

    @property
    def bare_encoder(self) -> bool:
        """Whether there is only an encoder, and what it was pre-trained with."""
        encoder = any(self.expected.part(name) is Part.ENCODER for name in self.sources)
        return self.without_head and encoder and not self.other_heads and not self.unknown

    @cached_property
    def other_heads(self) -> tuple[OtherTask, ...]:
        """Tasks other than classification and pre-training that the checkpoint has weights for."""
        tasks = {_task(name) for name in self.unexpected}
        return tuple(task for task in OtherTask if task in tasks and task is not OtherTask.PRE_TRAINING)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Unexpected tensors of neither the encoder nor another task: perhaps a head of another layout."""
        return tuple(name for name in self.unexpected if _task(name) is None and not self.expected.is_of_encoder(name))

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Unexpected weights that the encoder was trained with: with them its answers would differ.

        Buffers, such as positions, are computed by the model; no classifier reads an adapter behind the encoder.
        """
        return tuple(name for name in self.unexpected if self.expected.is_of_encoder(name) and _is_learnt(name))

    @property
    def layers_expected(self) -> int:
        """Layers of the encoder in the configuration."""
        return _count_layers(name for name in self.expected.shapes if self.expected.part(name) is Part.ENCODER)

    @property
    def layers_found(self) -> int:
        """Layers of the encoder in the checkpoint."""
        return _count_layers(filter(self.expected.is_of_encoder, (*self.sources, *self.unexpected)))

    def beside_head(self, head: HeadMatch) -> tuple[str, ...]:
        """Tensors of neither encoder, head, other task nor loss: they may decide the answer, as an attention does."""
        layers = tuple(f"{layer}." for layer in head.layers)
        strays = [name for name in self.unknown if not name.startswith(layers) and not _LOSS.match(name)]
        # The rebuilt head reads the last layer only.
        return (*strays, *([LAYER_WEIGHTS] if LAYER_WEIGHTS in self.sources else []))

    def _missing_of(self, part: Part) -> tuple[str, ...]:
        return tuple(name for name in self.missing if self.expected.part(name) is part and not is_harmless(name))


def compare(expected: Skeleton, shapes: Mapping[str, Sequence[int]]) -> Comparison:
    """Compare the tensors of a checkpoint with those of the model of its configuration, as a load would.

    Args:
        expected: The model of the configuration.
        shapes: Name → shape of every tensor of the checkpoint, of all its shards together.
    """
    placed: dict[str, str] = {}
    for name in sorted(shapes):
        placed.setdefault(expected.targets.get(name, name), name)
    sources = {name: source for name, source in sorted(placed.items()) if name in expected.shapes}
    return Comparison(
        expected=expected,
        missing=tuple(sorted(set(expected.shapes) - set(sources))),
        unexpected=tuple(sorted(set(placed) - set(sources))),
        mismatched=tuple(
            ShapeMismatch(name, tuple(shapes[source]), expected.shapes[name])
            for name, source in sources.items()
            if tuple(shapes[source]) != expected.shapes[name]
        ),
        sources=sources,
    )


def compare_load(expected: Skeleton, report: LoadReport) -> Comparison:
    """The comparison that a load reports, in which the shapes fit: else it would have failed."""
    missing = set(report.missing)
    return Comparison(
        expected=expected,
        missing=report.missing,
        unexpected=report.unexpected,
        sources={name: name for name in expected.shapes if name not in missing},
    )


def conclude(comparison: Comparison, head: HeadMatch | None, *, is_stated: bool = False) -> Outcome:
    """Decide what becomes of a checkpoint when it is loaded.

    A head of another layout is repairable where the encoder is whole, the pooling is known, nothing beside the head may
    decide the answer, and it has as many outputs as the configuration has labels.

    Args:
        comparison: Its tensors against those of its configuration.
        head: The known head that it has.
        is_stated: Whether the registry says that it has this head, whatever stands beside it.
    """
    if not comparison.fatal:
        return Outcome.MISMATCHED if comparison.mismatched else Outcome.STANDARD
    if head is not None and not head.own:
        is_other = bool(comparison.beside_head(head)) and not is_stated
        if comparison.missing_encoder or head.pooling is None or is_other:
            return Outcome.RANDOM
        fits = not comparison.mismatched and head.outputs == len(comparison.expected.labels)
        return Outcome.REPAIRABLE if fits else Outcome.MISMATCHED
    if comparison.without_head and comparison.other_heads:
        return Outcome.WRONG_TASK
    return Outcome.NO_HEAD if comparison.bare_encoder else Outcome.RANDOM


def _is_learnt(name: str) -> bool:
    parts = name.split(".")
    return parts[-1] in _LEARNT and "adapter" not in parts[:_DEPTH_OF_ADAPTER]


def is_harmless(name: str) -> bool:
    """Whether a weight decides nothing about an answer, so that it may be missing."""
    return name.rpartition(".")[2] in _HARMLESS


def _count_layers(names: Iterable[str]) -> int:
    return len({match[1] for name in names if (match := _LAYER.search(name))})


def _task(name: str) -> OtherTask | None:
    return next((task for task, prefixes in _TASK_PREFIXES.items() if name.startswith(prefixes)), None)
