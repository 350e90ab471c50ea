"""The inference plan of a candidate: engines, fastest first, the reference last, each with its parity result."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from benchmark.evaluation.context import Overwrite, RunContext
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.parity import (
    CLIPS_COMPARED,
    FIRST_COMPARED,
    Decisions,
    EngineRejectedError,
    ParityTest,
    rerun_margin,
    stratified,
)
from benchmark.evaluation.sessions import Implementation
from benchmark.models.backends.protocol import TORCH, Engine
from benchmark.results.inference_record import InferenceRecord, ParityCheck, converted_model, describe_converted_model
from benchmark.results.predictions import InferenceSetup, Prediction

PAYS_FROM_CLIPS = 128
"""With fewer clips, converting and comparing costs more than it saves, and `auto` stays with the reference."""
FEW_CLIPS = f"With fewer than {PAYS_FROM_CLIPS} clips, preparing a faster engine costs more than it saves."
_MOSTLY_ANSWERED = "torch has answered most of these clips before."
_MOST = 0.5
_SURE = 0.25
"""Where the first clips differ by no more than this share of what is allowed, the others need not be waited for."""


class EngineStatus(StrEnum):
    """Whether an engine may replace the reference."""

    UNTESTED = "untested"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(eq=False)
class PlannedEngine:
    """An engine of a plan.

    Attributes:
        setup: The setup of its answers to clips as they are.
        converted: Folder of its converted model; None where torch computes.
        only_reruns: Whether it only re-runs what a reduced number format leaves open, since the user did not name it.
        check: Its parity result, possibly on other clips than those of this run; None for the reference.
        uncompared: Clips that are compared with the reference once both have computed them in this run.
        reason: Why it failed, as a part of a sentence.
    """

    engine: Engine
    setup: InferenceSetup
    converted: Path | None = None
    only_reruns: bool = False
    check: ParityCheck | None = None
    status: EngineStatus = EngineStatus.UNTESTED
    uncompared: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_reference(self) -> bool:
        """Whether the other engines are compared with this one."""
        return self.engine.is_reference

    @property
    def has_failed(self) -> bool:
        """Whether the engine is out of the plan."""
        return self.status is EngineStatus.FAILED

    @property
    def margin(self) -> float:
        """Clips whose two best answers are closer than this are re-run; 0 for the reference."""
        return 0.0 if self.check is None else rerun_margin(self.check.largest_difference)

    @property
    def implementation(self) -> Implementation:
        """The engine with the converted model that was compared."""
        return Implementation(self.engine, self.converted, None if self.check is None else self.check.model)

    def fail(self, reason: str) -> None:
        """Take the engine out of the plan."""
        self.status, self.reason = EngineStatus.FAILED, reason


@dataclass(eq=False)
class InferencePlan:
    """How a candidate is computed in a run; all methods raise UnavailableError if the cache cannot be written.

    Attributes:
        engines: Fastest first; the last is the reference, which has always passed.
        computed: Clips that are computed in any case, so that most comparisons can wait for them.
        note: Why `auto` did not look for a faster engine, if so.
    """

    subject: Subject
    context: RunContext
    decisions: Decisions
    engines: list[PlannedEngine]
    computed: Set[str] = frozenset()
    note: str | None = None

    @classmethod
    def build(cls, subject: Subject, device: str, context: RunContext, computed: Set[str] = frozenset()) -> Self:
        """Plan the engines that the user's choice allows on a device, and test them until one passes.

        Behind a converted engine in a reduced number format comes float32, to re-run what that leaves open. With
        `Overwrite.NEVER` nothing is tested, and engines that have never been are passed over.

        Args:
            computed: Clips that whoever uses the plan computes, and then compares (`PlannedEngine.uncompared`).

        Raises:
            RequestError: A newer version of bench wrote what is stored.
        """
        decisions = Decisions.of(subject.verification, context.merges)
        *engines, last = subject.engines(context.options.engines, device)
        reference = PlannedEngine(last, subject.setup(last), status=EngineStatus.PASSED)
        plan = cls(subject, context, decisions, [reference], computed)
        if not engines or not context.clips.audio:
            return plan
        fast: list[PlannedEngine] = []
        for engine in engines:
            fast.append(plan._engine(engine))
            float32 = replace(engine, dtype="float32")
            if engine.backend != TORCH and float32 not in engines:
                fast.append(plan._engine(float32, only_reruns=True))
        plan.note = plan._reason_for_reference([planned for planned in fast if not planned.only_reruns])
        if plan.note is None:
            plan.engines = [*fast, reference]
            plan._test_in_order()
        return plan

    @property
    def reference(self) -> PlannedEngine:
        """Reference inference."""
        return self.engines[-1]

    @property
    def current(self) -> PlannedEngine:
        """The fastest engine that has passed."""
        return next(
            planned for planned in self.engines if planned.status is EngineStatus.PASSED and not planned.only_reruns
        )

    def refiner(self, planned: PlannedEngine, *, close_clips: int = 0) -> PlannedEngine | None:
        """The engine that re-runs what a reduced number format leaves open: the same backend in float32.

        bfloat16 differs about a thousand times as much from the reference as float32 in the same backend, which takes
        half as long as the reference: of the clips that are too close in bfloat16, few are in float32.

        Args:
            planned: The engine in the reduced format.
            close_clips: How many clips it leaves open. If a test pays for so many, float32 is tested; else there is a
                refiner only if float32 has passed on these clips before.
        """
        float32 = replace(planned.engine, dtype="float32")
        if planned.engine.backend == TORCH or planned.engine == float32:
            return None
        finer = next((other for other in self.engines if other.engine == float32), None)
        if finer is None or finer.has_failed:
            return None
        check = finer.check
        if check is not None and planned.check is not None and check.model not in (planned.check.model, None):
            check = None  # of another converted model
        if self._unseen(check) > 0 and close_clips >= PAYS_FROM_CLIPS:
            finer.check = check
            self._test(finer, at_once=True)
            check = finer.check
        if finer.has_failed or check is None or not check.passed or self._unseen(check) > 0:
            return None
        return finer

    def reject(self, planned: PlannedEngine, reason: str) -> None:
        """Take an engine out of the plan, and test the next ones until one passes."""
        planned.fail(reason)
        self._test_in_order()

    def rebuild(self, planned: PlannedEngine) -> None:
        """Convert and test again, since the converted model is broken; if that fails, test the next engines."""
        planned.check = None
        self._test(planned)
        self._test_in_order()

    def record_difference(self, planned: PlannedEngine, difference: float) -> bool:
        """Keep a difference to the reference if it is the largest so far, which may fail the engine.

        Returns whether the engine's margin has grown.
        """
        if planned.check is None or difference <= planned.check.largest_difference:
            return False
        before = planned.margin
        planned.check = planned.check.model_copy(update={"largest_difference": difference})
        planned.check.save(self.context.settings.cache, planned.setup)
        if not planned.check.passed:
            planned.fail(_why_failed(planned.check))
        return planned.margin != before

    def compare_rest(self, planned: PlannedEngine, answers: Mapping[str, Prediction | None]) -> None:
        """Make the comparisons that were put off, which may fail the engine; an interruption leaves them open.

        Args:
            planned: The engine.
            answers: What it has answered to `uncompared`; None where it has not.

        Raises:
            WorkerLostError: A worker has ended, for the first time.
        """
        audio, check = self.context.clips.audio, planned.check
        processed = {name: own for name, own in answers.items() if own is not None and own.logits is not None}
        if check is not None and processed:
            try:
                check = self._parity_of(planned).complete({name: audio[name] for name in processed}, processed, check)
            except EngineRejectedError as error:
                if not self.context.stop.is_set():
                    planned.fail(str(error))
                return
            check.save(self.context.settings.cache, planned.setup)
            planned.check = check
            if not check.passed:
                planned.fail(_why_failed(check))
        planned.uncompared = ()

    def record(self, *, rerun_clips: int) -> InferenceRecord:
        """What is stored of the plan with a run."""
        current, check = self.current, self.current.check
        return InferenceRecord(
            candidate=self.subject.name,
            asked=str(self.context.options.engines),
            backend=current.setup.backend,
            dtype=current.setup.dtype,
            batch=current.engine.batch,
            fallbacks=self.fallbacks,
            note=self.note,
            checked_clips=check.compared if check else 0,
            largest_difference=check.largest_difference if check else None,
            allowed=check.allowed if check else None,
            redone_below=current.margin if check else None,
            redone_clips=rerun_clips,
            conversion_s=check.conversion_s if check else None,
            check_s=check.seconds if check else None,
        )

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """For each faster engine that was rejected, the reason, in a sentence."""
        faster = self.engines[: self.engines.index(self.current)]
        return tuple(
            f"{planned.engine} was not taken: {planned.reason}."
            for planned in faster
            if planned.has_failed and not planned.only_reruns
        )

    def _engine(self, engine: Engine, *, only_reruns: bool = False) -> PlannedEngine:
        setup, cache = self.subject.setup(engine), self.context.settings.cache
        converted = None if engine.backend == TORCH else converted_model(cache, setup)
        return PlannedEngine(engine, setup, converted, only_reruns, ParityCheck.load(cache, setup))

    def _reason_for_reference(self, fast: Sequence[PlannedEngine]) -> str | None:
        """Why `auto` stays with the reference: there is too little to do, or the reference has done most of it."""
        if not self.context.options.engines.is_left_to_bench:
            return None
        checks = [planned.check for planned in fast if planned.check is not None]
        if any(check.passed and self._unseen(check) <= 0 for check in checks):
            return None
        store, audio = self.context.store, self.context.clips.audio
        if self.context.divided:
            return FEW_CLIPS if len(audio) < PAYS_FROM_CLIPS else None

        def has_answered_most(planned: PlannedEngine) -> bool:
            stored = store.read(planned.setup)
            return sum(clip_hash in stored for clip_hash in audio) >= _MOST * len(audio)

        if any(map(has_answered_most, fast)):
            return None
        if (len(audio) if self.context.work is None else self.context.work) < PAYS_FROM_CLIPS:
            return FEW_CLIPS
        return _MOSTLY_ANSWERED if has_answered_most(self.reference) else None

    def _test_in_order(self) -> None:
        """Test engines in their order until one passes; the reference always does."""
        for planned in self.engines:
            if planned.only_reruns or planned.has_failed:
                continue
            if planned.status is EngineStatus.UNTESTED:
                if self.context.options.overwrite is Overwrite.NEVER and planned.check is None:
                    continue
                self._test(planned)
            if planned.status is EngineStatus.PASSED:
                return

    def _test(self, planned: PlannedEngine, *, at_once: bool = False) -> None:
        """Set an engine's status from its parity result, after a test on further clips if it needs one.

        Args:
            planned: The engine.
            at_once: Put off no comparison.
        """
        check, never = planned.check, self.context.options.overwrite is Overwrite.NEVER
        if check is None or not (check.is_ruled_out or self._unseen(check) <= 0 or never):
            try:
                planned.check = check = self._parity_test(planned, at_once=at_once)
            except EngineRejectedError as error:
                planned.fail(str(error))
                return
        reason = self._why_slower(check) if check.passed else _why_failed(check)
        if reason is not None:
            planned.fail(reason)
        else:
            planned.status = EngineStatus.PASSED

    def _parity_test(self, planned: PlannedEngine, *, at_once: bool) -> ParityCheck:
        """Test an engine on clips that it has not seen, and keep the result."""
        check, clips, seen = planned.check, self.context.clips, self._seen(planned.check)
        durations = {name: seconds for name, seconds in clips.durations.items() if name not in seen}
        chosen = stratified(durations, self._unseen(planned.check))
        is_new_reading = check is not None and not seen  # of clips that have been compared in another
        if not (at_once or is_new_reading) and planned.engine.batch == 1 and self.computed >= set(chosen):
            window_s = self.subject.verification.window_s or 0.0
            short = {name: durations[name] for name in chosen if durations[name] <= window_s}
            first = stratified(short, max(0, FIRST_COMPARED - len(seen & clips.audio.keys())))
            later = tuple(name for name in short if name not in first)
            if at_first := [name for name in chosen if name not in later]:
                check = self._compare(planned, at_first, check)
            if check is not None and check.passed and check.largest_difference <= check.allowed * _SURE:
                planned.uncompared = later
                return check
            if check is not None and (check.is_ruled_out or not later):
                return check
            chosen = later
        return self._compare(planned, chosen, check)

    def _compare(self, planned: PlannedEngine, clips: Sequence[str], before: ParityCheck | None) -> ParityCheck:
        if planned.converted is not None:
            describe_converted_model(self.context.settings.cache, planned.setup)
        audio = self.context.clips.audio
        test = self._parity_of(planned)
        try:
            check = test.run({clip_hash: audio[clip_hash] for clip_hash in clips}, before)
        except EngineRejectedError as error:
            if not error.lasting:
                raise
            check = test.failed(str(error))
        check.save(self.context.settings.cache, planned.setup)
        return check

    def _parity_of(self, planned: PlannedEngine) -> ParityTest:
        return ParityTest(
            subject=self.subject,
            implementation=planned.implementation,
            setup=planned.setup.key,
            decisions=self.decisions,
            context=self.context,
        )

    def _unseen(self, check: ParityCheck | None) -> int:
        """How many of this run's clips still have to be compared; 0 or less if enough have been."""
        audio = self.context.clips.audio
        return min(CLIPS_COMPARED, len(audio)) - len(self._seen(check) & audio.keys())

    def _seen(self, check: ParityCheck | None) -> set[str]:
        """Clips that have been compared as this run reads them."""
        return set(check.clips) if check is not None and self.decisions.key in check.decisions else set()

    def _why_slower(self, check: ParityCheck) -> str | None:
        """Why batches that the user did not ask for do not pay on this device; None if they do."""
        if self.context.options.engines.batch is not None or check.speed is None or check.speed > 1:
            return None
        return f"in a full batch, a window takes {1 / check.speed:.1f} times as long as alone"


def _why_failed(check: ParityCheck) -> str:
    if check.failure is not None:
        return check.failure
    if not check.is_like_the_reference:
        return (
            f"on {check.compared} clips its probabilities differ from the reference's by up to "
            f"{check.largest_difference:.1e}, and {check.allowed:.0e} is allowed"
        )
    return (
        f"of {check.compared} clips, {check.close} would have to be done again in the reference, since their two best "
        "answers are too close to rely on it, and that would take longer than it saves"
    )
