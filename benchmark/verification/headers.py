"""What the names and shapes of a checkpoint's tensors say, held against those that its configuration stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmark.hub.tensor_listing import TensorListing
from benchmark.models.comparison import (
    LAYER_WEIGHTS,
    HeaderComparison,
    OtherTask,
    Outcome,
    beside_head,
    compare,
    conclude,
)
from benchmark.models.expected_tensors import Part, Skeleton
from benchmark.models.heads import HeadMatch, HeadParameters, recognise
from benchmark.models.reports import STANDARD_HEAD
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.quantised import judge_types
from benchmark.verification.records import listed
from benchmark.verification.untrained import judge_biases
from benchmark.verification.weights_found import SUM_LEFT_OUT, UNFITTING, left_out_reason, random_reason

_SHOWN_MISMATCHES = 3
_MATRIX = 2
_CLASSIFIERS = frozenset({Outcome.STANDARD, Outcome.REPAIRABLE})


@dataclass(frozen=True, kw_only=True)
class HeaderVerdict:
    """What the headers of a checkpoint decide.

    Attributes:
        findings: What speaks against it.
        outcome: What becomes of it when it is loaded; None where its tensors are not known without a load.
        unknown: Why they are not known, as a sentence; None where they are.
        head: The layout of its head, as it is or is to be rebuilt; None where unknown.
        repair: How its head is to be rebuilt, as `LoadOptions.head`; None where it is transformers' own.
        skeleton: The model that its configuration describes; None where none was built.
        size: Bytes of the weight files that a load reads; None where nobody says.
        notes: What decides nothing.
    """

    findings: tuple[Finding, ...] = ()
    outcome: Outcome | None = None
    unknown: str | None = None
    head: str | None = None
    repair: Mapping[str, Any] | None = None
    skeleton: Skeleton | None = None
    size: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int | None:
        """Number of weights of the model that the configuration describes."""
        return None if self.skeleton is None else self.skeleton.parameters

    def overrules(self, claim: Status) -> bool:
        """Whether the weights make a claim of the configuration about the task void.

        A claim to be a bare encoder is void as soon as the weights are known. A claim to be for another task stands
        where the weights are not known to be a classifier, to be an encoder, or to be for another task themselves.
        """
        if self.outcome is None:
            return False
        return claim is Status.NO_HEAD or self.outcome not in {Outcome.RANDOM, Outcome.MISMATCHED}


def judge_listing(listing: TensorListing) -> HeaderVerdict:
    """Judge a checkpoint whose tensors can't be held against anything, from its header alone.

    Examples:
        >>> judge_listing(TensorListing(status=Status.UNSAFE_WEIGHTS, reason="it imports os.system")).findings[0].reason
        'Its weights cannot be used: it imports os.system.'
    """
    if listing.known:
        return HeaderVerdict(size=listing.size)
    reason = listing.reason or "its tensors are not known"
    if listing.status is None:
        return HeaderVerdict(unknown=reason, size=listing.size)
    evidence = {"imports": listed(listing.unsafe_globals)} if listing.unsafe_globals else {}
    found = Finding(status=listing.status, reason=f"Its weights cannot be used: {reason}.", evidence=evidence)
    return HeaderVerdict(findings=(found,), size=listing.size)


def judge_tensors(
    candidate: Candidate, config: Mapping[str, Any], skeleton: Skeleton, listing: TensorListing, *, repair_heads: bool
) -> HeaderVerdict:
    """Judge a checkpoint by names and shapes of its tensors.

    Args:
        candidate: As the registry names it; it may say how its head computes.
        config: Its `config.json`.
        skeleton: The model that the configuration describes.
        listing: Its tensors, which are known.
        repair_heads: Whether a known head that transformers has no class for is rebuilt.

    Returns:
        The verdict; without a finding where nothing speaks against it.
    """
    shapes = {name: tensor.shape for name, tensor in listing.by_name.items()}
    comparison = compare(skeleton, shapes)
    match = _with_override(recognise(shapes, config), candidate)
    outcome = conclude(comparison, match, labels=len(skeleton.labels), is_stated=candidate.head is not None)
    case = _Case(skeleton, listing, comparison, match, outcome)
    repair = None
    findings = list(_findings(case, repair_heads=repair_heads))
    if outcome is Outcome.REPAIRABLE and match is not None:
        repair = repair_options(match.layout, candidate, config)
        if repair_heads:
            findings.append(repaired(repair, {"layers": list(match.layers)}))
    is_rebuilt = outcome is Outcome.REPAIRABLE and repair_heads and match is not None
    return HeaderVerdict(
        findings=tuple(findings),
        outcome=outcome,
        head=match.layout if is_rebuilt and match else STANDARD_HEAD if outcome is Outcome.STANDARD else None,
        repair=repair if is_rebuilt else None,
        skeleton=skeleton,
        size=listing.size,
        notes=tuple(_unused(comparison)) if outcome is Outcome.STANDARD else (),
    )


def _unused(found: HeaderComparison) -> Iterator[str]:
    if found.unknown:
        yield f"the model has no place for {', '.join(listed(found.unknown, most=3))}, which the checkpoint holds"


def repair_options(layout: str, candidate: Candidate, config: Mapping[str, Any]) -> dict[str, str]:
    """Settle how a head is rebuilt: what the registry says, then the configuration, then what the original does.

    Raises:
        UnusableHeadError: The configuration names a pooling that is not known, and the registry none.
    """
    return {"kind": layout, **HeadParameters.settle(_said(candidate), config).as_plain()}


def repaired(repair: Mapping[str, Any], evidence: Mapping[str, Any]) -> Finding:
    """Say that a head was rebuilt, and what that assumes.

    Examples:
        >>> repaired({"kind": "dense-out", "pooling": "mean", "activation": "tanh"}, {}).reason
        "Its head of layout dense-out is rebuilt from the checkpoint's own weights, with mean pooling and an assumed \
tanh between its layers; unconfirmed by a published score."
    """
    assumed = "no activation" if repair["activation"] == "none" else f"an assumed {repair['activation']}"
    return Finding(
        status=Status.REPAIRED,
        reason=(
            f"Its head of layout {repair['kind']} is rebuilt from the checkpoint's own weights, with "
            f"{repair['pooling']} pooling and {assumed} between its layers; unconfirmed by a published score."
        ),
        evidence={**dict(repair), **evidence},
    )


@dataclass(frozen=True)
class _Case:
    """A checkpoint's tensors in every light."""

    skeleton: Skeleton
    listing: TensorListing
    comparison: HeaderComparison
    match: HeadMatch | None
    outcome: Outcome

    @property
    def evidence(self) -> dict[str, Any]:
        """What is missing and what is there instead."""
        found = self.comparison
        return {
            "missing": listed(found.fatal),
            "unexpected": listed(found.unexpected),
            "mismatched": listed(map(str, found.mismatched)),
            "layers": {"in the configuration": found.layers_expected, "in the checkpoint": found.layers_found},
        }

    def biases(self) -> tuple[str, ...]:
        """What the checkpoint calls the biases of its head."""
        if self.match is not None and not self.match.own:
            return tuple(f"{layer}.bias" for layer in self.match.layers)
        sources = self.comparison.sources
        shapes = self.skeleton.shapes
        # Not those of a normalisation, which training of the encoder moves, too.
        layers = (
            name.removesuffix(".weight")
            for name, shape in shapes.items()
            if self.skeleton.part(name) is Part.HEAD and name.endswith(".weight") and len(shape) == _MATRIX
        )
        return tuple(sources[f"{layer}.bias"] for layer in layers if f"{layer}.bias" in sources)


