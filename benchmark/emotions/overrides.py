"""Which output of a model an override of its labels is about."""

import re
from collections.abc import Mapping, Sequence

from benchmark.errors import RequestError

PLACEHOLDER = re.compile(r"LABEL_(0|[1-9][0-9]{0,5})")
MOST_LABELS_SHOWN = 30
MOST_CHARACTERS_SHOWN = 60


def is_placeholder(label: str) -> bool:
    """Whether a label is the name that transformers gives to an output without one.

    Examples:
        >>> is_placeholder("LABEL_0"), is_placeholder("angry")
        (True, False)
    """
    return PLACEHOLDER.fullmatch(label) is not None


def override_by_position(
    labels: Sequence[str], own: Sequence[str | None], overrides: Mapping[str, str]
) -> dict[int, str]:
    """Find the outputs that overrides are about.

    Args:
        labels: The labels in the order of the outputs.
        own: What each label means by itself.
        overrides: Label → canonical class.

    Returns:
        Position → canonical class.

    Raises:
        RequestError: A label does not occur, or a placeholder contradicts the name that its output has.

    Examples:
        >>> override_by_position(["LABEL_0", "sad"], [None, "sadness"], {"LABEL_0": "anger", "LABEL_1": "sadness"})
        {0: 'anger'}
    """
    found: dict[int, str] = {}
    for label, emotion in overrides.items():
        places = [place for place, known in enumerate(labels) if known == label]
        if not places:
            _require_agreeing_placeholder(label, emotion, labels, own)
        found.update(dict.fromkeys(places, emotion))
    return found


def _require_agreeing_placeholder(label: str, emotion: str, labels: Sequence[str], own: Sequence[str | None]) -> None:
    match = PLACEHOLDER.fullmatch(label)
    place = int(match[1]) if match else len(labels)
    if place >= len(labels):
        shown = ", ".join(repr(known[:MOST_CHARACTERS_SHOWN]) for known in labels[:MOST_LABELS_SHOWN])
        rest = ", …" if len(labels) > MOST_LABELS_SHOWN else ""
        raise RequestError(f"there is no label {label!r} to override; the labels are {shown}{rest}")
    if own[place] != emotion:
        name = labels[place][:MOST_CHARACTERS_SHOWN]
        raise RequestError(
            f"the override says that {label} means {emotion}, but that output is called {name!r}; "
            f"override {name!r} instead, or remove the override"
        )
