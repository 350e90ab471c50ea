"""A piece of a registry that a person fills in: what the labels that nobody knows mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from benchmark.emotions.classes import canonical_names
from benchmark.registry.schema import VERSION

_HEAD = """\
# What do these labels mean? Write a class, or any other name of one, after each colon; remove the lines of labels that
# are no emotion. Then move the entries into your registry, or use this file as one: bench run --candidates THIS-FILE
# The classes are {classes}.
"""
_WIDTH = 100


@dataclass(frozen=True)
class UnmappedLabels:
    """The labels of one model or corpus that mean nothing that is known.

    Attributes:
        place: The id of the candidate, or the source of the corpus.
        name: What the registry calls the corpus; the id for a candidate.
        labels: The labels, each with a remark for the person who fills them in.
    """

    place: str
    name: str
    labels: Mapping[str, str]


def edit_template(candidates: Sequence[UnmappedLabels], corpora: Sequence[UnmappedLabels]) -> str:
    """Write a registry in which every unmapped label waits for its meaning.

    Args:
        candidates: Those of models.
        corpora: Those of corpora.

    Returns:
        YAML that is a valid registry once the meanings are filled in or removed.

    Examples:
        >>> unmapped = UnmappedLabels("org/model", "model", {"x1": "output 0"})
        >>> print(edit_template([unmapped], []).partition("version")[2])
        : 1
        candidates:
          - id: "org/model"
            labels:
              "x1":  # output 0
        <BLANKLINE>
    """
    lines = [f"version: {VERSION}", "candidates:" if candidates else "candidates: []"]
    for entry in candidates:
        lines += [f"  - id: {_quoted(entry.place)}", "    labels:", *_waiting(entry.labels)]
    if corpora:
        lines.append("corpora:")
    for entry in corpora:
        lines += [f"  {_quoted(entry.name)}:", f"    source: {_quoted(entry.place)}", "    labels:"]
        lines += _waiting(entry.labels)
    return _HEAD.format(classes=_wrapped(canonical_names())) + "\n".join(lines) + "\n"


def _waiting(labels: Mapping[str, str]) -> list[str]:
    return [f"      {_quoted(label)}:  # {remark}" for label, remark in labels.items()]


def _quoted(text: str) -> str:
    # YAML's own writer escapes what would break a line or cannot be seen.
    written: str = yaml.dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return written.rstrip("\n")


def _wrapped(names: Sequence[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > _WIDTH:
            lines.append("")
        lines[-1] += f"{name}, "
    return "\n#   ".join(lines).rstrip(", ")
