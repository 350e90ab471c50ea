"""What a load would find out about a checkpoint, from names and shapes alone; nothing heavy here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmark.models.expected_tensors import Part, Skeleton, is_harmless, is_learnt_by_encoder
from benchmark.models.heads import HeadMatch
from benchmark.models.reports import ShapeMismatch

LAYER_WEIGHTS = "layer_weights"
# Weights of a loss, which are used in training only.
OF_LOSS = re.compile(r"(loss|criterion|class_weight)\w*(\.|$)")
# Not the small convolutions of data2vec's positions, nor an adapter behind the encoder.
_LAYER = re.compile(r"(?<!pos_conv_embed)(?<!adapter)(?:^|\.)layers?\.(\d+)\.")


class OtherTask(StrEnum):
    """Another task than classification that a checkpoint's weights are for."""

    CTC = "speech recognition (CTC)"
    SEQUENCE_TO_SEQUENCE = "speech recognition (sequence to sequence)"
    SPEAKER_VERIFICATION = "speaker verification"
    PRE_TRAINING = "pre-training"


_MARKS: Mapping[OtherTask, tuple[str, ...]] = {
    OtherTask.CTC: ("lm_head.",),
    OtherTask.SEQUENCE_TO_SEQUENCE: ("model.decoder.", "decoder.", "proj_out."),
    OtherTask.SPEAKER_VERIFICATION: ("tdnn.", "objective."),
    OtherTask.PRE_TRAINING: (
        "quantizer.",
        "project_q.",
        "project_hid.",
        "ctc_proj.",
        "speaker_proj.",
        "label_embeddings_concat",
        "final_proj.",
    ),
}


class Outcome(StrEnum):
    """What becomes of a checkpoint when it is loaded, as far as names and shapes tell."""

    STANDARD = "standard"
    REPAIRABLE = "repairable"
    WRONG_TASK = "wrong-task"
    NO_HEAD = "no-head"
    RANDOM = "random"
    MISMATCHED = "mismatched"


@dataclass(frozen=True, kw_only=True)
class HeaderComparison:
    """A checkpoint's names and shapes, held against those that its configuration stands for.

    Attributes:
        missing_head: Weights of the head that the checkpoint does not hold; they would be random.
        missing_layer_weights: The same for the weights of a sum over layers.
        missing_encoder: The same for the encoder.
        harmless: Missing, too, but they decide no answer.
        unexpected: What the checkpoint holds and the model has no place for, named as a load reports it.
        mismatched: Weights of different shapes; a load fails of them.
        head_size: How many weights the model's head has.
        encoder_found: How many weights of the encoder the checkpoint holds.
        layers_expected: Layers of the encoder that the configuration says.
        layers_found: Layers of the encoder in the checkpoint.
        sources: For each weight of the model that the checkpoint holds, its name there.
        other_tasks: Other tasks that the checkpoint has weights for.
        unknown: What is unexpected, and neither the encoder's nor another task's: perhaps a head of another layout.
        left_out: What is unexpected, and what the encoder has learnt: its answers were others with it.
    """

    missing_head: tuple[str, ...]
    missing_layer_weights: tuple[str, ...]
    missing_encoder: tuple[str, ...]
    harmless: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[ShapeMismatch, ...]
    head_size: int
    encoder_found: int
    layers_expected: int
    layers_found: int
    sources: Mapping[str, str]
    other_tasks: tuple[OtherTask, ...]
    unknown: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """All that is missing, as a load reports it: the harmless included."""
        return tuple(sorted((*self.missing_head, *self.missing_layer_weights, *self.missing_encoder, *self.harmless)))

    @property
    def fatal(self) -> tuple[str, ...]:
        """All that is missing and decides the answer."""
        return (*self.missing_head, *self.missing_layer_weights, *self.missing_encoder)

    @property
    def without_head(self) -> bool:
        """Whether not a single weight of the model's head is there."""
        return len(self.missing_head) == self.head_size

    @property
    def bare_encoder(self) -> bool:
        """Whether there is nothing but an encoder, and what it was pre-trained with."""
        others = set(self.other_tasks) - {OtherTask.PRE_TRAINING}
        return self.without_head and self.encoder_found > 0 and not others and not self.unknown