def _findings(case: _Case, *, repair_heads: bool) -> Iterator[Finding]:
    found, outcome = case.comparison, case.outcome
    others = [task for task in found.other_tasks if task is not OtherTask.PRE_TRAINING]
    if outcome is Outcome.WRONG_TASK or (outcome not in _CLASSIFIERS and OtherTask.SPEAKER_VERIFICATION in others):
        tasks = " and ".join(others)
        yield _told(case, Status.WRONG_TASK, f"Its weights hold a head for {tasks} and none for classification.")
    if outcome is Outcome.NO_HEAD:
        yield _told(
            case, Status.NO_HEAD, "Its weights are an encoder without a classifier, which would be random then."
        )
    if outcome is Outcome.RANDOM or (found.fatal and outcome is Outcome.MISMATCHED):
        yield _told(case, Status.RANDOM_HEAD, _why_random(case))
    if outcome is Outcome.REPAIRABLE and not repair_heads:
        yield _told(case, Status.RANDOM_HEAD, f"{_other_layout(case)}; it could be rebuilt with --repair-heads.")
    types = {name: case.listing.by_name[source].dtype for name, source in found.sources.items()}
    yield from judge_types(types, found.unexpected)
    if outcome in _CLASSIFIERS:
        names = case.biases()
        if names and all(name in case.listing.values for name in names):
            yield from judge_biases({name: case.listing.values[name] for name in names})
        yield from (_told(case, Status.LOAD_FAILED, reason) for reason in _left_out(case))
    if found.mismatched and outcome is not Outcome.WRONG_TASK:
        shown = "; ".join(str(mismatch) for mismatch in found.mismatched[:_SHOWN_MISMATCHES])
        more = len(found.mismatched) - _SHOWN_MISMATCHES
        also = f"; and {more} more" if more > 0 else ""
        yield _told(case, Status.LOAD_FAILED, f"{UNFITTING}: {shown}{also}.")


