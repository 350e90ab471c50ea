"""All candidates of a batch, looked at without weights: facts and headers at once, and the models they stand for."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark.hub.client import Hub
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.tensor_listing import TensorListing
from benchmark.hub.weights import weight_files
from benchmark.models.skeleton_rules import skeleton_by_rule
from benchmark.models.supported import AUDIO_CLASSIFICATION_TYPES
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding, Verification
from benchmark.settings import Settings
from benchmark.threads import in_parallel
from benchmark.verification.headers import HeaderVerdict, judge_listing, judge_tensors
from benchmark.verification.inspect import Inspected, inspect, look_at
from benchmark.verification.model_config import candidate_labels, config_labels, label_problem, model_type
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.parallel import spared
from benchmark.verification.sandbox import Built, OpenWorkers, SkeletonBuilder, unforeseen
from benchmark.verification.store import KeptVerdicts
from benchmark.workers.process import start_server

_ASKED_AT_ONCE = 8
_CLAIMS = frozenset({Status.WRONG_TASK, Status.NO_HEAD})
_BEYOND_LOOKING = frozenset({Status.CUSTOM_CODE, Status.INVALID_CONFIG, Status.UNSUPPORTED_ARCHITECTURE})
_LOG = "inspection.log"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What is known of a candidate without its weights.

    Attributes:
        candidate: As the registry names it.
        found: The facts of its repository, or why there are none.
        kept: The verdict of a former run, where it still holds.
        findings: What was found, the deciding finding first.
        header: What its tensors say.
        notes: Facts worth knowing that decide nothing.
        seconds: What that took.
    """

    candidate: Candidate
    found: RepoFacts | HubFailure
    kept: Verification | None = None
    findings: tuple[Finding, ...] = ()
    header: HeaderVerdict = field(default_factory=HeaderVerdict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Inspector:
    """Looks at candidates without their weights.

    Attributes:
        hub: Who knows the repositories.
        settings: Limits and places.
        options: What the user asks for.
        kept: The verdicts of former runs.
        workers: Who knows the workers that are open.
        progress: Who listens.
        looked: Takes what each candidate was found to be, by its place, as soon as that is known.
    """

    hub: Hub
    settings: Settings
    options: VerifyOptions
    kept: KeptVerdicts
    workers: OpenWorkers
    progress: Progress
    looked: "dict[int, _Looked]" = field(default_factory=dict)

    def inspect(self, candidates: Sequence[Candidate]) -> list[Inspection]:
        """Look at all candidates.

        Raises:
            RequestError: The registry overrides a label that a model does not have.
        """
        with self.progress.stage("Inspecting", total=len(candidates), unit="candidates") as stage:
            look = spared(self._look, lambda candidate, error: _Looked(candidate, _lost(error)))

            def look_and_tell(place: int) -> _Looked:
                return self.looked.setdefault(place, look(candidates[place]))

            places = range(len(candidates))
            looked = in_parallel(look_and_tell, places, threads=_ASKED_AT_ONCE, finished=stage.advance)
            begin = time.monotonic()
            built = self._build(looked)
            share = (time.monotonic() - begin) / max(1, len(built))

        def judge(place: int) -> Inspection:
            one = looked[place]
            return self._judge(one, one.built or built.get(place), share if place in built else 0.0)

        def lost(place: int, error: Exception) -> Inspection:
            return Inspection(candidate=looked[place].candidate, found=_lost(error))

        return [spared(judge, lost)(place) for place in range(len(looked))]

    def so_far(self) -> list[Inspection]:
        """Give what is known of those candidates that need no more looking at; for an interruption."""
        looked = [one for _, one in sorted(dict(self.looked).items())]
        return [
            self._judge(one, one.built, 0.0)
            for one in looked
            if one.built is not None or not isinstance(one.listing, TensorListing)
        ]

    def _look(self, candidate: Candidate) -> "_Looked":
        begin = time.monotonic()
        found = look_at(candidate, self.hub)
        if isinstance(found, HubFailure):
            return _Looked(candidate, found, seconds=time.monotonic() - begin)
        # A wrong override ends all; better now than after an hour of loading.
        label_map = candidate_labels(candidate, config_labels(found.config or {}))
        kept = None if self.options.refresh else self.kept.read(candidate, found)
        if kept is not None:
            return _Looked(candidate, found, kept=kept)
        if self.options.depth is not Depth.INSPECT:
            start_server()  # which imports torch meanwhile; inspection alone seldom needs any
        findings = inspect(Inspected(candidate, found, label_map))
        listing, built = None, None
        if _has_tensors(found, findings):
            skeleton = skeleton_by_rule(found.config or {})
            if skeleton is None:
                start_server()  # somebody has to build this one, and needs torch for it
            built = None if skeleton is None else Built(skeleton)
            listing = self.hub.tensors(found)
        seconds = time.monotonic() - begin
        return _Looked(candidate, found, findings=findings, listing=listing, built=built, seconds=seconds)

    def _build(self, looked: "Sequence[_Looked]") -> Mapping[int, Built]:
        configs = {
            place: each.found.config or {}
            for place, each in enumerate(looked)
            if each.built is None and isinstance(each.listing, TensorListing) and isinstance(each.found, RepoFacts)
        }
        builder = SkeletonBuilder(
            log=self.settings.logs / _LOG, timeout_s=self.settings.load_timeout_s, workers=self.workers
        )
        built = builder.build({str(place): config for place, config in configs.items()}) if configs else {}
        return {int(place): each for place, each in built.items()}

    def _judge(self, looked: "_Looked", built: Built | None, share: float) -> Inspection:
        inspection = Inspection(
            candidate=looked.candidate,
            found=looked.found,
            kept=looked.kept,
            findings=looked.findings,
            seconds=looked.seconds + share,
        )
        if isinstance(looked.listing, HubFailure):
            return inspection if looked.findings else replace(inspection, found=looked.listing)
        if looked.listing is None or built is None or isinstance(looked.found, HubFailure):
            return inspection
        header = self._header(looked.candidate, looked.found, built, looked.listing)
        void = [each for each in looked.findings if each.status in _CLAIMS and header.overrules(each.status)]
        findings = [each for each in looked.findings if each not in void] + [*built.findings, *header.findings]
        return replace(
            inspection,
            findings=tuple(sorted(findings, key=lambda finding: finding.status.precedence)),
            header=header,
            notes=(*(f"its configuration claims otherwise: {each.reason}" for each in void), *header.notes),
        )

    def _header(self, candidate: Candidate, facts: RepoFacts, built: Built, listing: TensorListing) -> HeaderVerdict:
        if built.skeleton is None or not listing.known:
            return replace(judge_listing(listing), skeleton=built.skeleton)
        return judge_tensors(
            candidate, facts.config or {}, built.skeleton, listing, repair_heads=self.options.repair_heads
        )


def _lost(error: Exception) -> HubFailure:
    finding = unforeseen(error)
    return HubFailure(finding.status, finding.reason)


@dataclass(frozen=True)
class _Looked:
    """A candidate with what asking for its facts and its headers brought."""

    candidate: Candidate
    found: RepoFacts | HubFailure
    kept: Verification | None = None
    findings: tuple[Finding, ...] = ()
    listing: TensorListing | HubFailure | None = None
    built: Built | None = None
    seconds: float = 0.0


def _has_tensors(facts: RepoFacts, findings: Sequence[Finding]) -> bool:
    """Whether looking at the tensors can tell something that is not decided yet."""
    config = facts.config or {}
    if model_type(config) not in AUDIO_CLASSIFICATION_TYPES or label_problem(config) is not None:
        return False
    if any(finding.status in _BEYOND_LOOKING for finding in findings):
        return False
    return facts.partial or weight_files(facts.files, facts.config) is not None
