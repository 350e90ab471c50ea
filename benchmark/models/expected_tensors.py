"""The names and shapes of the tensors that a model expects, and where a checkpoint's tensors go. No torch here."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

LAYER_WEIGHTS = "layer_weights"
_GROUP = r"\1"
# Used in training only: the embedding of masked frames, and how many batches a normalisation has seen.
_HARMLESS = ("masked_spec_embed", "num_batches_tracked")
_LEARNT = frozenset({"weight", "bias", "weight_g", "weight_v", "original0", "original1"})
_DEPTH_OF_ADAPTER = 2


class Part(StrEnum):
    """What a weight belongs to."""

    ENCODER = "encoder"
    HEAD = "head"
    LAYER_WEIGHTS = "layer weights"


@dataclass(frozen=True, kw_only=True)
class Renaming:
    """A renaming that transformers does when it loads, such as `weight_g` to `parametrizations.weight.original0`.

    Attributes:
        pattern: What is replaced: alternatives, each a named group.
        target: What it is replaced by; may refer to the group within the alternative.
        scope: Where a name has to begin for it; None for anywhere.
        base: What may stand before the scope.
    """

    pattern: str
    target: str
    scope: str | None = None
    base: str | None = None

    def renamed(self, name: str) -> str:
        r"""Rename as transformers does (`WeightTransform.rename_source_key`).

        Examples:
            >>> Renaming(pattern=r"(?P<g0>.weight_g(?!\w))", target=".weight.original0").renamed("conv.weight_g")
            'conv.weight.original0'
        """
        prefix = self._prefix(name)
        if prefix is None:
            return name
        rest = name.removeprefix(prefix)
        match = self._compiled.search(rest)
        if match is None:
            return name
        target = self.target
        if _GROUP in target:
            alternative = next(group for group, text in match.groupdict().items() if text is not None)
            target = target.replace(_GROUP, match[self._compiled.groupindex[alternative] + 1])
        return prefix + rest.replace(match[0], target, 1)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def _prefix(self, name: str) -> str | None:
        """The beginning of the name that stays; None where the renaming is not for this name."""
        if self.scope is None:
            return ""
        scope = f"{self.scope}." if self.scope else ""
        base = f"{self.base}." if self.base else ""
        return next((prefix for prefix in (base + scope, scope) if name.startswith(prefix)), None)


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """All weights that a model of some configuration has.

    Attributes:
        labels: One per output, from `id2label`; `LABEL_i` where it has no name for output i.
        parameters: Number of weights.
        shapes: Name → shape of every tensor that a load looks for.
        encoder: What the names of the encoder's weights begin with.
        base: What a checkpoint may have before all names of the encoder, or leave out.
        renamings: What happens to a checkpoint's names before they are looked up, in this order.
    """

    labels: tuple[str, ...]
    parameters: int
    shapes: Mapping[str, tuple[int, ...]]
    encoder: str
    base: str
    renamings: tuple[Renaming, ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """Give the skeleton as plain data."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Take the skeleton from plain data, in which tuples have become lists."""
        return cls(
            **{
                **plain,
                "labels": tuple(plain["labels"]),
                "shapes": {name: tuple(shape) for name, shape in plain["shapes"].items()},
                "renamings": tuple(Renaming(**renaming) for renaming in plain["renamings"]),
            }
        )

    def part(self, name: str) -> Part:
        """Say what a weight of the model belongs to.

        Examples:
            >>> skeleton = Skeleton(labels=(), parameters=0, shapes={}, encoder="hubert.", base="hubert")
            >>> [skeleton.part(name).value for name in ("hubert.layer_norm.weight", "projector.bias", "layer_weights")]
            ['encoder', 'head', 'layer weights']
        """
        if name.startswith(self.encoder):
            return Part.ENCODER
        return Part.LAYER_WEIGHTS if name == LAYER_WEIGHTS else Part.HEAD

    def is_of_encoder(self, name: str) -> bool:
        """Whether a tensor, expected or not, looks like one of the encoder, such as a layer more."""
        return name.startswith(self.encoder) or name.partition(".")[0] in self._encoder_parts

    def target_name(self, name: str) -> str:
        """Give the name that the model has for a tensor of a checkpoint.

        Returns:
            That name; where the model has none, the name that a load reports as unexpected.
        """
        renamed = name
        for renaming in self.renamings:
            renamed = renaming.renamed(renamed)
        target = self._with_fitting_prefix(renamed)
        if target not in self.shapes and name in self.shapes:
            return self._with_fitting_prefix(name)
        return target

    @cached_property
    def _encoder_parts(self) -> frozenset[str]:
        names = (name.removeprefix(self.encoder) for name in self.shapes if name.startswith(self.encoder))
        return frozenset(name.partition(".")[0] for name in names)

    def _with_fitting_prefix(self, name: str) -> str:
        """Add or take away the name of the base model, whichever leads to a weight of the model."""
        if not self.base:
            return name
        shorter = name.removeprefix(f"{self.base}.")
        if shorter != name and shorter in self.shapes:
            return shorter
        longer = f"{self.base}.{name}"
        return longer if longer in self.shapes else name


def is_learnt_by_encoder(name: str) -> bool:
    """Whether a tensor of an encoder was learnt and decided its answers, so that it must not be left out.

    Buffers, such as positions, are computed by the model; no classifier reads an adapter behind the encoder.

    Examples:
        >>> is_learnt_by_encoder("wav2vec2.feature_extractor.conv_layers.1.layer_norm.weight")
        True
        >>> [is_learnt_by_encoder(f"hubert.{name}") for name in ("encoder.position_ids", "adapter.conv.bias")]
        [False, False]
    """
    parts = name.split(".")
    return parts[-1] in _LEARNT and "adapter" not in parts[:_DEPTH_OF_ADAPTER]


def is_harmless(name: str) -> bool:
    """Whether a weight decides nothing about an answer, so that it may be missing.

    Examples:
        >>> is_harmless("wavlm.masked_spec_embed"), is_harmless("classifier.bias")
        (True, False)
    """
    return name.rpartition(".")[2] in _HARMLESS