def _left_out(case: _Case) -> Iterator[str]:
    """What the classifier was trained behind, and a load would leave out without a word."""
    found = case.comparison
    if found.layers_found > found.layers_expected:
        yield (
            f"{UNFITTING}: the checkpoint holds {found.layers_found} layers and its configuration says "
            f"{found.layers_expected}; a load would leave the others out."
        )
    elif found.left_out:
        yield left_out_reason(found.left_out)
    if LAYER_WEIGHTS in found.unexpected and case.outcome is Outcome.STANDARD:
        yield SUM_LEFT_OUT


def _told(case: _Case, status: Status, reason: str) -> Finding:
    return Finding(status=status, reason=reason, evidence=case.evidence)


def _why_random(case: _Case) -> str:
    found = case.comparison
    if case.match is not None and not case.match.own:
        return f"{_other_layout(case)}; it cannot be rebuilt, since {_obstacle(case)}."
    if 0 < found.layers_found < found.layers_expected and found.missing_encoder:
        return (
            f"The checkpoint holds {found.layers_found} of the {found.layers_expected} layers that its configuration "
            "says; the others would be random."
        )
    where = " and ".join(
        part
        for part, names in (
            ("the head", found.missing_head),
            ("the sum over its layers", found.missing_layer_weights),
            ("the encoder", found.missing_encoder),
        )
        if names
    )
    empty = " (there is no weight at its top, as where a whole training was saved)"
    return random_reason(found.fatal, where, found.unknown, beside="" if case.listing.tensors else empty)


def _other_layout(case: _Case) -> str:
    layers = ", ".join(case.match.layers) if case.match else ""
    return f"Its head has another layout ({layers}) than transformers' own, which would be random"


def _obstacle(case: _Case) -> str:
    if case.comparison.missing_encoder:
        return f"{len(case.comparison.missing_encoder)} weights of the encoder are missing, too"
    if case.match is not None and case.match.pooling is None:
        return (
            "its configuration names a pooling that is not known; where you know it, say so in the registry: "
            "head: {kind: dense-out, pooling: mean}"
        )
    if case.match is not None and (besides := beside_head(case.comparison, case.match)):
        return (
            f"beside it there is {', '.join(listed(besides, most=3))}, which may decide the answer; where you know "
            f"that nothing does, say so in the registry: head: {{kind: {case.match.layout}, pooling: mean}}"
        )
    outputs = case.match.outputs if case.match else 0
    if outputs != len(case.skeleton.labels):
        return f"it has {outputs} outputs and its configuration {len(case.skeleton.labels)} labels"
    return "other weights do not fit the configuration"


def _with_override(match: HeadMatch | None, candidate: Candidate) -> HeadMatch | None:
    pooling = _said(candidate).get("pooling")
    return match if match is None or match.own or pooling is None else replace(match, pooling=pooling)


def _said(candidate: Candidate) -> dict[str, Any]:
    """What the registry says of the head, and not what it would say by default."""
    head = candidate.head
    return {} if head is None else head.model_dump(mode="json", include=set(head.model_fields_set) - {"kind"})
