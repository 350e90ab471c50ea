"""The head layouts that are known, and how one is recognised by names and shapes of weights, without torch.

A head is a chain of linear layers behind the encoder. One that transformers has no class for is rebuilt from its
`HeadLayout` alone (`benchmark.models.repair`): pooling over time, then the layers with an activation between them.
Their names begin with `classifier.`, and all but the last keep the hidden size. Add to `LAYOUTS` only what published
code shows (docs/guides/head.md): a guess that fits the shapes gives answers that look right and are not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Self

from benchmark.errors import RequestError
from benchmark.models.load_reports import STANDARD_HEAD, UnusableHeadError
from benchmark.models.model_types import AUDIO_CLASSIFICATION_TYPES, BENCH_TYPES
from benchmark.plugins import Group, load_plugin, plugin_digests, plugin_names

POOLINGS = ("mean", "sum", "max")
ACTIVATIONS = ("tanh", "relu", "none")
DENSE_OUT = "dense-out"
_MATRIX = 2

_SPECTROGRAM_TRANSFORMER = "audio-spectrogram-transformer"
# Whisper's classifier has another kind of encoder inside; a spectrogram transformer pools by tokens of its own.
_OF_TRANSFORMERS = frozenset(AUDIO_CLASSIFICATION_TYPES) - BENCH_TYPES
_OF_FRAMES = _OF_TRANSFORMERS - {_SPECTROGRAM_TRANSFORMER, "whisper"}

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class HeadLayout:
    """A head that checkpoints have.

    Attributes:
        name: Its name in reports and in the registry.
        layers: Its linear layers, from the encoder on: the names that each is known by, the original's first.
        normalisation: A layer normalisation before them, where there is one.
        model_types: The model types whose checkpoints have it.
        own: Whether it is transformers' own, so that nothing needs to be rebuilt.
    """

    name: str
    layers: tuple[tuple[str, ...], ...]
    normalisation: str | None = None
    model_types: frozenset[str]
    own: bool = False

    @property
    def key_mapping(self) -> dict[str, str]:
        """Renames the weights of layers with other names to the original's, for `from_pretrained`."""
        return {rf"^{re.escape(name)}\.": f"{names[0]}." for names in self.layers for name in names[1:]}


LAYOUTS: tuple[HeadLayout, ...] = (
    HeadLayout(
        name=STANDARD_HEAD,
        layers=(("projector",), ("classifier",)),
        model_types=_OF_TRANSFORMERS - {_SPECTROGRAM_TRANSFORMER},
        own=True,
    ),
    HeadLayout(
        name=STANDARD_HEAD,
        layers=(("classifier.dense",),),
        normalisation="classifier.layernorm",
        model_types=frozenset({_SPECTROGRAM_TRANSFORMER}),
        own=True,
    ),
    # "Wav2Vec2ForSpeechClassification" and "HubertForSpeechClassification", copied from one notebook into hundreds of
    # repositories: pooling without a mask, dense, tanh, out_proj. One popular checkpoint calls the last layer `output`.
    HeadLayout(
        name=DENSE_OUT,
        layers=(("classifier.dense",), ("classifier.out_proj", "classifier.output")),
        model_types=_OF_FRAMES,
    ),
)


def layouts() -> tuple[HeadLayout, ...]:
    """All known layouts: `LAYOUTS`, and those of installed packages and of files of the user's.

    Raises:
        RequestError: A package adds something that is no layout, can't be imported, or has the name of another.
    """
    return _layouts(plugin_digests())


@cache
def _layouts(digests: tuple[str, ...]) -> tuple[HeadLayout, ...]:
    del digests  # of other files, other layouts
    known = list(LAYOUTS)
    for name in plugin_names(Group.HEADS):
        layout = load_plugin(Group.HEADS, name)
        if not isinstance(layout, HeadLayout) or layout.own:
            raise RequestError(f"The package that adds the head {name!r} must name a HeadLayout with own=False.")
        if layout.name != name or any(layout.name == other.name for other in known):
            raise RequestError(f"The head {layout.name!r} is added as {name!r}: it needs one name, and its own.")
        known.append(layout)
    return tuple(known)


@dataclass(frozen=True)
class HeadMatch:
    """A known head that a checkpoint has, complete and with shapes that fit.

    Attributes:
        layout: The name of its layout.
        own: As in `HeadLayout`.
        outputs: Number of its labels.
        layers: Names of its layers in the checkpoint, from the encoder on.
        pooling: One of `POOLINGS`; None where the configuration names one that is not known, so that a person has to
            state it.
    """

    layout: str
    own: bool
    outputs: int
    layers: tuple[str, ...]
    pooling: str | None


