"""What the tensors of a checkpoint say of it, from a header or from a load, as findings.

What becomes of a head is decided by `benchmark.models.head_rules`; here it gets its sentences and its evidence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmark.hub.tensor_listing import ListingProblem, TensorListing
from benchmark.models.head_rules import (
    LAYER_WEIGHTS,
    Comparison,
    OtherTask,
    Outcome,
    Part,
    Skeleton,
    compare,
    conclude,
    is_harmless,
)
from benchmark.models.heads import HeadMatch, HeadParameters, Shapes, recognise
from benchmark.models.load_reports import STANDARD_HEAD, describe_mismatches
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.native import rebuilt
from benchmark.verification.record import CandidateRecord

_UNFITTING = "Its weights and its configuration do not fit together"
_SUM_LEFT_OUT = (
    "Its classifier was trained on a sum over all layers (layer_weights), which its configuration does not ask for "
    "(use_weighted_layer_sum), so that a load would feed it something else."
)
CLASSIFIERS = frozenset({Outcome.STANDARD, Outcome.REPAIRABLE})
_CLAIMS = frozenset({Status.WRONG_TASK, Status.NO_HEAD})
_WHOLE_NUMBERS = frozenset({"uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "bool"})
_QUANTISED = frozenset({"qint8", "quint8", "qint32", "quint4x2", "quint2x4"})
_SCALES = ("scale", "scale_inv", "scales", "SCB", "absmax")
_SHOWN_NAMES = 12
_LONGEST_NAME = 200
_MATRIX = 2


def judge_problem(problem: ListingProblem) -> Iterator[Finding]:
    """Report why tensors cannot be listed, unless only a load can tell."""
    if problem.status is not None:
        evidence = {"imports": listed(problem.unsafe_globals)} if problem.unsafe_globals else {}
        yield Finding(status=problem.status, reason=f"Its weights cannot be used: {problem.reason}.", evidence=evidence)


def judge_header(record: CandidateRecord, listing: TensorListing, skeleton: Skeleton, *, repair_heads: bool) -> None:
    """Judge a checkpoint by the names, shapes and types in its header; claims that they refute become notes."""
    shapes = {name: tensor.shape for name, tensor in listing.tensors.items()}
    judgement = judge_tensors(record, compare(skeleton, shapes), shapes)
    comparison, outcome = judgement.comparison, judgement.outcome
    _drop_refuted_claims(record, outcome)
    types = {name: listing.tensors[source].dtype for name, source in comparison.sources.items()}
    record.findings += [*judge_types(types, comparison.unexpected), *judgement.findings(repair_heads=repair_heads)]
    biases = judgement.biases()
    if outcome in CLASSIFIERS and biases and all(name in listing.values for name in biases):
        record.findings += judge_biases({name: listing.values[name] for name in biases})
    if outcome is Outcome.STANDARD:
        record.head = STANDARD_HEAD
        if record.rebuilt is not None:
            record.head, record.repair = record.rebuilt.layout.name, {"kind": record.rebuilt.layout.name}
            record.findings.append(rebuilt(record.rebuilt, {}))
        if comparison.unknown:
            strays = ", ".join(listed(comparison.unknown, most=3))
            record.notes.append(f"the model has no place for {strays}, which the checkpoint holds")
    if judgement.repair is not None and judgement.match is not None and repair_heads:
        record.head, record.repair = judgement.match.layout, judgement.repair
        record.findings.append(repaired(judgement.repair, {"layers": list(judgement.match.layers)}))


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the rules for heads say of a checkpoint.

    Attributes:
        comparison: Its tensors against those of its configuration.
        match: The known head that it has.
        outcome: What becomes of it when it is loaded.
        repair: How its head is to be rebuilt; None where it is not repairable.
    """

    comparison: Comparison
    match: HeadMatch | None
    outcome: Outcome
    repair: dict[str, str] | None = None

    def biases(self) -> tuple[str, ...]:
        """Give the checkpoint's names of the biases of its head, without those of a normalisation."""
        if self.match is not None and not self.match.own:
            return tuple(f"{layer}.bias" for layer in self.match.layers)
        expected, sources = self.comparison.expected, self.comparison.sources
        matrices = [
            name.removesuffix(".weight")
            for name, shape in expected.shapes.items()
            if expected.part(name) is Part.HEAD and name.endswith(".weight") and len(shape) == _MATRIX
        ]
        return tuple(sources[f"{layer}.bias"] for layer in matrices if f"{layer}.bias" in sources)

    def findings(self, *, repair_heads: bool) -> Iterator[Finding]:
        """Say what speaks against the checkpoint."""
        comparison, outcome = self.comparison, self.outcome
        verifies_speakers = outcome not in CLASSIFIERS and OtherTask.SPEAKER_VERIFICATION in comparison.other_heads
        if outcome is Outcome.WRONG_TASK or verifies_speakers:
            tasks = " and ".join(comparison.other_heads)
            yield self._finding(Status.WRONG_TASK, f"Its weights hold a head for {tasks} and none for classification.")
        if outcome is Outcome.NO_HEAD:
            yield self._finding(
                Status.NO_HEAD, "Its weights are an encoder without a classifier, which would be random then."
            )
        if outcome is Outcome.RANDOM or (comparison.fatal and outcome is Outcome.MISMATCHED):
            yield self._finding(Status.RANDOM_HEAD, self._why_random())
        if outcome is Outcome.REPAIRABLE and not repair_heads:
            yield self._finding(Status.RANDOM_HEAD, f"{self._other_layout()}; it could be rebuilt with --repair-heads.")
        if outcome in CLASSIFIERS:
            yield from (self._finding(Status.LOAD_FAILED, reason) for reason in self._left_out())
        if comparison.mismatched and outcome is not Outcome.WRONG_TASK:
            yield self._finding(Status.LOAD_FAILED, f"{_UNFITTING}: {describe_mismatches(comparison.mismatched)}.")

    def _finding(self, status: Status, reason: str) -> Finding:
        comparison = self.comparison
        evidence: dict[str, Any] = {
            "missing": listed(comparison.fatal),
            "unexpected": listed(comparison.unexpected),
            "mismatched": listed(map(str, comparison.mismatched)),
            "layers": {
                "in the configuration": comparison.layers_expected,
                "in the checkpoint": comparison.layers_found,
            },
        }
        return Finding(status=status, reason=reason, evidence=evidence)

    def _left_out(self) -> Iterator[str]:
        """Say what the classifier was trained behind, and a load would leave out without a word."""
        comparison = self.comparison
        if comparison.layers_found > comparison.layers_expected:
            yield (
                f"{_UNFITTING}: the checkpoint holds {comparison.layers_found} layers and its configuration says "
                f"{comparison.layers_expected}; a load would leave the others out."
            )
        elif names := comparison.left_out:
            single = len(names) == 1
            yield (
                f"{_UNFITTING}: the encoder was trained with {len(names)} {'weight' if single else 'weights'}, such as "
                f"{min(names)}, that {'has' if single else 'have'} no place in the model of its configuration; a load "
                f"would leave {'it' if single else 'them'} out."
            )
        if LAYER_WEIGHTS in comparison.unexpected and self.outcome is Outcome.STANDARD:
            yield _SUM_LEFT_OUT

    def _why_random(self) -> str:
        comparison = self.comparison
        if self.match is not None and not self.match.own:
            return f"{self._other_layout()}; it cannot be rebuilt, since {self._obstacle(self.match)}."
        if 0 < comparison.layers_found < comparison.layers_expected and comparison.missing_encoder:
            return (
                f"The checkpoint holds {comparison.layers_found} of the {comparison.layers_expected} layers that its "
                "configuration says; the others would be random."
            )
        parts = {
            "the head": comparison.missing_head,
            "the sum over its layers": comparison.missing_layer_weights,
            "the encoder": comparison.missing_encoder,
        }
        where = " and ".join(part for part, names in parts.items() if names)
        if comparison.unknown:
            instead = f" (it has {', '.join(listed(comparison.unknown, most=3))} instead)"
        elif comparison.sources or comparison.unexpected:
            instead = ""
        else:
            instead = " (there is no weight at its top, as where a whole training was saved)"
        missing, single = comparison.fatal, len(comparison.fatal) == 1
        return (
            f"{len(missing)} {'weight' if single else 'weights'} of {where}, such as {missing[0]}, "
            f"{'is' if single else 'are'} not in the checkpoint{instead} and would be random."
        )

    def _other_layout(self) -> str:
        layers = ", ".join(self.match.layers) if self.match else ""
        return f"Its head has another layout ({layers}) than transformers' own, which would be random"

    def _obstacle(self, match: HeadMatch) -> str:
        comparison = self.comparison
        labels = len(comparison.expected.labels)
        if comparison.missing_encoder:
            return f"{len(comparison.missing_encoder)} weights of the encoder are missing, too"
        if match.pooling is None:
            return (
                "its configuration names a pooling that is not known; where you know it, say so in the registry: "
                f"head: {{kind: {match.layout}, pooling: mean}}"
            )
        if strays := comparison.beside_head(match):
            return (
                f"beside it there is {', '.join(listed(strays, most=3))}, which may decide the answer; where you know "
                f"that nothing does, say so in the registry: head: {{kind: {match.layout}, pooling: mean}}"
            )
        if match.outputs != labels:
            return f"it has {match.outputs} outputs and its configuration {labels} labels"
        return "other weights do not fit the configuration"


