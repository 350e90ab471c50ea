"""Candidates of native layouts: what other toolkits saved and bench rebuilds, from inspection to their finding."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmark.hub.repository_facts import RepoFacts
from benchmark.models.native_layouts import (
    NativeLayout,
    NativeLayoutError,
    Shapes,
    describe_native,
    find_layout,
    native_parameters,
    native_preprocessor,
    outline_native,
)
from benchmark.results.status import Status
from benchmark.results.verification import Finding

# What a repository is otherwise, whose layout is known and cannot be rebuilt.
_OTHERWISE = frozenset({Status.CUSTOM_CODE, Status.CUSTOM_INTERFACE, Status.UNSUPPORTED_ARCHITECTURE})


@dataclass(frozen=True)
class NativeModel:
    """A model of a native layout, as far as it is described.

    Attributes:
        layout: Its layout.
        config: The configuration of the model that bench builds; without the encoder until the tensors are known.
        obstacle: Why it cannot be rebuilt, as the rest of a sentence after `since`; None where nothing is in the way.
    """

    layout: NativeLayout
    config: dict[str, Any]
    obstacle: str | None = None

    @property
    def is_rebuilt(self) -> bool:
        """Whether it is rebuilt, as far as that is known."""
        return self.obstacle is None

    def described(self, facts: RepoFacts) -> RepoFacts:
        """The repository, as if it held the configuration and the feature extractor of the rebuilt model."""
        return replace(facts, config=self.config, config_problem=None, preprocessor=native_preprocessor(self.config))


def outline(facts: RepoFacts, *, repair_heads: bool) -> NativeModel | None:
    """Recognise a native layout by a repository's small files, and name the outputs; None where there is none."""
    layout = find_layout(facts)
    if layout is None:
        return None
    if not repair_heads:
        return NativeModel(layout, {}, "--no-repair-heads was given")
    try:
        return NativeModel(layout, outline_native(layout, facts))
    except NativeLayoutError as error:
        return NativeModel(layout, {}, str(error))


def complete(native: NativeModel, facts: RepoFacts, shapes: Shapes) -> NativeModel:
    """Add what names and shapes of the tensors say."""
    try:
        return replace(native, config=describe_native(native.layout, facts, shapes))
    except NativeLayoutError as error:
        return replace(native, obstacle=str(error))


def explain(native: NativeModel, findings: list[Finding]) -> Iterator[Finding]:
    """Add to what a repository is otherwise why it cannot be rebuilt."""
    for finding in findings:
        if finding.status in _OTHERWISE:
            reason = f"{finding.reason.rstrip('.')}; its layout ({native.layout.name}) is known and cannot be rebuilt, "
            yield finding.model_copy(update={"reason": f"{reason}since {native.obstacle}."})
        else:
            yield finding


def rebuilt(native: NativeModel, evidence: dict[str, Any]) -> Finding:
    """Say that a model is rebuilt, and what that assumes."""
    parameters = native_parameters(native.config)
    assumed = "".join(f", with {value} {name}" for name, value in parameters.items() if name.startswith("assumed"))
    return Finding(
        status=Status.REPAIRED,
        reason=(
            f"Its layout ({native.layout.name}) is rebuilt from the checkpoint's own weights, with "
            f"{parameters['pooling']} pooling{assumed}; unconfirmed by a published score."
        ),
        evidence={"kind": native.layout.name, **parameters, **evidence},
    )