def compare(expected: Skeleton, found: Mapping[str, Sequence[int]]) -> HeaderComparison:
    """Hold a checkpoint's names and shapes against those that its configuration stands for.

    The types of the numbers don't matter: a load converts them.

    Args:
        expected: What the configuration stands for.
        found: Name → shape of every tensor of the checkpoint, of all its shards together.

    Returns:
        What a load would report.
    """
    sources: dict[str, str] = {}
    for name in sorted(found):
        sources.setdefault(expected.place(name), name)
    missing = sorted(set(expected.shapes) - set(sources))
    fatal = [name for name in missing if not is_harmless(name)]
    unexpected = tuple(sorted(set(sources) - set(expected.shapes)))
    held = {name: source for name, source in sources.items() if name in expected.shapes}
    strays = {name: _task(name) for name in unexpected}
    return HeaderComparison(
        missing_head=_of_part(expected, fatal, Part.HEAD),
        missing_layer_weights=_of_part(expected, fatal, Part.LAYER_WEIGHTS),
        missing_encoder=_of_part(expected, fatal, Part.ENCODER),
        harmless=tuple(name for name in missing if is_harmless(name)),
        unexpected=unexpected,
        mismatched=tuple(
            ShapeMismatch(name, tuple(found[source]), expected.shapes[name])
            for name, source in sorted(held.items())
            if tuple(found[source]) != expected.shapes[name]
        ),
        head_size=len(_of_part(expected, expected.shapes, Part.HEAD)),
        encoder_found=len(_of_part(expected, held, Part.ENCODER)),
        layers_expected=_layers(_of_part(expected, expected.shapes, Part.ENCODER)),
        layers_found=_layers(name for name in sources if expected.is_of_encoder(name)),
        sources=held,
        other_tasks=tuple(task for task in OtherTask if task in strays.values()),
        unknown=tuple(name for name, task in strays.items() if task is None and not expected.is_of_encoder(name)),
        left_out=tuple(name for name in unexpected if expected.is_of_encoder(name) and is_learnt_by_encoder(name)),
    )


def beside_head(comparison: HeaderComparison, head: HeadMatch) -> tuple[str, ...]:
    """Name what a checkpoint holds beside a head of another layout and may decide its answers: attention, say.

    Args:
        comparison: Its names and shapes against those of its configuration.
        head: The head that it was recognised to have.

    Returns:
        What belongs neither to the encoder, nor to the head, nor to another task, nor to a loss.
    """
    layers = tuple(f"{layer}." for layer in head.layers)
    strays = [name for name in comparison.unknown if not name.startswith(layers) and not OF_LOSS.match(name)]
    # The rebuilt head reads the last layer only.
    return tuple(strays) + ((LAYER_WEIGHTS,) if LAYER_WEIGHTS in comparison.sources else ())


def conclude(comparison: HeaderComparison, head: HeadMatch | None, *, labels: int, is_stated: bool = False) -> Outcome:
    """Say what becomes of a checkpoint when it is loaded, as far as names and shapes tell.

    Args:
        comparison: Its names and shapes against those of its configuration.
        head: The head that it was recognised to have (`benchmark.models.heads.recognise`).
        labels: How many labels its configuration has.
        is_stated: Whether a person says that it has this head, whatever else there is.

    Returns:
        The outcome. A head of a known other layout counts as repairable only where the encoder is whole, its pooling is
        known, there is nothing beside it that may decide the answer, and it has as many outputs as there are labels.
    """
    if not comparison.fatal:
        return Outcome.MISMATCHED if comparison.mismatched else Outcome.STANDARD
    if head is not None and not head.own:
        is_other = bool(beside_head(comparison, head)) and not is_stated
        if comparison.missing_encoder or head.pooling is None or is_other:
            return Outcome.RANDOM
        return Outcome.MISMATCHED if comparison.mismatched or head.outputs != labels else Outcome.REPAIRABLE
    if comparison.without_head:
        if set(comparison.other_tasks) - {OtherTask.PRE_TRAINING}:
            return Outcome.WRONG_TASK
        if comparison.bare_encoder:
            return Outcome.NO_HEAD
    return Outcome.RANDOM


def _of_part(expected: Skeleton, names: Iterable[str], part: Part) -> tuple[str, ...]:
    return tuple(name for name in names if expected.part(name) is part)


def _layers(names: Iterable[str]) -> int:
    return len({match[1] for name in names if (match := _LAYER.search(name))})


def _task(name: str) -> OtherTask | None:
    return next((task for task, marks in _MARKS.items() if name.startswith(marks)), None)