def judge_tensors(
    record: CandidateRecord, comparison: Comparison, shapes: Shapes | None, *, rebuilt: bool = False
) -> Judgement:
    """Apply the rules for heads.

    Args:
        record: The candidate, whose registry entry may say how its head computes.
        comparison: Its tensors against those of its configuration, from a header or from a load.
        shapes: Name → shape of all its tensors, to recognise a known head; None where they don't matter.
        rebuilt: Whether the comparison is that of a load with a rebuilt head.
    """
    match = None if shapes is None else recognise(shapes, record.config)
    stated_pooling = _stated(record.candidate).get("pooling")
    if match is not None and not match.own and stated_pooling is not None:
        match = replace(match, pooling=stated_pooling)
    outcome = conclude(comparison, match, is_stated=record.candidate.head is not None)
    if rebuilt and outcome is Outcome.STANDARD:
        outcome = Outcome.REPAIRABLE
    repair = None
    if outcome is Outcome.REPAIRABLE and match is not None:
        parameters = HeadParameters.settle(_stated(record.candidate), record.config)
        repair = {"kind": match.layout, **asdict(parameters)}
    return Judgement(comparison=comparison, match=match, outcome=outcome, repair=repair)


def repaired(repair: Mapping[str, Any], evidence: Mapping[str, Any]) -> Finding:
    """Say that a head is rebuilt, and what that assumes.

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


def judge_biases(values: Mapping[str, Sequence[float]]) -> Iterator[Finding]:
    """Judge whether a head was ever trained: training moves biases, and each begins at exactly zero.

    Yields at most one finding, `random-head`.

    Args:
        values: The numbers of all biases of projector and classifier, by name; empty where they are not known.

    Examples:
        >>> [finding.status.value for finding in judge_biases({"classifier.bias": (0.0, -0.0)})]
        ['random-head']
        >>> list(judge_biases({"classifier.bias": (0.0, 1e-9)})), list(judge_biases({}))
        ([], [])
    """
    numbers = [number for bias in values.values() for number in bias]
    if numbers and not any(numbers):
        yield Finding(
            status=Status.RANDOM_HEAD,
            reason="Its head was saved untrained: all biases of projector and classifier are exactly zero.",
            evidence={"zero": sorted(values)},
        )


def judge_types(types: Mapping[str, str], unexpected: Iterable[str]) -> Iterator[Finding]:
    """Judge the number types: a quantised weight means something only together with its scale.

    Yields at most one finding, `load-failed`.

    Args:
        types: Weight of the model → its type in the checkpoint, as torch calls it.
        unexpected: What the checkpoint holds besides.

    Examples:
        >>> [finding.evidence["types"] for finding in judge_types({"classifier.weight": "int8"}, ())]
        ['int8']
        >>> list(judge_types({"classifier.weight": "float8_e4m3fn"}, ()))
        []
        >>> len(list(judge_types({"classifier.weight": "float8_e4m3fn"}, ("classifier.weight_scale",))))
        1
    """
    whole = _WHOLE_NUMBERS | _QUANTISED
    rounded = {name: dtype for name, dtype in types.items() if dtype in whole and not is_harmless(name)}
    what = "quantised to whole numbers"
    if not rounded and any(name.endswith(_SCALES) for name in unexpected):
        rounded = {name: dtype for name, dtype in types.items() if dtype.startswith("float8")}
        what = "quantised, with scales of their own"
    if rounded:
        kinds = ", ".join(sorted(set(rounded.values())))
        yield Finding(
            status=Status.LOAD_FAILED,
            reason=f"{len(rounded)} of its weights, such as {min(rounded)}, {'is' if len(rounded) == 1 else 'are'} "
            f"{what} ({kinds}), which transformers would take for the weights themselves; use the repository that it "
            "was made from, with floating-point weights.",
            evidence={"quantised": listed(rounded), "types": kinds},
        )


def listed(names: Iterable[str], *, most: int = _SHOWN_NAMES) -> list[str]:
    """Give the first of many names in their order, and how many more there are.

    Examples:
        >>> listed(["c", "a", "b"], most=2)
        ['a', 'b', '… and 1 more']
    """
    ordered = sorted(str(name)[:_LONGEST_NAME] for name in names)
    return ordered[:most] + ([f"… and {len(ordered) - most} more"] if len(ordered) > most else [])


def _drop_refuted_claims(record: CandidateRecord, outcome: Outcome) -> None:
    """Turn what the configuration claims of its task into notes, where the weights show otherwise.

    A claim to be a bare encoder is void as soon as the weights are known; a claim to be for another task stands where
    these are random or do not fit.
    """
    void = {Status.NO_HEAD} if outcome in {Outcome.RANDOM, Outcome.MISMATCHED} else _CLAIMS
    refuted = [finding for finding in record.findings if finding.status in void]
    record.findings = [finding for finding in record.findings if finding.status not in void]
    record.notes += [f"its configuration claims otherwise: {finding.reason}" for finding in refuted]


def _stated(candidate: Candidate) -> dict[str, Any]:
    """What the registry says of the head, without its defaults."""
    head = candidate.head
    return {} if head is None else head.model_dump(mode="json", include=set(head.model_fields_set) - {"kind"})
