"""The packaged data files of this room, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

# libyaml, where PyYAML was built with it, reads the aliases ten times faster; start-up time counts.
_FastestSafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Entry:
    """One canonical class as aliases.yaml describes it.

    Attributes:
        kind: `emotion`, `coarse` or `residual`.
        aliases: The labels that name it, by language; `codes` holds the abbreviations.
    """

    kind: str
    aliases: Mapping[str, tuple[str, ...]]


def packaged(file_name: str) -> dict[str, dict[str, Any]]:
    """Read one of the data files."""
    text = files("benchmark.emotions").joinpath(file_name).read_text(encoding="utf-8")
    content: dict[str, dict[str, Any]] = yaml.load(text, Loader=_FastestSafeLoader)  # noqa: S506 - it is a safe loader
    return content


@cache
def vocabulary() -> Mapping[str, Entry]:
    """All canonical classes by name, in the order of aliases.yaml."""
    return MappingProxyType(
        {
            name: Entry(
                kind=fields["kind"],
                aliases={language: tuple(labels) for language, labels in fields.items() if language != "kind"},
            )
            for name, fields in packaged("aliases.yaml").items()
        }
    )


@cache
def codes_by_corpus() -> Mapping[str, Mapping[str, str]]:
    """What the codes of each acted or annotated corpus mean: corpus → code → canonical class."""
    return MappingProxyType({corpus: MappingProxyType(codes) for corpus, codes in packaged("codes.yaml").items()})