@dataclass(frozen=True)
class HeadParameters:
    """What a head's weights leave open: its pooling over time, and the activation between its layers."""

    pooling: str
    activation: str

    @classmethod
    def settle(cls, options: Mapping[str, Any], config: Mapping[str, Any]) -> Self:
        """Settle how a head computes: the options decide, then the configuration, then what the original does.

        Args:
            options: `pooling` and `activation`; each may be absent or None.
            config: The checkpoint's configuration, which may name its `pooling_mode`.

        Raises:
            UnusableHeadError: One of them is not known; the message names the fix.

        Examples:
            >>> HeadParameters.settle({}, {"pooling_mode": "max"})
            HeadParameters(pooling='max', activation='tanh')
        """
        pooling = options.get("pooling") or config.get("pooling_mode") or POOLINGS[0]
        activation = options.get("activation") or ACTIVATIONS[0]
        if pooling not in POOLINGS:
            raise UnusableHeadError(
                f"the head pools by {pooling!r}, which is not known; where you know that it is one of "
                f"{', '.join(POOLINGS)}, say so in the registry: `head: {{kind: {DENSE_OUT}, pooling: mean}}`"
            )
        if activation not in ACTIVATIONS:
            raise UnusableHeadError(f"unknown activation {activation!r}: choose one of {', '.join(ACTIVATIONS)}")
        return cls(pooling, activation)


def recognise(shapes: Shapes, config: Mapping[str, Any]) -> HeadMatch | None:
    """Find the known head that a checkpoint has.

    Args:
        shapes: Name → shape of all tensors of the checkpoint.
        config: Its `config.json`.

    Returns:
        None where the head is of no known layout, incomplete, or of shapes that don't fit together.

    Examples:
        >>> shapes = {"classifier.dense.weight": (4, 4), "classifier.dense.bias": (4,),
        ...           "classifier.out_proj.weight": (3, 4), "classifier.out_proj.bias": (3,)}
        >>> recognise(shapes, {"model_type": "hubert", "hidden_size": 4, "pooling_mode": "max"})
        HeadMatch(layout='dense-out', own=False, outputs=3, layers=('classifier.dense', 'classifier.out_proj'), \
pooling='max')
    """
    model_type = config.get("model_type")
    fitting = [layout for layout in layouts() if isinstance(model_type, str) and model_type in layout.model_types]
    matches = [match for layout in fitting if (match := _match(layout, shapes, config)) is not None]
    # Of two layouts that fit, the one that has a place for more of the weights.
    return max(matches, key=lambda match: (match.own, len(match.layers)), default=None)


def repairable_layout(kind: object, model_type: str) -> HeadLayout:
    """Find the layout that a head is to be rebuilt by.

    Raises:
        UnusableHeadError: There is none of this name that can be rebuilt, or not for this model type.
    """
    rebuilt = {layout.name: layout for layout in layouts() if not layout.own}
    layout = rebuilt.get(kind) if isinstance(kind, str) else None
    if layout is None:
        raise UnusableHeadError(f"unknown head {kind!r}: choose one of {', '.join(rebuilt)}")
    if model_type not in layout.model_types:
        raise UnusableHeadError(f"a head of layout {kind} is not known for the model type {model_type}")
    return layout


def _match(layout: HeadLayout, shapes: Shapes, config: Mapping[str, Any]) -> HeadMatch | None:
    present = [[name for name in names if f"{name}.weight" in shapes] for names in layout.layers]
    if any(len(names) != 1 for names in present):
        return None
    layers = tuple(names[0] for names in present)
    widths = _widths(layers, shapes)
    if widths is None:
        return None
    hidden_size = config.get("hidden_size", config.get("d_model", widths[0]))
    if widths[0] != hidden_size or (not layout.own and set(widths[:-1]) != {hidden_size}):
        return None
    normalised = layout.normalisation
    if normalised and any(shapes.get(f"{normalised}.{part}") != (widths[0],) for part in ("weight", "bias")):
        return None
    pooling = POOLINGS[0] if layout.own else config.get("pooling_mode") or POOLINGS[0]
    return HeadMatch(layout.name, layout.own, widths[-1], layers, pooling if pooling in POOLINGS else None)


def _widths(layers: Sequence[str], shapes: Shapes) -> tuple[int, ...] | None:
    """Widths along a chain of linear layers, from its input to its output; None where they don't fit."""
    weights = [tuple(shapes[f"{layer}.weight"]) for layer in layers]
    biases = [tuple(shapes.get(f"{layer}.bias", ())) for layer in layers]
    if any(len(weight) != _MATRIX for weight in weights) or biases != [weight[:1] for weight in weights]:
        return None
    if any(before[0] != after[1] for before, after in pairwise(weights)):
        return None
    return weights[0][1], *(weight[0] for weight in weights)
